"""The seed's JSON conditions: each becomes a comparison of the rule language."""

from __future__ import annotations

import math
from typing import Final

from engine.indicators.catalogue import CATALOGUE
from engine.indicators.declare import Unit
from engine.rules import tree
from engine.rules.aliases import EXAMPLES, called, meaning_of
from engine.rules.arguments import timeframe_named
from engine.rules.names import NO_FORMULAS, Names
from engine.rules.parser import parse
from engine.rules.templates.catalogue import TEMPLATES
from engine.rules.tree import Node, TreeError
from engine.rules.units import UnitError, joined
from engine.timeframes import BY_NAME, Timeframe
from schemas.hints import nearest
from schemas.rule import OPERATORS, During, RuleError, SeedCondition

SESSION_OF: Final = {"premarket": "pre", "market": "regular", "postmarket": "post"}
_VALUE_TYPES: Final = {"$": Unit.PRICE, "%": Unit.PERCENT}


def conditions_of(seed: SeedCondition, where: str, names: Names = NO_FORMULAS) -> list[Node]:
    """What a condition says: the comparison, and where it is limited to a session or a volume. RuleError."""
    return [_comparison(seed, where, names), *limits_of(seed.calculated_during, seed.volume_threshold, where)]


def limits_of(during: During | None, volume: float | None, where: str) -> list[Node]:
    """The conditions that a session and a volume of the day are. RuleError."""
    found = []
    if during in SESSION_OF:
        found.append(parse(f'session == "{SESSION_OF[during]}"'))
    if volume is not None:
        if not (math.isfinite(volume) and volume >= 0):
            raise RuleError(f"{where}.volume_threshold", f"{volume} is not a number of shares")
        found.append(parse(f"volume_day >= {tree.number_text(volume)}"))
    return found


def _comparison(seed: SeedCondition, where: str, names: Names) -> Node:
    operator = _operator(seed, where)
    text, factor = meaning_of(seed.metric)
    if seed.timeframe is not None and text in TEMPLATES and timeframe_named(seed.timeframe) is not None:
        text = called(text, TEMPLATES[text].parameters, [seed.timeframe])
    metric = parse(text, f"{where}.metric", names.named, {**names.known, **EXAMPLES})
    if metric.truth:
        return _truth(metric, operator, seed, where)
    if seed.timeframe is not None:
        metric = _on_timeframe(metric, seed.timeframe, f"{where}.timeframe")
    if seed.value_type is not None:
        metric = _counted_in(metric, seed.value_type, f"{where}.value_type")
    try:
        bound = tree.number(seed.value * factor)
        joined(metric.unit, bound.unit, (metric.is_literal, True), "compared with")
        return tree.compare(operator, metric, bound)
    except (TreeError, UnitError) as error:
        raise RuleError(f"{where}.value", str(error)) from None


def _operator(seed: SeedCondition, where: str) -> str:
    operator = seed.operator or seed.op
    if operator is None:
        raise RuleError(f"{where}.operator", "is missing")
    if operator not in OPERATORS:
        known = " ".join(OPERATORS)
        raise RuleError(
            f"{where}.operator", f"unknown operator {operator!r}; known are {known}{nearest(operator, OPERATORS)}"
        )
    return operator


def _truth(condition: Node, operator: str, seed: SeedCondition, where: str) -> Node:
    """An alert type, or another condition, `== 1`."""
    if operator not in ("==", "!=") or seed.value not in (0, 1):
        raise RuleError(f"{where}.value", f"{seed.metric[:80]} is true or false; compare it with == 1 or == 0")
    if seed.value_type is not None:
        raise RuleError(f"{where}.value_type", f"{seed.metric[:80]} is true or false, and counts nothing")
    if seed.timeframe is not None and seed.metric.strip() not in TEMPLATES:
        raise RuleError(f"{where}.timeframe", f"{seed.metric[:80]} is on no timeframe of its own")
    return condition if bool(seed.value) == (operator == "==") else tree.negation(condition)


def _on_timeframe(metric: Node, text: str, where: str) -> Node:
    """The metric with another timeframe."""
    timeframe = timeframe_named(text)
    if timeframe is None:
        raise RuleError(where, f"{text[:40]!r} is not a timeframe: {', '.join(BY_NAME)}")
    if metric.call is None or metric.call.timeframe is None:
        raise RuleError(where, f"{metric.text[:80]} is on no timeframe")
    call = metric.call
    return tree.metric(call.declaration.call(*(timeframe if isinstance(a, Timeframe) else a for a in call.arguments)))


def _counted_in(metric: Node, value_type: str, where: str) -> Node:
    """The metric, or the one that says the same in the other unit."""
    unit = _VALUE_TYPES[value_type]
    if metric.unit is unit or (metric.unit is None and unit is Unit.PERCENT and not metric.is_literal):
        return metric
    call = metric.call
    if call is not None:
        name = call.name
        plain = name.removesuffix("_pct").replace("_pct_", "_")
        for other in (f"{plain}_pct", plain.replace("range_", "range_pct_"), plain):
            declaration = CATALOGUE.get(other)
            if declaration and declaration.unit is unit and declaration.parameters == call.declaration.parameters:
                return tree.metric(declaration.call(*call.arguments))
    raise RuleError(where, f"{metric.text[:80]} is not counted in {value_type}")
