"""The seed's JSON rules: its metric names are aliases of catalogue metrics, its conditions become one expression."""

from __future__ import annotations

import math
import re
from typing import Final

from engine.indicators.declare import Unit
from engine.rules import tree
from engine.rules.arguments import timeframe_named
from engine.rules.hints import nearest
from engine.rules.parser import parse
from engine.rules.tree import Node, TreeError
from engine.rules.units import UnitError, joined
from engine.timeframes import BY_NAME, Timeframe
from schemas.rule import OPERATORS, RuleError, SeedCondition

_SESSIONS: Final = {"premarket": "pre", "market": "regular", "postmarket": "post"}
_VALUE_TYPES: Final = {"$": Unit.PRICE, "%": Unit.PERCENT}
_RATIO: Final = 100.0
"""The seed writes relative volume as a ratio, the catalogue in percent."""

_ALIASES: Final = tuple(
    (re.compile(pattern), replacement, factor)
    for pattern, replacement, factor in (
        (r"(rsi|ema|sma)_(\d+)_(1m|5m|15m|1h|60m|1d)", r"\1(\2, \3)", 1.0),
        (r"(rsi|ema|sma)_(\d+)", r"\1(\2, 1m)", 1.0),
        (r"vwap_(5m|15m|1h)", r"rolling_vwap(\1)", 1.0),
        (r"volume_avg_(\d+)m", r"avg_volume(\1, 1m)", 1.0),
        (r"volume_avg_1h", r"avg_volume(60, 1m)", 1.0),
        (r"relative_volume", r"relative_volume(1m)", _RATIO),
        (r"rel_volume_(1m|5m|15m|1h)", r"relative_volume(\1)", _RATIO),
        (r"price_change_(\w+)_pct", r"change_pct(\1)", 1.0),
        (r"change_(\d+[mh])_pct|change_pct_(\d+[mh])", r"change_pct(\1\2)", 1.0),
        (r"volume_(\d+[mh])", r"volume_last(\1)", 1.0),
        (r"(open|high|low|close|volume)_live", r"\1(1m)", 1.0),
        (r"vwap_live", r"vwap", 1.0),
        (r"price_live", r"price", 1.0),
    )
)


ALIAS_EXAMPLES: Final = dict.fromkeys(
    ("rsi_14", "ema_20", "sma_20", "vwap_5m", "volume_avg_5m", "rel_volume_5m", "price_change_5m_pct", "volume_5m")
)
"""For hints."""


def conditions_of(seed: SeedCondition, where: str) -> list[Node]:
    """What a condition says: the comparison, and where it is limited to a session or a volume. RuleError."""
    found = []
    if seed.calculated_during in _SESSIONS:
        found.append(parse(f'session == "{_SESSIONS[seed.calculated_during]}"'))
    if seed.volume_threshold is not None:
        if not (math.isfinite(seed.volume_threshold) and seed.volume_threshold >= 0):
            raise RuleError(f"{where}.volume_threshold", f"{seed.volume_threshold} is not a number of shares")
        found.append(parse(f"volume_day >= {tree.number_text(seed.volume_threshold)}"))
    return [_comparison(seed, where), *found]


def _comparison(seed: SeedCondition, where: str) -> Node:
    operator = seed.operator or seed.op
    if operator is None:
        raise RuleError(f"{where}.operator", "is missing")
    if operator not in OPERATORS:
        known = " ".join(OPERATORS)
        raise RuleError(
            f"{where}.operator", f"unknown operator {operator!r}; known are {known}{nearest(operator, OPERATORS)}"
        )
    text, factor = _metric(seed.metric)
    metric = parse(text, f"{where}.metric", known=ALIAS_EXAMPLES)
    if metric.truth:
        raise RuleError(f"{where}.metric", f"{metric.text[:80]} is true or false, and cannot be compared with a number")
    if seed.timeframe is not None:
        metric = _on_timeframe(metric, seed.timeframe, f"{where}.timeframe")
    if seed.value_type is not None and metric.unit is not _VALUE_TYPES[seed.value_type]:
        raise RuleError(f"{where}.value_type", f"{metric.text[:80]} is not counted in {seed.value_type}")
    try:
        bound = tree.number(seed.value * factor)
        joined(metric.unit, bound.unit, (metric.is_literal, True), "compared with")
        return tree.compare(operator, metric, bound)
    except (TreeError, UnitError) as error:
        raise RuleError(f"{where}.value", str(error)) from None


def _on_timeframe(metric: Node, text: str, where: str) -> Node:
    """The metric with another timeframe."""
    timeframe = timeframe_named(text)
    if timeframe is None:
        raise RuleError(where, f"{text[:40]!r} is not a timeframe: {', '.join(BY_NAME)}")
    if metric.call is None or metric.call.timeframe is None:
        raise RuleError(where, f"{metric.text[:80]} is on no timeframe")
    call = metric.call
    return tree.metric(call.declaration.call(*(timeframe if isinstance(a, Timeframe) else a for a in call.arguments)))


def _metric(name: str) -> tuple[str, float]:
    """The catalogue's text for a name in a seed rule, and the factor to its bound."""
    for pattern, replacement, factor in _ALIASES:
        found = pattern.fullmatch(name.strip())
        if found is not None:
            return found.expand(replacement), factor
    return name, 1.0
