"""Rules of the twin: read from their canonical text, tried on each row, remembered per symbol."""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from schemas.alert import AlertBody, Leaf
from schemas.rule import RuleBody, RuleEntry
from tests.support.twin.day import Row
from tests.support.twin.metrics import Call, recursion, value
from tests.support.twin.rings import retained, use
from tests.support.twin.symbol import Symbol

TRIGGER = "each_row"
COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
CONDITION = re.compile(r"(([a-z_]+)(?:\(([^)]*)\))?) (>=|<=|==|!=|>|<) (\S+)")


@dataclass(frozen=True)
class Condition:
    """A metric against a number."""

    call: Call
    operator: str
    bound: float


@dataclass(frozen=True)
class Rule:
    """A rule of a set; all conditions must hold."""

    id: str
    hash: str
    conditions: tuple[Condition, ...]
    cooldown: int


def rules_of(entries: Iterable[RuleEntry], bodies: Mapping[str, RuleBody]) -> list[Rule]:
    """The rules of a set, in the order in which alerts of one row are told."""
    return [
        Rule(entry.id, entry.hash, _conditions(bodies[entry.hash].expression), bodies[entry.hash].cooldown_ns)
        for entry in sorted(entries, key=lambda entry: entry.id)
    ]


def _conditions(expression: str) -> tuple[Condition, ...]:
    return tuple(_condition(text) for text in expression.split(" and "))


def _condition(text: str) -> Condition:
    found = CONDITION.fullmatch(text)
    assert found is not None, text
    call, name, arguments, compare, bound = found.groups()
    return Condition(Call(call, name, tuple((arguments or "").split(", "))), compare, float(bound))


def activate(rules: Iterable[Rule], symbol: Symbol) -> None:
    """The set comes into force: a metric not in use before starts from the retained bars; fires of the rules that stay
    are kept."""
    calls = {condition.call for rule in rules for condition in rule.conditions}
    use(symbol, {call.arguments[-1] for call in calls} & set(symbol.closed))
    recursions = {}
    symbol.begun = {call.text: symbol.begun.get(call.text, _begun(symbol, call)) for call in calls}
    for call in calls:
        begun = recursion(call, symbol.begun[call.text])
        if begun is not None:
            recursions[call.text] = symbol.recursions.get(call.text) or begun
    symbol.recursions = recursions
    kept = {(rule.id, rule.hash) for rule in rules}
    symbol.fired = {key: t for key, t in symbol.fired.items() if key in kept}


def _begun(symbol: Symbol, call: Call) -> int:
    """The first of what a metric looks at that comes into use now: of closed bars, or of prices by the second."""
    if call.name in ("change", "change_pct") and call.unit == "s":
        return len(symbol.prices)
    timeframe = {"relative_range_pct": "1d", "opening_range_high": "1m", "opening_range_low": "1m"}.get(call.name)
    timeframe = timeframe or call.arguments[-1]
    return max(0, len(symbol.closed.get(timeframe, ())) - retained(timeframe))


def alerts_at(rules: Iterable[Rule], symbol: Symbol, row: Row) -> list[AlertBody]:
    """What fires at this row."""
    known: dict[str, float | None] = {}
    alerts = []
    for rule in rules:
        fired = symbol.fired.get((rule.id, rule.hash))
        leaves = _leaves(rule, symbol, row, known)
        if leaves is not None and (fired is None or row.t - fired >= rule.cooldown):
            symbol.fired[rule.id, rule.hash] = row.t
            alerts.append(_alert(rule, symbol, row, leaves))
    return alerts


def _leaves(rule: Rule, symbol: Symbol, row: Row, known: dict[str, float | None]) -> list[Leaf] | None:
    """The conditions with their values, None unless all hold."""
    leaves = []
    for condition in rule.conditions:
        call = condition.call
        if call.text not in known:
            known[call.text] = value(symbol, row, call)
        number = known[call.text]
        if number is None or not COMPARE[condition.operator](number, condition.bound):
            return None
        leaves.append(Leaf(call.text, number, condition.operator, condition.bound, True))
    return leaves


def _alert(rule: Rule, symbol: Symbol, row: Row, leaves: list[Leaf]) -> AlertBody:
    key = row.trade.key if row.trade is not None else b""
    parts = [text.encode() for text in (rule.id, rule.hash, symbol.name, TRIGGER, str(row.t))]
    parts.append(key or str(row.ordinal).encode())
    text = b"".join(len(part).to_bytes(4, "little") + part for part in parts)
    return AlertBody(
        hashlib.blake2b(text, digest_size=16).hexdigest(),
        rule.id,
        rule.hash,
        symbol.name,
        row.t,
        row.ordinal,
        TRIGGER,
        symbol.price,
        row.at.session,
        leaves,
    )
