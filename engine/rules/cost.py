"""What a plan costs, read off the plan itself: what is computed at which rows, what is shared, what is remembered of
each symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.history import FIELDS
from engine.indicators.base import Stateful as StatefulMetric
from engine.indicators.declare import MetricCall
from engine.memory import Stateful
from engine.rules.fires import FireMemory
from engine.rules.plan import OF_BARS, Plan, Scope, is_bar_field, series_of, trees_of, work_of
from engine.rules.remembered import RowBefore, SeriesMemory
from engine.rules.tree import Node, walk
from engine.timeframes import ALL, Timeframe
from schemas.rule import OPERATORS, Universe

BAR_BYTES: Final = 8 * len(FIELDS) - 2 * 4
"""Of a closed bar in a ring: start and trades take four bytes each."""
ROWS: Final = "every row"


@dataclass(frozen=True, slots=True)
class MetricCost:
    """A metric. `rules` use it; `thresholds` are what it is compared with, each operator and number once; `moves`: with
    the forming bar, so that its value is another at every trade. `state_bytes` a symbol."""

    name: str
    unit: str
    timeframe: str
    rules: int
    computed_at: tuple[str, ...]
    moves: bool
    thresholds: tuple[str, ...]
    state_bytes: int


@dataclass(frozen=True, slots=True)
class ScopeCost:
    """Rules that are tried on the same rows, `at` every row or the closes of a timeframe.

    `columns`: numbers that are compared with numbers written out, each computed once, `comparisons` of them, each tried
    once; `other`: conditions that are no such comparison. `nodes`: everything that is computed; `work` counts passes
    over the rows as the planner does when it puts cheap columns first. `told`: figures asked for at these closes.
    """

    at: str
    rules: int
    edge_rules: int
    columns: int
    comparisons: int
    other: int
    nodes: int
    work: int
    told: int


@dataclass(frozen=True, slots=True)
class UniverseCost:
    """Symbols that rules are confined to: names and patterns (none: all symbols), without those that are left out; of
    these, those with one of `tags` (none: any) and without all of `without_tags`."""

    symbols: tuple[str, ...]
    without: tuple[str, ...]
    tags: tuple[str, ...]
    without_tags: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedCost:
    """An expression that is computed once for several rules."""

    expression: str
    rules: int


@dataclass(frozen=True, slots=True)
class WindowCost:
    """A look at the bars before: over `bars` of them, out of the rings (`remembered` is 0) or of values recorded at the
    closes of `timeframe`, `remembered` of them. `state_bytes` a symbol, 0 where another window's values are used."""

    expression: str
    timeframe: str
    bars: int
    remembered: int
    state_bytes: int


@dataclass(frozen=True, slots=True)
class RingCost:
    """A ring of closed bars. `held`: always, or for these rules."""

    timeframe: str
    bars: int
    held: str
    state_bytes: int


@dataclass(frozen=True, slots=True)
class SymbolBytes:
    """State of one symbol, in bytes: rings that are always there, those these rules add, metrics, recorded values, rows
    before, and fires (of rules that have fired)."""

    rings_always: int
    rings_added: int
    metrics: int
    series: int
    rows_before: int
    fires: int

    @property
    def of_rules(self) -> int:
        """What a symbol would not have without the rules."""
        return self.rings_added + self.metrics + self.series + self.rows_before + self.fires


@dataclass(frozen=True, slots=True)
class PlanCost:
    """All of it. Most used first where that has a meaning."""

    set_hash: str
    rules: int
    scopes: tuple[ScopeCost, ...]
    universes: tuple[UniverseCost, ...]
    metrics: tuple[MetricCost, ...]
    shared: tuple[SharedCost, ...]
    windows: tuple[WindowCost, ...]
    rings: tuple[RingCost, ...]
    symbol_bytes: SymbolBytes


def plan_cost(plan: Plan) -> PlanCost:
    """Of a compiled plan."""
    nodes_of = [{node for tree in trees_of(rule) for node in walk(tree)} for rule in plan.rules]
    uses = Counter(node for nodes in nodes_of for node in nodes)
    computed = {_place(scope): _computed(scope) for scope in plan.scopes}
    for series in plan.series:
        computed.setdefault(_closes(series.frame), set()).update(
            node for node in walk(series.node) if not node.is_literal
        )
    metrics = tuple(
        sorted((_metric(call, uses, computed) for call in plan.metrics), key=lambda one: (-one.rules, one.name))
    )
    shared = [SharedCost(node.text, count) for node, count in uses.items() if count > 1 and _is_shared(node)]
    windows, rings = _windows(uses), _rings(plan)
    return PlanCost(
        plan.set_hash,
        len(plan.rules),
        tuple(_scope(scope, computed[_place(scope)]) for scope in plan.scopes),
        _universes(plan),
        metrics,
        tuple(sorted(shared, key=lambda one: (-one.rules, one.expression))),
        windows,
        rings,
        SymbolBytes(
            rings_always=sum(ring.state_bytes for ring in rings if ring.held == "always"),
            rings_added=sum(ring.state_bytes for ring in rings if ring.held != "always"),
            metrics=sum(one.state_bytes for one in metrics),
            series=sum(_bytes(SeriesMemory(series)) for series in plan.series),
            rows_before=sum(_bytes(RowBefore(node.op != "prev")) for scope in plan.scopes for node in scope.remembers),
            fires=sum(_bytes(FireMemory(rule.trigger)) for rule in plan.rules),
        ),
    )


def _place(scope: Scope) -> str:
    return ROWS if scope.frame is None else _closes(scope.frame)


def _closes(timeframe: Timeframe) -> str:
    return f"closes of {timeframe.name}"


def _computed(scope: Scope) -> set[Node]:
    trees = [tree for rule in scope.rules for tree in trees_of(rule)]
    trees += [node for group in scope.told for node in group]
    return {node for tree in trees for node in walk(tree) if not node.is_literal}


def _scope(scope: Scope, computed: set[Node]) -> ScopeCost:
    return ScopeCost(
        at=_place(scope),
        rules=len(scope.rules),
        edge_rules=len(scope.edge_rules),
        columns=len(scope.columns),
        comparisons=len(scope.leaf_bound),
        other=sum(len(rule.rest) for rule in scope.rules),
        nodes=len(computed),
        work=sum(map(work_of, computed)),
        told=sum(map(len, scope.told)),
    )


def _universes(plan: Plan) -> tuple[UniverseCost, ...]:
    rules: dict[Universe, list[str]] = {universe: [] for universe in plan.universes}
    for rule in plan.rules:
        if rule.universe is not None:
            rules[rule.universe].append(rule.id)
    return tuple(
        UniverseCost((*u.symbols, *u.patterns), u.exclude, u.tags, u.exclude_tags, tuple(ids))
        for u, ids in rules.items()
    )


def _metric(call: MetricCall, uses: Counter[Node], computed: dict[str, set[Node]]) -> MetricCost:
    built = call.build(0)
    thresholds = {
        (OPERATORS.index(node.op), node.children[1].value): f"{node.op} {node.children[1].text}"
        for node in uses
        if node.op in OPERATORS and node.children[0].call == call and node.children[1].is_literal
    }
    return MetricCost(
        name=call.text,
        unit=call.declaration.unit.value,
        timeframe="" if call.timeframe is None else call.timeframe.name,
        rules=next((count for node, count in uses.items() if node.call == call), 0),
        computed_at=tuple(place for place, nodes in computed.items() if any(node.call == call for node in nodes)),
        moves=call.declaration.moves,
        thresholds=tuple(thresholds[key] for key in sorted(thresholds)),
        state_bytes=_bytes(built) if isinstance(built, StatefulMetric) else 0,
    )


def _is_shared(node: Node) -> bool:
    """Metrics have a list of their own."""
    return not node.is_literal and node.call is None and node.op not in ("true", "false")


def _windows(nodes: Iterable[Node]) -> tuple[WindowCost, ...]:
    found: list[WindowCost] = []
    recorded: set[str] = set()
    for node in sorted((node for node in nodes if node.op in OF_BARS), key=lambda node: node.text):
        series = series_of(node)
        remembered, size = 0, 0
        if not is_bar_field(node.children[0]):
            remembered = series.length
            size = 0 if series.text in recorded else _bytes(SeriesMemory(series))
            recorded.add(series.text)
        found.append(WindowCost(node.text, series.frame.name, node.count, remembered, size))
    return tuple(found)


def _rings(plan: Plan) -> tuple[RingCost, ...]:
    used = {call.timeframe for call in plan.metrics}
    return tuple(_ring(timeframe) for timeframe in ALL if timeframe.base is None or timeframe in used)


def _ring(timeframe: Timeframe) -> RingCost:
    held = "always" if timeframe.base is None else "for these rules"
    return RingCost(timeframe.name, timeframe.ring, held, timeframe.ring * BAR_BYTES)


def _bytes(remembered: Stateful) -> int:
    """Of one symbol."""
    columns = [column for group in remembered.groups().values() for column in group.declared().values()]
    return sum(np.dtype(column.dtype).itemsize * column.width for column in columns)
