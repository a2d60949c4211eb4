"""The active rule set at work: its metrics bound to the partition's state, its rules evaluated on rows, its memory of
fires."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import rings
from engine.firing import Fired, FireMemory, Place, fire
from engine.indicators.base import Metric, Recursive, Stateful, Ticked
from engine.rules.evaluate import true_rows
from engine.rules.plan import NO_RULES, Plan
from engine.segments import Index, Mask
from engine.state import PartitionState
from engine.timeframes import Timeframe
from engine.view import TradeView, View
from schemas.batch import F64, I64

Imported = dict[str, list[tuple[Index, dict[str, NDArray[Any]]]]]


class Scanner:
    """Evaluates the active plan. Metrics live as long as consecutive sets use them, fire times as long as their rule
    (id and hash) is in the set."""

    def __init__(self, state: PartitionState) -> None:
        """No rules."""
        self._state = state
        self.plan: Plan = NO_RULES
        self.metrics: dict[str, Metric] = {}
        self.memory = FireMemory(state.capacity)
        self.imported: Imported = {}
        self.imported_fires: dict[tuple[str, str], list[tuple[Index, I64]]] = {}

    def activate(self, plan: Plan, symbols: Index, restoring: bool = False) -> None:
        """Make `plan` the active one for `symbols`. Metrics new to it are seeded; symbols that a checkpoint knows
        beyond this place in the log, or (`restoring`) at it, take theirs and their fire times from there."""
        rings.hold(self._state, {call.timeframe for call in plan.metrics if call.timeframe}, symbols)
        before, self.metrics = self.metrics, {}
        for call in plan.metrics:
            metric = before.get(call.text)
            if metric is None:
                metric = call.build(self._state.capacity)
                if isinstance(metric, Stateful):
                    self._begin(call.text, metric, symbols, restoring)
            self.metrics[call.text] = metric
        kept = {rule.key for rule in self.plan.rules}
        self.memory.keep(plan.rules)
        for rule in plan.rules:
            for members, times in self.imported_fires.get(rule.key, []) if rule.key not in kept else []:
                ahead = _ahead(members, symbols, restoring)
                self.memory.times(rule.key)[members[ahead]] = times[ahead]
        self.plan = plan

    def _begin(self, text: str, metric: Stateful, symbols: Index, restoring: bool) -> None:
        imported = [(m, c, _ahead(m, symbols, restoring)) for m, c in self.imported.get(text, [])]
        known = [members[ahead] for members, _, ahead in imported]
        if isinstance(metric, Recursive):
            metric.seed(
                self._state.history[metric.timeframe.name],
                np.setdiff1d(symbols, np.concatenate(known)) if known else symbols,
            )
        for members, columns, ahead in imported:
            put_metric(metric, members[ahead], {name: values[ahead] for name, values in columns.items()})

    @property
    def has_imports(self) -> bool:
        """Whether anything of a checkpoint may still be needed."""
        return bool(self.imported or self.imported_fires)

    def forget_imports(self) -> None:
        """The log has been read beyond all that the checkpoint knew."""
        self.imported, self.imported_fires = {}, {}

    def stateful(self) -> dict[str, Stateful]:
        """The metrics with state."""
        return {text: metric for text, metric in self.metrics.items() if isinstance(metric, Stateful)}

    def recursive(self) -> dict[str, Recursive]:
        """The metrics with state stepped by bars."""
        return {text: metric for text, metric in self.metrics.items() if isinstance(metric, Recursive)}

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` symbols."""
        self.memory.grow(capacity)
        for metric in self.stateful().values():
            for columns in metric.states().values():
                columns.grow(capacity)

    def traded(self, view: TradeView) -> None:
        """The trades of `view` have been evaluated and are not yet part of the state."""
        for metric in self.metrics.values():
            if isinstance(metric, Ticked):
                metric.traded(view)

    def closed(self, timeframe: Timeframe, symbols: Index) -> None:
        """A bar of each of `symbols` has closed."""
        for metric in self.recursive().values():
            if metric.timeframe is timeframe:
                metric.closed(symbols, self._newest_bar(metric, symbols))

    def amended(self, timeframe: Timeframe, symbols: Index) -> None:
        """The newest closed bar of each of `symbols` has changed."""
        for metric in self.recursive().values():
            if metric.timeframe is timeframe:
                metric.amended(symbols, self._newest_bar(metric, symbols))

    def _newest_bar(self, metric: Recursive, symbols: Index) -> dict[str, F64]:
        history = self._state.history[metric.timeframe.name]
        return {name: history.newest(name, symbols) for name in metric.fields}

    def evaluate(self, view: View, at: Place) -> list[Fired]:
        """The alerts of all rules over the rows of `view`, which stand at `at`."""
        if not self.plan.rules or not len(view):
            return []
        columns = [self.metrics[call.text].column(view) for call in self.plan.metrics]
        symbols, alerts = view.symbols, []
        for rule, rows in true_rows(self.plan, columns):
            chosen = rows[self.memory.select(rule, symbols[rows], view.row_ts[rows])]
            if len(chosen):
                alerts += fire(self.plan, rule, chosen, view, columns, at)
        return alerts


def _ahead(members: Index, open_to: Index, restoring: bool) -> Mask:
    """Which of `members` the checkpoint knows beyond this place: those that are not open to what happens here."""
    return np.ones(len(members), bool) if restoring else ~np.isin(members, open_to)


def take_metric(metric: Stateful, members: Index) -> dict[str, NDArray[Any]]:
    """Copies of a metric's state for `members`."""
    return {f"{s}.{n}": v for s, columns in metric.states().items() for n, v in columns.take(members).items()}


def put_metric(metric: Stateful, members: Index, columns: dict[str, NDArray[Any]]) -> None:
    """Write back what `take_metric` gave."""
    for name, state in metric.states().items():
        prefix = f"{name}."
        state.put(members, {n.removeprefix(prefix): v for n, v in columns.items() if n.startswith(prefix)})
