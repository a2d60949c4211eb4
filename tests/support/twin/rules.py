"""Rules of the twin: tried on each row, told by their triggers, remembered per symbol."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from schemas.alert import NO_LIMITS, AlertBody, Limits
from schemas.rule import RuleBody, RuleEntry
from tests.support.twin.day import Row
from tests.support.twin.expressions import At, Expression, Memory, calls_in, rows_before, series, text_of, timeframe_of
from tests.support.twin.metrics import Call, recursion
from tests.support.twin.rings import retained, use
from tests.support.twin.symbol import Symbol


@dataclass(frozen=True)
class Rule:
    """A rule of a set."""

    id: str
    hash: str
    body: RuleBody
    condition: Expression
    rearm: Expression | None

    @property
    def scope(self) -> str:
        """The timeframe on whose closes it is tried, nothing: on all rows."""
        return self.body.timeframe if self.body.trigger == "bar_close" else ""

    @property
    def trigger(self) -> str:
        """As alerts say it."""
        return f"{self.body.trigger} {self.body.timeframe}".strip()

    def is_for(self, name: str) -> bool:
        """Whether the symbol can be in its universe, whatever its tags."""
        universe = self.body.universe
        if universe is None:
            return True
        wanted = [*universe.symbols, *universe.patterns] or ["*"]
        return _fits(name, wanted) and not _fits(name, universe.exclude)

    def is_for_tags(self, tags: frozenset[str]) -> bool:
        """Whether a symbol with these tags is in it."""
        universe = self.body.universe
        if universe is None:
            return True
        return not tags & {*universe.exclude_tags} and (not universe.tags or bool(tags & {*universe.tags}))

    @property
    def expressions(self) -> list[Expression]:
        """All its text."""
        return [self.condition] if self.rearm is None else [self.condition, self.rearm]


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass
class Fires:
    """What is remembered of a rule for a symbol."""

    times: list[int] = field(default_factory=list)
    armed: bool | None = None
    period: int | None = None
    muted: bool = False


def rules_of(entries: Iterable[RuleEntry], bodies: Mapping[str, RuleBody]) -> list[Rule]:
    """The rules of a set, in the order in which alerts of one row are told."""
    made = []
    for entry in sorted(entries, key=lambda entry: entry.id):
        body = bodies[entry.hash]
        rearm = Expression(body.rearm) if body.rearm else None
        made.append(Rule(entry.id, entry.hash, body, Expression(body.expression), rearm))
    return made


def activate(rules: Sequence[Rule], symbol: Symbol) -> None:
    """The set comes into force: an indicator not in use before starts from the retained bars, everything else from
    nothing; what both sets use is kept."""
    texts = [expression for rule in rules for expression in rule.expressions]
    calls = {call for expression in texts for call in calls_in(expression.tree)}
    use(symbol, {timeframe_of(call) for call in calls} & set(symbol.closed))
    recursions = {}
    symbol.begun = {call.text: symbol.begun.get(call.text, _begun(symbol, call)) for call in calls}
    for call in calls:
        begun = recursion(call, symbol.begun[call.text])
        if begun is not None:
            recursions[call.text] = symbol.recursions.get(call.text) or begun
    symbol.recursions = recursions
    memory: Memory = symbol.memory
    recorded = {(text_of(node), frame, count) for text in texts for node, frame, count in series(text.tree)}
    operands = [node for text in texts for node, _, _ in series(text.tree)]
    rows = {(rule.scope, text_of(node)) for rule in rules for e in rule.expressions for node in rows_before(e.tree)}
    rows |= {("", text_of(node)) for operand in operands for node in rows_before(operand)}
    memory.closes = {key: memory.closes.get(key, []) for key in recorded}
    memory.rows = {key: pair for key, pair in memory.rows.items() if key in rows}
    kept = {(rule.id, rule.hash) for rule in rules}
    symbol.fires = {key: fires for key, fires in symbol.fires.items() if key in kept}
    for rule in rules:
        symbol.fires.setdefault((rule.id, rule.hash), Fires(armed=True if symbol.row_t < 0 else None))


def _begun(symbol: Symbol, call: Call) -> int:
    """The first of what a metric looks at that comes into use now: of closed bars, or of prices by the second."""
    if call.name in ("change", "change_pct") and call.unit == "s":
        return len(symbol.prices)
    of_minutes = call.name.startswith(("opening_range_", "minutes_since_day_"))
    timeframe = "1d" if call.name == "relative_range_pct" else "1m" if of_minutes else call.arguments[-1]
    return max(0, len(symbol.closed.get(timeframe, ())) - retained(timeframe))


def alerts_at(rules: Sequence[Rule], symbol: Symbol, row: Row) -> list[AlertBody]:
    """What fires at this row."""
    memory: Memory = symbol.memory
    scopes = ["", row.closing] if row.closing else [""]
    alerts = []
    on_rows = At(symbol, row, memory, "")
    for scope in scopes:
        at = on_rows if not scope else At(symbol, row, memory, str(scope))
        tried = [rule for rule in rules if rule.scope == scope]
        for rule in tried:
            for expression in rule.expressions:
                for node in rows_before(expression.tree):
                    at.of(node)
        for rule in tried:
            if rule.is_for(symbol.name):
                alerts += _tried(rule, symbol, row, at)
    _record(rules, row, memory, on_rows)
    return alerts


def _record(rules: Sequence[Rule], row: Row, memory: Memory, at: At) -> None:
    """Values at this close, none of them with what another was at it; what looks at the row before has to see every
    row, whoever asks for it."""
    parts = (one for rule in rules for expression in rule.expressions for one in series(expression.tree))
    recorded: dict[tuple[str, str, int], ast.expr] = {(text_of(node), frame, n): node for node, frame, n in parts}
    for node in recorded.values():
        for inner in rows_before(node):
            at.of(inner)
    closing = [(key, at.of(node)) for key, node in recorded.items() if row.closing == key[1]]
    for key, value in closing:
        memory.closes[key].append(value)


def _tried(rule: Rule, symbol: Symbol, row: Row, at: At) -> list[AlertBody]:
    key = (rule.id, rule.hash)
    fires: Fires = symbol.fires.setdefault(key, Fires())
    verdict = at.of(rule.condition.tree) if rule.is_for_tags(symbol.tags) else False
    if rule.body.trigger == "becomes_true":
        verdict = _edge(fires, verdict, None if rule.rearm is None else at.of(rule.rearm.tree), rule.rearm is None)
    if verdict is not True or not _may_fire(rule.body, fires, symbol, row):
        return []
    fires.times.append(row.t)
    if rule.body.runaway_fires:
        newest = fires.times[-rule.body.runaway_fires :]
        fires.muted = len(newest) == rule.body.runaway_fires and row.t - newest[0] <= rule.body.runaway_ns
    return [_alert(rule, symbol, row, at, fires.muted)]


def _edge(fires: Fires, verdict: object, rearm: object, by_itself: bool) -> bool:
    """Whether the rule becomes true here."""
    if verdict is True:
        rises, fires.armed = fires.armed is True, False
        return rises
    if rearm is True or (verdict is False if fires.armed is None else by_itself):
        fires.armed = True
    return False


def _may_fire(body: RuleBody, fires: Fires, symbol: Symbol, row: Row) -> bool:
    if fires.times and row.t - fires.times[-1] < body.cooldown_ns:
        return False
    if (body.expires_ns and row.t >= body.expires_ns) or (body.max_fires and len(fires.times) >= body.max_fires):
        return False
    if fires.muted:
        return False
    return body.trigger not in ("once_per_bar", "once_per_session") or _is_first(body, fires, symbol, row)


def _is_first(body: RuleBody, fires: Fires, symbol: Symbol, row: Row) -> bool:
    """Of its bar or session."""
    if row.at.session == "closed":
        return False
    start = row.at.session_start if body.trigger == "once_per_session" else _bar_start(symbol, body.timeframe, row)
    if fires.period == start:
        return False
    fires.period = start
    return True


def _bar_start(symbol: Symbol, timeframe: str, row: Row) -> int:
    if timeframe == "1d":
        return row.at.day_start
    return symbol.bounds(timeframe, row.t)[0] if timeframe != "1m" else row.t - row.t % (60 * 10**9)


def _alert(rule: Rule, symbol: Symbol, row: Row, at: At, muted: bool) -> AlertBody:
    key = row.trade.key if row.trade is not None else b""
    parts = [text.encode() for text in (rule.id, rule.hash, symbol.name, rule.trigger, str(row.t))]
    parts.append(key or str(row.ordinal).encode())
    body = rule.body
    limits = (body.cooldown_ns, body.rearm, body.expires_ns, body.max_fires, body.runaway_fires, body.runaway_ns)
    text = b"".join(len(part).to_bytes(4, "little") + part for part in parts)
    return AlertBody(
        hashlib.blake2b(text, digest_size=16).hexdigest(),
        rule.id,
        rule.hash,
        symbol.name,
        row.t,
        row.ordinal,
        rule.trigger,
        symbol.price,
        row.at.session,
        at.leaves(rule.condition),
        muted,
        Limits(*limits) if any(limits) else NO_LIMITS,
    )
