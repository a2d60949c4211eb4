"""The active rule set at work: its metrics bound to the partition's state, its rules evaluated on rows, what they
remember."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import memory, rings
from engine.firing import Fired, Place, fire
from engine.indicators.base import Metric, Recursive, Ticked
from engine.indicators.base import Stateful as StatefulMetric
from engine.indicators.declare import MetricCall
from engine.memory import Stateful
from engine.rules.evaluate import Evaluation, Known
from engine.rules.fires import FireMemory
from engine.rules.matching import Matches, matches, rows_of_rest
from engine.rules.membership import Inside, Membership
from engine.rules.plan import NO_RULES, Plan, PlannedRule, Scope, is_bar_field, series_of
from engine.rules.quiet import QuietUntil
from engine.rules.remembered import FieldPast, Past, RowBefore, SeriesMemory
from engine.rules.told import values_at_close
from engine.rules.tree import Node
from engine.segments import Index, Mask, starts_of_runs
from engine.state import PartitionState
from engine.timeframes import Timeframe
from engine.view import TradeView, View
from schemas.batch import F64
from schemas.metrics import MetricValues
from schemas.rule import BECOMES_TRUE

Imported = dict[str, list[tuple[Index, dict[str, NDArray[Any]]]]]


class Scanner:
    """Evaluates the active plan. What is remembered lives as long as consecutive sets use it: figures, rows before and
    series by their text, fires by rule id and hash."""

    def __init__(self, state: PartitionState) -> None:
        """No rules."""
        self._state = state
        self.plan: Plan = NO_RULES
        self.metrics: dict[str, Metric] = {}
        self.imported: Imported = {}
        self.told: list[MetricValues] = []
        """Figures at closes, until somebody takes them."""
        self._remembered: dict[str, Stateful] = {}
        self._open_to: Index | None = None
        self._known: dict[Timeframe | None, Known] = {}
        self._quiet: dict[Timeframe | None, QuietUntil] = {}
        self._membership = Membership(state)

    # --- the rule set --------------------------------------------------------------------------------------------

    def activate(self, plan: Plan, symbols: Index, restoring: bool = False) -> None:
        """Make `plan` the active one for `symbols`. What is new to it begins anew, metrics from their kept closed bars;
        symbols that a checkpoint knows beyond this place in the log, or (`restoring`) at it, take theirs from there."""
        rings.hold(self._state, {call.timeframe for call in plan.metrics if call.timeframe}, symbols)
        metrics, before = self.metrics, self._remembered
        self.metrics, self._remembered, self._known, self.plan = {}, {}, {}, plan
        self._open_to = None if restoring else symbols
        for call in plan.metrics:
            found = metrics.get(call.text)
            self.metrics[call.text] = self._begun(call, symbols) if found is None else found
        for series in plan.series:
            self._remember(before, series.text, partial(SeriesMemory, series))
        for scope in plan.scopes:
            for node in scope.remembers:
                self._remember(before, _row_key(scope, node), partial(RowBefore, node.op != "prev"))
            self._known[scope.frame] = Known(self.metrics, self._rows_before(scope), self._past, {})
        self._keep_fires(plan, before, np.arange(0) if restoring else symbols)
        self._membership.activate(plan.universes)
        self._forget_quiet()

    @property
    def has_imports(self) -> bool:
        """Whether anything of a checkpoint may still be needed."""
        return bool(self.imported)

    def known_to_all_rows(self) -> Known:
        """What figures need that look at no row before: evaluating them leaves no trace."""
        return Known(self.metrics, {}, self._past, {})

    def forget_imports(self) -> None:
        """The log has been read beyond all that the checkpoint knew."""
        self.imported = {}

    def _begun(self, call: MetricCall, symbols: Index) -> Metric:
        metric = call.build(self._state.capacity)
        if isinstance(metric, Recursive):
            known = [members[self._ahead(members)] for members, _ in self.imported.get(call.text, [])]
            begins = np.setdiff1d(symbols, np.concatenate(known)) if known else symbols
            metric.seed(self._state.history[metric.timeframe.name], begins)
        if isinstance(metric, StatefulMetric):
            self._put_imported(metric, call.text)
        return metric

    def _put_imported(self, one: Stateful, text: str) -> None:
        for members, columns in self.imported.get(text, []):
            ahead = self._ahead(members)
            memory.put(one, members[ahead], {name: values[ahead] for name, values in columns.items()})

    def _ahead(self, members: Index) -> Mask:
        """Which of `members` the checkpoint knows beyond this place: those that are not open to what happens here."""
        return np.ones(len(members), bool) if self._open_to is None else ~np.isin(members, self._open_to)

    def _rows_before(self, scope: Scope) -> dict[Node, RowBefore]:
        found = {node: self._remembered[_row_key(scope, node)] for node in scope.remembers}
        return {node: one for node, one in found.items() if isinstance(one, RowBefore)}

    def _remember(self, before: dict[str, Stateful], text: str, make: Callable[[], Stateful]) -> None:
        found = before.get(text)
        if found is None:
            found = make()
            memory.grow(found, self._state.capacity)
            self._put_imported(found, text)
        self._remembered[text] = found

    def _keep_fires(self, plan: Plan, before: dict[str, Stateful], symbols: Index) -> None:
        """Fires of rules that stay. Memory of others comes into being when they need it. Rules on edges that are new to
        `symbols` do not know what they were on the rows these have had."""
        had_rows = symbols[self._state.symbol.row_ts[symbols] >= 0]
        for rule in plan.rules:
            key = _fire_key(rule)
            if key in before or key in self.imported or rule.trigger.kind == BECOMES_TRUE:
                self._remember(before, key, partial(self._begun_fires, rule, had_rows))

    def _begun_fires(self, rule: PlannedRule, had_rows: Index) -> FireMemory:
        begun = FireMemory(rule.trigger)
        memory.grow(begun, self._state.capacity)
        if rule.trigger.kind == BECOMES_TRUE:
            begun.begin_unknown(had_rows)
        return begun

    def _fires(self, rule: PlannedRule) -> FireMemory:
        key = _fire_key(rule)
        found = self._remembered.get(key)
        if found is None:
            found = self._remembered[key] = FireMemory(rule.trigger)
            memory.grow(found, self._state.capacity)
        assert isinstance(found, FireMemory)
        return found

    def _past(self, node: Node) -> Past:
        """The values at closes that a node looks back to."""
        series = series_of(node)
        if is_bar_field(series.node):
            assert series.node.call is not None
            return FieldPast(self._state.history[series.frame.name], series.node.call.name)
        found = self._remembered[series.text]
        assert isinstance(found, SeriesMemory)
        return found

    def _forget_quiet(self) -> None:
        capacity = self._state.capacity
        self._quiet = {scope.frame: QuietUntil(len(scope.rules), capacity) for scope in self.plan.scopes}

    # --- state ---------------------------------------------------------------------------------------------------

    def stateful(self) -> dict[str, Stateful]:
        """Everything with columns over symbols, by the name it is stored under."""
        metrics = {text: metric for text, metric in self.metrics.items() if isinstance(metric, StatefulMetric)}
        return {**metrics, **self._remembered}

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` symbols."""
        for one in self.stateful().values():
            memory.grow(one, capacity)
        self._forget_quiet()

    def traded(self, view: TradeView) -> None:
        """The trades of `view` have been evaluated and are not yet part of the state."""
        for metric in self.metrics.values():
            if isinstance(metric, Ticked):
                metric.traded(view)

    def retagged(self, symbol: int) -> None:
        """The symbol has other tags."""
        self._membership.retagged(symbol)

    def closed(self, timeframe: Timeframe, symbols: Index) -> None:
        """A bar of each of `symbols` has closed."""
        for metric in self._on(timeframe):
            metric.closed(symbols, self._newest_bar(metric, symbols))

    def amended(self, timeframe: Timeframe, symbols: Index) -> None:
        """The newest closed bar of each of `symbols` has changed."""
        for metric in self._on(timeframe):
            metric.amended(symbols, self._newest_bar(metric, symbols))

    def _on(self, timeframe: Timeframe) -> list[Recursive]:
        return [m for m in self.metrics.values() if isinstance(m, Recursive) and m.timeframe is timeframe]

    def _newest_bar(self, metric: Recursive, symbols: Index) -> dict[str, F64]:
        history = self._state.history[metric.timeframe.name]
        return {name: history.newest(name, symbols) for name in metric.fields}

    # --- rows ----------------------------------------------------------------------------------------------------

    def evaluate(self, view: View, at: Place) -> list[Fired]:
        """The alerts of all rules over the rows of `view`, which stand at `at`."""
        alerts: list[Fired] = []
        if not len(view):
            return alerts
        on_rows: Evaluation | None = None
        figures: dict[str, F64] = {}
        inside = self._membership.at(view)
        for scope in self.plan.scopes:
            if scope.frame is None or scope.frame is view.closing:
                evaluation = Evaluation(view, self._known[scope.frame], figures)
                for node in scope.remembers:
                    evaluation.remember(node)
                alerts += self._of_scope(scope, view, evaluation, inside, at)
                if scope.told:
                    self.told += values_at_close(scope.told, view, evaluation)
                on_rows = evaluation if scope.frame is None else on_rows
        if on_rows is not None and view.closing is not None:
            self._record(view, on_rows)
        return alerts

    def _of_scope(self, scope: Scope, view: View, evaluation: Evaluation, inside: Inside, at: Place) -> list[Fired]:
        found, alerts = matches(scope, evaluation, inside), list[Fired]()
        for number, rows in self._true_rows(scope, found, view, evaluation):
            alerts += self._fired(scope, number, rows, view, evaluation, at)
        for number in scope.edge_rules:
            universe = scope.rules[number].universe
            watches_all = universe is None or universe.is_by_tags
            members = view.members if watches_all else inside.members(scope.universe[number])
            if found.rule(number) or not self._fires(scope.rules[number]).is_waiting(members):
                rows = self._edges(scope, number, view, evaluation, inside)
                alerts += self._fired(scope, number, rows, view, evaluation, at)
        return alerts

    def _edges(self, scope: Scope, number: int, view: View, evaluation: Evaluation, inside: Inside) -> Index:
        """Rows where the rule becomes true. Without the right tags it is not true; of symbols that its universe can
        never hold nothing is remembered."""
        rule = scope.rules[number]
        rearm = None if rule.trigger.rearm is None else evaluation.truth(rule.trigger.rearm)
        truth = evaluation.truth(rule.tree)
        if rule.universe is not None:
            (rows,) = inside.rows(scope.universe[[number]])
            if rule.universe.is_by_tags:
                truth = truth.only_at(rows)
            else:
                truth, rearm = truth.within(rows), None if rearm is None else rearm.within(rows)
        return self._fires(rule).edges(truth, rearm, view)

    def _true_rows(
        self, scope: Scope, found: Matches, view: View, evaluation: Evaluation
    ) -> Iterator[tuple[int, Index]]:
        """Rules that are not told on edges and the rows where they are true and no cooldown is known to hold."""
        tried = found.rules()
        tried[list(scope.edge_rules)] = False
        rules, rows = found.rows(np.flatnonzero(tried & (scope.leaf_count > 0)))
        is_open = self._quiet[scope.frame].is_open(rules, view.symbols_of(rows), view.row_ts[rows])
        rules, rows = rules[is_open], rows[is_open]
        begins = starts_of_runs(rules)
        ends = np.append(begins[1:], len(rows))
        for number, begin, end in zip(
            rules[begins].tolist(), begins.tolist(), ends.tolist()[: len(begins)], strict=True
        ):
            yield number, rows_of_rest(scope.rules[number].rest, evaluation, rows[begin:end])
        for number in np.flatnonzero(tried & (scope.leaf_count == 0)).tolist():
            yield number, rows_of_rest(scope.rules[number].rest, evaluation)

    def _fired(
        self, scope: Scope, number: int, rows: Index, view: View, evaluation: Evaluation, at: Place
    ) -> list[Fired]:
        if not len(rows):
            return []
        rule = scope.rules[number]
        fires, symbols = self._fires(rule), view.symbols_of(rows)
        chosen = fires.select(rows, view)
        self._quiet[scope.frame].note(number, symbols, fires.quiet_until(symbols))
        return fire(rule, chosen, view, evaluation, at) if len(chosen.rows) else []

    def _record(self, view: View, evaluation: Evaluation) -> None:
        """All values are computed before one is recorded: a series may be made of another's past."""
        closing = [series for series in self.plan.series if series.frame is view.closing]
        for series, values in [(series, evaluation.value(series.node)) for series in closing]:
            found = self._remembered[series.text]
            assert isinstance(found, SeriesMemory)
            found.record(view.members, values)


def _row_key(scope: Scope, node: Node) -> str:
    return f"{node.text} on {scope.frame.name if scope.frame is not None else 'rows'}"


def _fire_key(rule: PlannedRule) -> str:
    return f"fires of {rule.hash} {rule.id}"
