"""The seed's JSON rules: its metric names are aliases of catalogue metrics, its conditions become one expression."""

from __future__ import annotations

import math
import re
from typing import Final

from engine.rules import tree
from engine.rules.hints import nearest
from engine.rules.parser import parse
from engine.rules.tree import Node, TreeError
from engine.rules.units import UnitError, joined
from schemas.rule import EACH_ROW, OPERATORS, RuleBody, RuleEntry, RuleError, SeedCondition, SeedRule, rule_hash

DEFAULT_COOLDOWN_S: Final = 10.0
MAX_CONDITIONS: Final = 64
MAX_COOLDOWN_S: Final = 30 * 86_400.0
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


def rule_set(rules: list[SeedRule]) -> tuple[list[RuleEntry], dict[str, RuleBody]]:
    """The enabled rules as entries of a set, and their bodies by hash."""
    entries, bodies = [], {}
    for i, rule in enumerate(rules):
        body = body_of(rule, f"rules[{i}]")
        if rule.enabled:
            key = rule_hash(body)
            bodies[key] = body
            entries.append(RuleEntry(rule.id, key, rule.name or rule.id, rule.version))
    return entries, bodies


def body_of(rule: SeedRule, where: str = "rule") -> RuleBody:
    """The normal form of a rule; RuleError if it has none."""
    if not 1 <= len(rule.conditions) <= MAX_CONDITIONS:
        raise RuleError(f"{where}.conditions", f"{len(rule.conditions)} conditions; a rule has 1 to {MAX_CONDITIONS}")
    conditions = [_condition(c, f"{where}.conditions[{i}]") for i, c in enumerate(rule.conditions)]
    given = [c for c in (rule.cooldown, rule.cooldown_sec, rule.cooldown_s) if c is not None]
    if len(given) > 1:
        raise RuleError(f"{where}.cooldown", "is given twice")
    cooldown_s = given[0] if given else DEFAULT_COOLDOWN_S
    if not (math.isfinite(cooldown_s) and 0 <= cooldown_s <= MAX_COOLDOWN_S):
        raise RuleError(f"{where}.cooldown", f"{cooldown_s} is not a number of seconds from 0 to {MAX_COOLDOWN_S:.0f}")
    return RuleBody(tree.both("and", conditions).text, EACH_ROW, round(cooldown_s * 1e9))


def _condition(seed: SeedCondition, where: str) -> Node:
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
    try:
        bound = tree.number(seed.value * factor)
        joined(metric.unit, bound.unit, (metric.is_literal, True), "compared with")
        return tree.compare(operator, metric, bound)
    except (TreeError, UnitError) as error:
        raise RuleError(f"{where}.value", str(error)) from None


def _metric(name: str) -> tuple[str, float]:
    """The catalogue's text for a name in a seed rule, and the factor to its bound."""
    for pattern, replacement, factor in _ALIASES:
        found = pattern.fullmatch(name.strip())
        if found is not None:
            return found.expand(replacement), factor
    return name, 1.0
