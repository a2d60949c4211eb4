"""Rules written out anew: in normal form, and as lists of conditions where they can be such."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from engine.indicators.declare import MetricCall, Unit, argument_text
from engine.rules.aliases import meaning_of
from engine.rules.body import body_of
from engine.rules.names import Names
from engine.rules.parser import parse, parse_condition
from engine.rules.seed import SESSION_OF, conditions_of
from engine.rules.tree import Node
from schemas.bar import SESSIONS
from schemas.rule import EACH_ROW, OPERATORS, RuleBody, RuleError, RuleFile, SeedCondition, SeedRule, Universe

_DURING: Final = {SESSIONS.index(session): during for during, session in SESSION_OF.items()}


def normal_file(file: RuleFile, as_conditions: bool = False) -> list[dict[str, Any]]:
    """All rules of a file in normal form, alert types and formulas written out. RuleError for one that is none, or
    that `as_conditions` cannot be."""
    names = Names(file.metrics)
    return [_normal(rule, f"rules[{i}]", names, as_conditions) for i, rule in enumerate(file.rules)]


def _normal(rule: SeedRule, where: str, names: Names, as_conditions: bool) -> dict[str, Any]:
    body = body_of(rule, where, names)
    condition: dict[str, Any] = {"expression": body.expression}
    if as_conditions:
        condition = {"conditions": conditions_from(parse_condition(body.expression), f"{where} ({rule.id})")}
    people = {name: getattr(rule, name) for name in ("name", "description") if getattr(rule, name)}
    rest = {"version": rule.version} if rule.version != 1 else {}
    stamps = {name: value for name in ("created_at", "updated_at") if (value := getattr(rule, name)) is not None}
    enabled = {} if rule.enabled else {"enabled": False}
    return {"id": rule.id, **people, **rest, **enabled, **condition, **_limits(body), **stamps}


def _limits(body: RuleBody) -> dict[str, Any]:
    runaway = {"fires": body.runaway_fires, "minutes": _plain(body.runaway_ns / 60e9)}
    found = {
        "trigger": "" if body.trigger == EACH_ROW else body.trigger,
        "timeframe": body.timeframe,
        "rearm": body.rearm,
        "expires_at": _plain(body.expires_ns / 1e9),
        "max_fires": body.max_fires,
        "runaway": runaway if body.runaway_fires else None,
        "universe": _lists(body.universe) if body.universe is not None else None,
    }
    return {"cooldown": _plain(body.cooldown_ns / 1e9), **{name: value for name, value in found.items() if value}}


def _lists(universe: Universe) -> dict[str, list[str]]:
    return {name: list(given) for name in Universe.__struct_fields__ if (given := getattr(universe, name))}


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value


def conditions_from(condition: Node, where: str) -> list[dict[str, Any]]:
    """The condition as a list of conditions that must all hold. RuleError where it is no such list."""
    found: list[dict[str, Any]] = []
    waiting: str | None = None
    for part in condition.children if condition.op == "and" else (condition,):
        during = _during(part)
        if during is None:
            found.append(_condition(part, where) | ({} if waiting is None else {"calculated_during": waiting}))
            waiting = None
        elif not found:
            waiting = during
        elif found[-1].setdefault("calculated_during", during) != during:
            raise RuleError(where, "holds in two sessions at once, which conditions cannot say")
    if not found:
        raise RuleError(where, "a session alone is no condition of a metric")
    return found


def _during(part: Node) -> str | None:
    is_session = part.op == "==" and part.children[0].unit is Unit.SESSION and part.children[1].is_literal
    return _DURING.get(int(part.children[1].value)) if is_session else None


def _condition(part: Node, where: str) -> dict[str, Any]:
    reason = f"{part.text[:80]} is no comparison of a figure with a number, and stays an expression"
    if part.op not in OPERATORS or not part.children[1].is_literal:
        raise RuleError(where, reason)
    left, right = part.children
    metric = left.text if left.call is None else next(_names(left, left.call))
    try:
        same = conditions_of(SeedCondition(metric=metric, operator=part.op, value=right.value), where) == [part]
    except RuleError:
        same = False
    if not same:
        raise RuleError(where, reason)
    return {"metric": metric, "operator": part.op, "value": _plain(right.value)}


def _names(node: Node, call: MetricCall) -> Iterator[str]:
    """The names that the seed would give a metric, and its text."""
    texts = [argument_text(argument) for argument in call.arguments]
    for words in (texts[:-1] if texts[-1:] == ["1m"] else texts, texts):
        name = "_".join([call.name, *words])
        text, factor = meaning_of(name)
        if factor == 1.0 and _is(text, node):
            yield name
    yield node.text


def _is(text: str, node: Node) -> bool:
    try:
        return parse(text) == node
    except RuleError:
        return False
