"""One plan for all rules of a set: every figure once, every comparison once, rules as lists of comparisons and what
else must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from engine.indicators.declare import MetricCall
from engine.rules.functions import AT_CLOSES, OVER_BARS
from engine.rules.parser import parse_condition
from engine.rules.tree import Node, smallest_timeframe, walk
from engine.rules.triggers import Trigger, trigger_of
from engine.segments import Index
from engine.timeframes import Timeframe
from schemas.batch import F64
from schemas.metrics import NAMES_PER_RECORD
from schemas.rule import BECOMES_TRUE, OPERATORS, RuleBody, RuleEntry, RuleError, Universe

OF_ROWS = frozenset({"prev", "crosses_above", "crosses_below"})
"""What looks at the row before."""
OF_BARS = OVER_BARS | AT_CLOSES | {"back"}
"""What looks at the bars before."""


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """A rule: `leaves` count into its scope's comparisons, `rest` are the other conditions that must hold as well.
    `universe`: None is all symbols."""

    id: str
    hash: str
    name: str
    version: int
    trigger: Trigger
    tree: Node
    leaves: tuple[int, ...]
    rest: tuple[Node, ...]
    universe: Universe | None

    @property
    def key(self) -> tuple[str, str]:
        """What its memory goes by."""
        return self.id, self.hash


@dataclass(frozen=True, slots=True)
class Scope:
    """The rules that are tried on the same rows: on all, or on the closes of bars of one timeframe.

    Columns are in order of cost. Comparison i is `columns[leaf_column[i]] OPERATORS[leaf_operator[i]] leaf_bound[i]`;
    pair j says that leaf `pair_leaf[j]` is one of rule `pair_rule[j]`. Leaves and pairs of column c begin at
    `leaf_begin[c]` and `pair_begin[c]`; `leaf_runs[c]` are its leaves by operator, each run (operator, begin, end).
    Universe u of the plan is one leaf more, its number u beyond the comparisons; `universe[r]` is that of rule r, -1
    where it is for all symbols. Rule r has `leaf_count[r]` leaves, at the beginning of `rule_leaves[r]`; -1 fills the
    rest. `edge_rules`: rules that are told when they become true. `remembers`: the nodes that look at the row before,
    inner ones first. `told`: the numbers that are told at these closes, in groups of what goes into one record.
    """

    frame: Timeframe | None
    rules: tuple[PlannedRule, ...]
    columns: tuple[Node, ...]
    leaf_begin: Index
    pair_begin: Index
    leaf_runs: tuple[tuple[tuple[str, int, int], ...], ...]
    leaf_column: Index
    leaf_operator: Index
    leaf_bound: F64
    universe: Index
    leaf_count: Index
    rule_leaves: Index
    pair_leaf: Index
    pair_rule: Index
    edge_rules: tuple[int, ...]
    remembers: tuple[Node, ...]
    told: tuple[tuple[Node, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Values of `node` at the closes of `frame`, the newest `length` of them."""

    node: Node
    frame: Timeframe
    length: int

    @property
    def text(self) -> str:
        """What its memory goes by."""
        return f"{self.node.text} at {self.frame.name} x {self.length}"


@dataclass(frozen=True, slots=True)
class Asked:
    """The numbers that are told at each close of their shortest timeframe: `nodes`, and with `of_rules` every metric
    that a rule uses."""

    nodes: tuple[Node, ...] = ()
    of_rules: bool = False

    def told(self, of_rules: Iterable[Node]) -> dict[Timeframe, list[Node]]:
        """By timeframe, each in order of its text; `of_rules`: all nodes of the rules."""
        metrics = [node for node in of_rules if node.call is not None] if self.of_rules else []
        found: dict[Timeframe, list[Node]] = {}
        for node in sorted({*self.nodes, *metrics}, key=lambda node: node.text):
            found.setdefault(smallest_timeframe(node), []).append(node)
        return found


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is evaluated for a rule set."""

    set_hash: str
    rules: tuple[PlannedRule, ...]
    scopes: tuple[Scope, ...]
    series: tuple[Series, ...]
    metrics: tuple[MetricCall, ...]
    universes: tuple[Universe, ...]

    @property
    def told(self) -> tuple[Node, ...]:
        """All numbers that are told at closes."""
        return tuple(node for scope in self.scopes for group in scope.told for node in group)


def compile_rule_set(
    set_hash: str, entries: Sequence[RuleEntry], bodies: Mapping[str, RuleBody], asked: Asked = NOTHING_ASKED
) -> Plan:
    """The plan of a set. RuleError for a body that is missing or that this version cannot run."""
    rules = []
    for entry in sorted(entries, key=lambda e: e.id):
        body = bodies.get(entry.hash)
        if body is None:
            raise RuleError(entry.id, f"the body {entry.hash} is missing")
        trigger = trigger_of(body, entry.id)
        tree = parse_condition(body.expression, entry.id)
        rules.append(PlannedRule(entry.id, entry.hash, entry.name, entry.version, trigger, tree, (), (), body.universe))
    nodes = dict.fromkeys(node for rule in rules for tree in trees_of(rule) for node in walk(tree))
    told = asked.told(nodes)
    nodes |= dict.fromkeys(node for tree in asked.nodes for node in walk(tree))
    series = tuple(dict.fromkeys(one for node in nodes for one in _series_of(node)))
    frames: dict[Timeframe | None, list[PlannedRule]] = {}
    for rule in rules:
        frames.setdefault(rule.trigger.closes, []).append(rule)
    for frame in (*told, *((None,) if series else ())):
        frames.setdefault(frame, [])
    recorded = [one.node for one in series]
    universes = {rule.universe: None for rule in rules if rule.universe is not None}
    scopes = tuple(
        _scope(frame, some, list(universes), recorded if frame is None else (), told.get(frame, ()) if frame else ())
        for frame, some in frames.items()
    )
    return Plan(
        set_hash=set_hash,
        rules=tuple(rule for scope in scopes for rule in scope.rules),
        scopes=scopes,
        series=series,
        metrics=tuple(dict.fromkeys(node.call for node in nodes if node.call is not None)),
        universes=tuple(universes),
    )


def series_of(node: Node) -> Series:
    """What a node that looks at the bars before needs to be remembered."""
    frame = smallest_timeframe(node)
    length = node.count + 1 if node.op == "back" else node.count
    return Series(node.children[0], frame, length)


def is_bar_field(node: Node) -> bool:
    """Whether the closed bars themselves hold the node's past values."""
    return node.call is not None and node.call.name in ("open", "high", "low", "close", "volume", "trades")


def trees_of(rule: PlannedRule) -> list[Node]:
    """All that is evaluated of a rule."""
    return [rule.tree] if rule.trigger.rearm is None else [rule.tree, rule.trigger.rearm]


def _series_of(node: Node) -> Iterable[Series]:
    if node.op in OF_BARS and not is_bar_field(node.children[0]):
        yield series_of(node)


def _scope(
    frame: Timeframe | None,
    rules: Sequence[PlannedRule],
    universes: Sequence[Universe],
    recorded: Sequence[Node],
    told: Sequence[Node],
) -> Scope:
    taken_apart = [_parts(rule.tree) for rule in rules]
    columns = sorted(dict.fromkeys(leaf.children[0] for leaves, _ in taken_apart for leaf in leaves), key=cost_of)
    column_of = {node: i for i, node in enumerate(columns)}
    distinct = dict.fromkeys(leaf for leaves, _ in taken_apart for leaf in leaves)
    ordered = sorted(distinct, key=lambda leaf: (column_of[leaf.children[0]], OPERATORS.index(leaf.op)))
    number = {leaf: i for i, leaf in enumerate(ordered)}
    planned = tuple(
        replace(rule, leaves=tuple(number[leaf] for leaf in leaves), rest=tuple(rest))
        for rule, (leaves, rest) in zip(rules, taken_apart, strict=True)
    )
    numbered = {one: number for number, one in enumerate(universes)}
    universe = [-1 if rule.universe is None else numbered[rule.universe] for rule in rules]
    needed = [
        rule.leaves if number < 0 else (*rule.leaves, len(ordered) + number)
        for rule, number in zip(planned, universe, strict=True)
    ]
    pairs = sorted((leaf, i) for i, rule in enumerate(planned) for leaf in rule.leaves)
    remembers = dict.fromkeys(
        node
        for tree in [*recorded, *(tree for rule in rules for tree in trees_of(rule)), *told]
        for node in walk(tree)
        if node.op in OF_ROWS
    )
    edges = np.arange(len(columns) + 1)
    leaf_column = np.array([column_of[leaf.children[0]] for leaf in ordered], np.intp)
    pair_leaf = np.array([leaf for leaf, _ in pairs], np.intp)
    return Scope(
        frame=frame,
        rules=planned,
        columns=tuple(columns),
        leaf_begin=np.searchsorted(leaf_column, edges),
        pair_begin=np.searchsorted(leaf_column[pair_leaf], edges),
        leaf_runs=_runs(ordered, column_of),
        leaf_operator=np.array([OPERATORS.index(leaf.op) for leaf in ordered], np.intp),
        leaf_bound=np.array([leaf.children[1].value for leaf in ordered], np.float64),
        leaf_column=leaf_column,
        universe=np.array(universe, np.intp),
        leaf_count=np.array([len(leaves) for leaves in needed], np.intp),
        rule_leaves=_padded(needed),
        pair_leaf=pair_leaf,
        pair_rule=np.array([rule for _, rule in pairs], np.intp),
        edge_rules=tuple(i for i, rule in enumerate(planned) if rule.trigger.kind == BECOMES_TRUE),
        remembers=tuple(remembers),
        told=tuple(tuple(told[at : at + NAMES_PER_RECORD]) for at in range(0, len(told), NAMES_PER_RECORD)),
    )


def _runs(leaves: Sequence[Node], column_of: Mapping[Node, int]) -> tuple[tuple[tuple[str, int, int], ...], ...]:
    """Of leaves in order of column and operator: for each column, where those of each operator are."""
    runs: list[list[tuple[str, int, int]]] = [[] for _ in column_of]
    keys = [(column_of[leaf.children[0]], leaf.op) for leaf in leaves]
    begin = 0
    for (column, operator), some in groupby(keys):
        end = begin + len(list(some))
        runs[column].append((operator, begin, end))
        begin = end
    return tuple(map(tuple, runs))


def _padded(rows: Sequence[tuple[int, ...]]) -> Index:
    """As an array with one row each, -1 where there is nothing."""
    padded = np.full((len(rows), max(map(len, rows), default=0)), -1, np.intp)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded


def cost_of(node: Node) -> int:
    """How much work a column is: what is cheap is computed first, as it may make the rest unnecessary."""
    return sum(map(work_of, walk(node)))


def work_of(node: Node) -> int:
    """Passes over the rows, about, for a node itself."""
    return 1 + 2 * (node.call is not None and node.call.declaration.recursive) + 7 * (node.op in OF_BARS)


def _parts(tree: Node) -> tuple[list[Node], list[Node]]:
    """A condition taken apart: comparisons with a number, and what is none; all of them must hold."""
    parts = tree.children if tree.op == "and" else (tree,)
    leaves = [p for p in parts if p.op in OPERATORS and p.children[1].is_literal and not p.children[0].is_literal]
    return leaves, [part for part in parts if part not in leaves]


NO_RULES = compile_rule_set("", (), {})
