"""From rules as people write them to their normal form: conditions and expression as one text, limits in ns."""

from __future__ import annotations

import math
from typing import Final

from engine.rules import tree
from engine.rules.arguments import timeframe_named
from engine.rules.lexer import MAX_TEXT
from engine.rules.names import NO_FORMULAS, Names
from engine.rules.parser import parse_condition
from engine.rules.seed import conditions_of, limits_of
from engine.rules.templates.rule import settled
from engine.rules.tree import Node, TreeError
from engine.rules.triggers import trigger_of
from engine.rules.universe import bounds_of, universe_of
from schemas.rule import EACH_ROW, RuleBody, RuleEntry, RuleError, RuleFile, SeedRule, TemplateRule, rule_hash

DEFAULT_COOLDOWN_S: Final = 10.0
MAX_CONDITIONS: Final = 64
MAX_COOLDOWN_S: Final = 30 * 86_400.0
MAX_EXPIRY_S: Final = 4_100_000_000.0
MAX_PAST_VALUES: Final = 5_000
"""Of the bars before, that all parts of a condition look at: up to 40 kB of each symbol."""


def rule_set(rules: list[SeedRule], names: Names = NO_FORMULAS) -> tuple[list[RuleEntry], dict[str, RuleBody]]:
    """The enabled rules as entries of a set, and their bodies by hash."""
    entries, bodies = [], {}
    for i, rule in enumerate(rules):
        body = body_of(rule, f"rules[{i}]", names)
        if rule.enabled:
            key = rule_hash(body)
            bodies[key] = body
            entries.append(RuleEntry(rule.id, key, rule.name or rule.id, rule.version))
    return entries, bodies


def rules_of(file: RuleFile) -> tuple[list[RuleEntry], dict[str, RuleBody]]:
    """The same of a file, with its formulas."""
    return rule_set(file.rules, Names(file.metrics))


def body_of(rule: SeedRule, where: str = "rule", names: Names = NO_FORMULAS) -> RuleBody:
    """The normal form of a rule; RuleError if it has none."""
    conditions = []
    if isinstance(rule, TemplateRule):
        rule, condition = settled(rule, where, names)
        conditions.append(condition)
    conditions += _conditions(rule, where, names, len(conditions))
    runaway = rule.runaway
    body = RuleBody(
        _joined(conditions, where),
        EACH_ROW if rule.trigger is None else rule.trigger,
        _nanoseconds(_cooldown_s(rule, where), MAX_COOLDOWN_S, f"{where}.cooldown"),
        timeframe=_timeframe(rule.timeframe, f"{where}.timeframe"),
        rearm=_rearm(rule.rearm, f"{where}.rearm", names) if rule.rearm else "",
        expires_ns=_nanoseconds(rule.expires_at or 0.0, MAX_EXPIRY_S, f"{where}.expires_at"),
        max_fires=rule.max_fires,
        runaway_fires=runaway.fires if runaway else 0,
        runaway_ns=_nanoseconds(runaway.minutes * 60, MAX_COOLDOWN_S, f"{where}.runaway.minutes") if runaway else 0,
        universe=universe_of(rule.universe, f"{where}.universe"),
    )
    trigger_of(body, where)
    return body


def _conditions(rule: SeedRule, where: str, names: Names, before: int) -> list[Node]:
    """`before`: how many conditions there are already."""
    if not (rule.conditions or rule.expression or before) or len(rule.conditions) > MAX_CONDITIONS:
        raise RuleError(f"{where}.conditions", f"{len(rule.conditions)} conditions; a rule has 1 to {MAX_CONDITIONS}")
    found: list[Node] = []
    for i, condition in enumerate(rule.conditions):
        found += conditions_of(condition, f"{where}.conditions[{i}]", names)
        _check_length(sum(len(node.text) for node in found), where)
    if rule.expression:
        found.append(parse_condition(rule.expression, f"{where}.expression", names.named, names.known))
    found += limits_of(rule.calculated_during, rule.volume_threshold or None, where)
    return found + bounds_of(rule.universe, f"{where}.universe")


def _joined(conditions: list[Node], where: str) -> str:
    try:
        condition = tree.both("and", conditions)
    except TreeError as error:
        raise RuleError(where, str(error)) from None
    _check_length(len(condition.text), where)
    return _bounded(condition, where).text


def _rearm(text: str, where: str, names: Names) -> str:
    return _bounded(parse_condition(text, where, names.named, names.known), where).text


def _bounded(condition: Node, where: str) -> Node:
    count = sum(node.count for node in set(tree.walk(condition)))
    if count > MAX_PAST_VALUES:
        raise RuleError(where, f"looks at {count:,} values of bars before; at most {MAX_PAST_VALUES:,}")
    return condition


def _check_length(length: int, where: str) -> None:
    if length > MAX_TEXT:
        raise RuleError(where, f"is longer than {MAX_TEXT} characters when its names are written out")


def _cooldown_s(rule: SeedRule, where: str) -> float:
    given = [c for c in (rule.cooldown, rule.cooldown_sec, rule.cooldown_s) if c is not None]
    if len(given) > 1:
        raise RuleError(f"{where}.cooldown", "is given twice")
    return given[0] if given else DEFAULT_COOLDOWN_S


def _nanoseconds(seconds: float, most: float, where: str) -> int:
    if not (math.isfinite(seconds) and 0 <= seconds <= most):
        raise RuleError(where, f"{seconds} is not a number of seconds from 0 to {most:.0f}")
    return round(seconds * 1e9)


def _timeframe(text: str | None, where: str) -> str:
    if text is None:
        return ""
    timeframe = timeframe_named(text)
    if timeframe is None:
        raise RuleError(where, f"{text[:40]!r} is not a timeframe")
    return timeframe.name
