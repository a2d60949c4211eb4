"""The way of trades through a partition: rounds around special trades, waves of minutes, and the closes in between.

A symbol's trades up to its first special one (a scale too small, a late trade) are ordinary and go through in waves:
wave k holds the k-th
minute of each symbol. Then the special trade is dealt with alone, and the rest is the next round. Symbols do not touch
one another.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import intake
from engine.beginning import begin
from engine.calendar import CLOSED
from engine.closing import Closer
from engine.firing import Closings, Moment, Place
from engine.intake import Units
from engine.late import Amender, LateTrade, OneTrade
from engine.result import StepResult
from engine.running import commit, run
from engine.scanner import Scanner
from engine.segments import Index, Mask, Segments, ranges, starts_of_runs
from engine.state import PartitionState
from engine.timeframes import MINUTE_NS, Timeframe
from engine.view import TradeView, View
from schemas.bar import Bar
from schemas.batch import I32, I64, Trades
from schemas.control import Status
from schemas.tick import Eligibility


@dataclass(frozen=True, slots=True)
class Timeline:
    """The watermark at each trade of a span: `ts_ns[i]` holds for the trades numbered `since[i]` and later, up to the
    next."""

    since: list[int]
    ts_ns: list[int]

    def at(self, number: int) -> int:
        """The watermark when the trade with this number came."""
        return self.ts_ns[bisect_right(self.since, number) - 1]


@dataclass(slots=True)
class _Pending:
    """Trades sorted by symbol and then by log order, and their numbers in log order."""

    trades: Trades
    number: Index

    def take(self, rows: Index | Mask) -> _Pending:
        return _Pending(self.trades.take(rows), self.number[rows])


class Flow:
    """Moves trades through the state of a partition and fills `result`."""

    def __init__(self, state: PartitionState, scanner: Scanner, amend_window_ns: int) -> None:
        """Bars and alerts of everything that follows go to `result`, which the caller sets anew for each step."""
        self.result = StepResult()
        self.clock = state.clock
        self._state, self._scanner = state, scanner
        self._place: Place = Moment(-1, -1)
        self._closer = Closer(state, self.clock, self._on_close_rows, self._on_closed, self._on_bars)
        self._amender = Amender(state, self.clock, self._closer, self._on_closed, self._on_amended, amend_window_ns)

    def close_through(self, minute: int, symbols: Index, place: Place) -> None:
        """Time has passed `minute`: close what ends by then."""
        due = symbols[self._state.symbol.next_close[symbols] <= minute]
        if len(due):
            self._place = place
            self._closer.close_through(due, np.full(len(due), minute, np.int64))

    def status(self, symbol: int, event: Status, watermark_ns: int, place: Place) -> None:
        """A halt or its end: a row, and time passes as with a trade. What only repeats what is known does nothing."""
        state, at = self._state, np.array([symbol], np.intp)
        if bool(state.symbol.halted[symbol]) == event.halted:
            return
        newest = state.symbol.last_ts[symbol] = max(int(state.symbol.last_ts[symbol]), event.ts_ns)
        row_ts = np.array([max(int(newest), watermark_ns, int(state.symbol.row_ts[symbol]))])
        minutes = row_ts // MINUTE_NS
        self._place = place
        self._closer.close_through(at, minutes)
        info = self.clock.info(minutes, state.symbol.market[at])
        begin(state, at, info)
        self._closer.schedule(at)
        state.symbol.halted[symbol] = event.halted
        if event.halted:
            state.symbol.halted_ts[at] = row_ts
        ordinal = np.where(state.symbol.row_ts[at] == row_ts, state.symbol.row_ordinal[at] + 1, 0)
        self._on_close_rows(View(state, at, minutes, info, row_ts, ordinal, None))
        state.symbol.row_ts[at], state.symbol.row_ordinal[at] = row_ts, ordinal

    def trades(self, trades: Trades, numbers: Index, timeline: Timeline) -> None:
        """Take in trades of one span: no bar-closing heartbeat stands between them."""
        order = np.argsort(_sort_key(trades.symbol), kind="stable")
        pending = _Pending(trades.take(order), numbers[order])
        while len(pending.trades):
            pending = self._round(pending, timeline)

    def _round(self, pending: _Pending, timeline: Timeline) -> _Pending:
        """Deal with each symbol's ordinary trades and its first special one; what is left."""
        trades, state = pending.trades, self._state
        symbols = Segments(starts_of_runs(trades.symbol), len(trades))
        units = intake.to_units(state, trades)
        stop = ~units.exact | self._overfull(trades, units, symbols)
        alive = _before_first(stop, symbols)
        duplicate = np.zeros(len(trades), bool)
        duplicate[alive] = intake.duplicates(state, trades if alive.all() else trades.take(alive))
        late = self._late(pending, symbols, alive & ~duplicate, timeline)
        stop |= late
        if not stop.any():
            self._ordinary(trades, units, duplicate)
            return pending.take(np.empty(0, np.intp))
        done = _before_first(stop, symbols)
        rows = np.flatnonzero(done)
        self._ordinary(trades.take(rows), units.take(rows), duplicate[rows])
        first = np.flatnonzero(stop & (symbols.count_before(stop) == 0))
        dealt = np.array([self._special(pending, int(row), bool(late[row]), timeline) for row in first], bool)
        left = ~done
        left[first[dealt]] = False
        return pending.take(left)

    def _overfull(self, trades: Trades, units: Units, symbols: Segments) -> Mask:
        """Trades that might bring the day's volume beyond what fits; a rough bound first, because it is never near."""
        day, members = self._state.day, trades.symbol[symbols.starts]
        if float(day.volume[members].max()) + float(units.size.sum(dtype=np.float64)) < intake.MAX_VOLUME / 2:
            return np.zeros(len(trades), bool)
        adds = units.size * ((trades.flags & Eligibility.VOLUME) != 0)
        info = self.clock.info(trades.ts[symbols.starts] // MINUTE_NS, self._state.symbol.market[members])
        before = np.where(info.day == day.number[members], day.volume[members], 0)
        total = np.cumsum(adds.astype(object))  # a float loses the last units, 64 bits do not hold a batch
        total += symbols.spread(before + adds[symbols.starts] - total[symbols.starts])
        return np.asarray((total >= intake.MAX_VOLUME) & (adds > 0), bool)

    def _late(self, pending: _Pending, symbols: Segments, among: Mask, timeline: Timeline) -> Mask:
        """Trades among `among` whose minute has closed by the symbol's clock."""
        trades, newest = pending.trades, self._state.symbol.last_ts[pending.trades.symbol[symbols.starts]]
        ts = np.where(among, trades.ts, -1)
        before = np.empty_like(ts)
        before[1:] = symbols.running_max(ts, newest)[:-1] if _goes_back(ts, symbols, newest) else ts[:-1]
        before[symbols.starts] = newest
        clock = np.maximum(before, timeline.ts_ns[0])
        return among & (trades.ts // MINUTE_NS < clock // MINUTE_NS)

    def _special(self, pending: _Pending, row: int, late: bool, timeline: Timeline) -> bool:
        """Deal with one special trade; False if it is ordinary now and goes into the next round."""
        trades = pending.trades
        symbol, price, size = int(trades.symbol[row]), float(trades.price[row]), float(trades.size[row])
        if not late:
            reason = intake.widen_scales(self._state, symbol, price, size, *self._day_of(trades, row))
            if reason is not None:
                self.result.rejected.append(intake.rejected(trades, row, reason))
            return reason is not None
        one = trades.take(np.array([row]))
        units = intake.to_units(self._state, one)
        intake.remember(self._state, one)
        self._state.touch(np.array([symbol]))
        clock_ns = max(int(self._state.symbol.last_ts[symbol]), timeline.at(int(pending.number[row])))
        trade = OneTrade(symbol, int(one.ts[0]), price, int(units.price[0]), int(units.size[0]), int(one.flags[0]))
        if self._amender.amend(trade, clock_ns):
            self.result.counts.amended += 1
        else:
            name = self._state.symbols.names[symbol]
            self.result.late.append(LateTrade(int(one.offset[0]), int(one.index[0]), name, trade.ts, price, size))
        return True

    def _day_of(self, trades: Trades, row: int) -> tuple[bool, bool]:
        """Whether the trade begins a new day of its symbol, with all bars of the old one closed, and whether it adds to
        the volume of the day it is in."""
        minute, symbol = np.array([trades.ts[row] // MINUTE_NS]), trades.symbol[[row]]
        day = int(self.clock.info(minute, self._state.symbol.market[symbol]).day[0])
        current, closed = int(self._state.day.number[symbol[0]]), not self._state.day.bar_open[symbol[0]]
        return day > current and closed, day >= current and bool(trades.flags[row] & Eligibility.VOLUME)

    def _ordinary(self, trades: Trades, units: Units, duplicate: Mask) -> None:
        """Drop duplicates, remember ids, and go through the minutes in waves."""
        if duplicate.any():
            self.result.counts.duplicates += int(duplicate.sum())
            kept = np.flatnonzero(~duplicate)
            trades, units = trades.take(kept), units.take(kept)
        if not len(trades):
            return
        intake.remember(self._state, trades)
        minutes = trades.ts // MINUTE_NS
        starts = starts_of_runs(trades.symbol, minutes)
        members = trades.symbol[starts].astype(np.intp)
        first = starts_of_runs(members)
        wave = np.arange(len(members)) - np.repeat(first, np.diff(first, append=len(members)))
        last_wave = int(wave.max())
        if last_wave == 0:
            self._wave(trades, units, members, starts, minutes[starts])
            return
        lengths = np.diff(starts, append=len(trades))
        for k in range(last_wave + 1):
            chosen = np.flatnonzero(wave == k)
            rows = ranges(starts[chosen], lengths[chosen])
            wave_starts = np.cumsum(lengths[chosen]) - lengths[chosen]
            self._wave(trades.take(rows), units.take(rows), members[chosen], wave_starts, minutes[starts[chosen]])

    def _wave(self, trades: Trades, units: Units, members: Index, starts: Index, minutes: I64) -> None:
        """Trades of one minute a symbol."""
        state = self._state
        info = self.clock.info(minutes, state.symbol.market[members])
        self._close_before(trades, members, starts, minutes)
        begin(state, members, info)
        running = run(state, trades, units, members, starts, info, minutes)
        self.result.counts.rows += len(trades)
        view = TradeView(state, running)
        self.result.alerts += self._scanner.evaluate(view, trades)
        self._scanner.traded(view)
        commit(state, trades, running)
        state.touch(members)
        active = info.session != CLOSED
        due = np.minimum(minutes + 1, info.day_end)[active]
        state.symbol.next_close[members[active]] = np.minimum(state.symbol.next_close[members[active]], due)

    def _close_before(self, trades: Trades, members: Index, starts: Index, minutes: I64) -> None:
        """Close what these trades close; their first trade is the place of the rows."""
        due = np.flatnonzero(self._state.symbol.next_close[members] <= minutes)
        if len(due):
            first = starts[due]
            self._place = Closings(members[due], trades.take(first))
            self._closer.close_through(members[due], minutes[due])

    def _on_close_rows(self, view: View) -> None:
        self.result.counts.rows += len(view)
        self._state.touch(view.members)
        self.result.alerts += self._scanner.evaluate(view, self._place)

    def _on_closed(self, timeframe: Timeframe, symbols: Index) -> None:
        self._scanner.closed(timeframe, symbols)

    def _on_amended(self, timeframe: Timeframe, symbols: Index) -> None:
        self._scanner.amended(timeframe, symbols)

    def _on_bars(self, bars: list[Bar]) -> None:
        self.result.bars += bars


def _sort_key(symbols: I32) -> NDArray[np.generic]:
    """Symbol numbers in the narrowest type: two bytes sort by radix, several times as fast."""
    return symbols.astype(np.uint16) if len(symbols) and int(symbols.max()) < 2**16 else symbols


def _before_first(stop: Mask, symbols: Segments) -> Mask:
    """Rows before the first `stop` of their symbol."""
    return ~stop & (symbols.count_before(stop) == 0) if stop.any() else np.ones(len(stop), bool)


def _goes_back(ts: I64, symbols: Segments, newest: I64) -> bool:
    """Whether a trade is older than one before it."""
    back = ts[1:] < ts[:-1]
    back[symbols.starts[1:] - 1] = False
    return bool(back.any()) or bool((ts[symbols.starts] < newest).any())
