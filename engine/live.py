"""The newest figures of symbols for screens. They come from the state, but no result comes from them."""

from __future__ import annotations

from math import isnan

import numpy as np

from engine.calendar import CLOSED
from engine.rules.evaluate import Evaluation
from engine.rules.plan import OF_ROWS
from engine.rules.tree import Node, walk
from engine.scanner import Scanner
from engine.segments import Index
from engine.state import POWERS, PartitionState, vwap
from engine.timeframes import MINUTE_NS
from engine.view import View
from schemas.bar import SESSIONS
from schemas.batch import F64
from schemas.live import LiveFigures, LiveMetrics, LiveQuote


def changed_quotes(state: PartitionState, most: int) -> list[LiveQuote]:
    """Up to `most` symbols that moved since they were last given and have a price."""
    members = np.flatnonzero(state.origin.moved[: state.known])[:most]
    state.origin.moved[members] = False
    state.origin.due[members] = True
    members = members[~np.isnan(state.symbol.price[members])]
    symbol, day, names = state.symbol, state.day, state.symbols.names
    price = symbol.price[members]
    base = np.where(np.isnan(day.prior_close[members]), day.open[members], day.prior_close[members])
    volume = day.volume[members] / POWERS[symbol.size_scale[members]]
    columns = (
        members.tolist(),
        symbol.row_ts[members].tolist(),
        price.tolist(),
        _nullable(100 * (price / base - 1)),
        _nullable(day.high[members]),
        _nullable(day.low[members]),
        volume.tolist(),
        _nullable(vwap(state.session, members, symbol.price_scale[members])),
        _sessions(state, members),
    )
    return [LiveQuote(names[number], *rest) for number, *rest in zip(*columns, strict=True)]


class Figures:
    """The running values of what is told at closes. Those that look at the row before are left out: asking for them is
    a row. Symbols take turns, so that none is passed over for others that change more often."""

    def __init__(self, state: PartitionState, scanner: Scanner) -> None:
        """Nothing given yet."""
        self._state, self._scanner, self._next = state, scanner, 0

    def changed(self, most_values: int) -> LiveFigures:
        """Of symbols whose price was given since their figures were, as many as about `most_values` have room for."""
        nodes = [node for node in self._scanner.plan.told if _is_plain(node)][:most_values]
        if not nodes:
            return LiveFigures([], [])
        due = np.flatnonzero(self._state.origin.due[: self._state.known])
        turn = int(np.searchsorted(due, self._next))
        members = np.concatenate((due[turn:], due[:turn]))[: max(1, most_values // len(nodes))]
        self._state.origin.due[members] = False
        members = members[self._state.symbol.row_ts[members] >= 0]
        if not len(members):
            return LiveFigures([], [])
        self._next = int(members[-1]) + 1
        evaluation = Evaluation(self._view(members), self._scanner.known_to_all_rows())
        rows = np.column_stack([evaluation.number(node) for node in nodes]).tolist()
        names, times = self._state.symbols.names, self._state.symbol.row_ts[members].tolist()
        found = [LiveMetrics(names[at], ts, row) for at, ts, row in zip(members.tolist(), times, rows, strict=True)]
        return LiveFigures([node.text for node in nodes], found)

    def _view(self, members: Index) -> View:
        """Each symbol's newest row again: no time passes for it."""
        symbol = self._state.symbol
        row_ts = symbol.row_ts[members]
        minutes = row_ts // MINUTE_NS
        info = self._state.clock.info(minutes, symbol.market[members])
        return View(self._state, members, minutes, info, row_ts, symbol.row_ordinal[members], None)


def _is_plain(node: Node) -> bool:
    return all(one.op not in OF_ROWS for one in walk(node))


def _nullable(values: F64) -> list[float | None]:
    return [None if isnan(value) else value for value in values.tolist()]


def _sessions(state: PartitionState, members: Index) -> list[str]:
    """Session of the running minute; without one, what the day was last in."""
    running = state.minute.start[members] >= 0
    last = np.where(state.closed["1m"].start[members] >= 0, state.closed["1m"].session[members], CLOSED)
    session = np.where(running, state.minute.session[members], last)
    return [SESSIONS[s] for s in session.tolist()]
