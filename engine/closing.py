"""Closing bars: what is due, in which order, and what a closed bar leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan

import numpy as np

from engine.calendar import REGULAR, SessionClock
from engine.profile import fold
from engine.rings import ring_fields
from engine.segments import Index
from engine.state import NEVER, NO_MINUTE, POWERS, BarState, DayState, PartitionState, vwap
from engine.timeframes import MINUTE_NS, ONE_DAY, ONE_MINUTE, ROLL_UPS, Timeframe
from engine.view import View
from schemas.bar import SESSIONS, Bar
from schemas.batch import F64, I64

OnRows = Callable[[View], None]
OnClosed = Callable[[Timeframe, Index], None]
OnBars = Callable[[list[Bar]], None]


class Closer:
    """Closes the bars of a partition. `on_rows` is shown the bar-close rows just before, `on_closed` is told just
    after; bars go to `on_bars`."""

    def __init__(
        self, state: PartitionState, clock: SessionClock, on_rows: OnRows, on_closed: OnClosed, on_bars: OnBars
    ) -> None:
        """The callbacks are kept."""
        self._state, self._clock = state, clock
        self._on_rows, self._on_closed, self._on_bars = on_rows, on_closed, on_bars

    def close_through(self, members: Index, minutes: I64) -> None:
        """Close every bar of `members` that ends at or before the minute beside it: by end, then by length."""
        next_close = self._state.symbol.next_close
        due = next_close[members] <= minutes
        while due.any():
            members, minutes = members[due], minutes[due]
            self._close_ending(members, next_close[members])
            due = next_close[members] <= minutes

    def _close_ending(self, members: Index, minutes: I64) -> None:
        """Close the bars of `members` that end at the minute beside it, their next one to end."""
        self._close_minutes(members[self._state.minute.end[members] <= minutes])
        for timeframe in ROLL_UPS:
            running = self._state.roll_ups[timeframe.name]
            self._close_roll_ups(timeframe, members[running.end[members] <= minutes])
        day = self._state.day
        self._close_days(members[(day.bar_open[members] != 0) & (day.end[members] <= minutes)])
        self.schedule(members)

    def schedule(self, members: Index) -> None:
        """Note when the next bar of each of `members` closes."""
        state = self._state
        due = np.minimum(
            state.minute.end[members], np.where(state.day.bar_open[members] != 0, state.day.end[members], NEVER)
        )
        for running in state.roll_ups.values():
            due = np.minimum(due, running.end[members])
        state.symbol.next_close[members] = due

    def _close_minutes(self, members: Index) -> None:
        state, running = self._state, self._state.minute
        priced = members[~np.isnan(running.open[members])]
        self._show(ONE_MINUTE, priced, running.end[priced])
        closed = state.closed["1m"]
        closed.copy_from(running, members)
        running.reset(members)
        if len(priced):
            self.publish(ONE_MINUTE, closed, priced)
            roll_up(state, self._clock, priced, closed)
            state.history["1m"].push(priced, ring_fields(state, closed, priced))
            self._on_closed(ONE_MINUTE, priced)

    def _close_roll_ups(self, timeframe: Timeframe, members: Index) -> None:
        if not len(members):
            return
        state, running = self._state, self._state.roll_ups[timeframe.name]
        self._show(timeframe, members, running.end[members])
        closed = state.closed[timeframe.name]
        closed.copy_from(running, members)
        running.reset(members)
        self.publish(timeframe, closed, members)
        state.history[timeframe.name].push(members, ring_fields(state, closed, members))
        self._on_closed(timeframe, members)

    def _close_days(self, members: Index) -> None:
        state, day = self._state, self._state.day
        missing = np.isnan(day.open[members]) | np.isnan(day.high[members]) | np.isnan(day.low[members])
        priced = members[~(missing | np.isnan(day.close[members]))]
        self._show(ONE_DAY, priced, day.end[priced])
        day.bar_open[members] = 0
        if len(priced):
            self.publish(ONE_DAY, day, priced)
            state.history["1d"].push(priced, ring_fields(state, day, priced))
            fold(state, priced)
            self._on_closed(ONE_DAY, priced)

    def _show(self, timeframe: Timeframe, members: Index, ends: I64) -> None:
        """One row a member at the end of its bar."""
        if not len(members):
            return
        symbol, minutes = self._state.symbol, ends - 1
        row_ts = ends * MINUTE_NS - 1
        ordinal = np.where(symbol.row_ts[members] == row_ts, symbol.row_ordinal[members] + 1, 0)
        info = self._clock.info(minutes, symbol.market[members])
        self._on_rows(View(self._state, members, minutes, info, row_ts, ordinal, None, timeframe))
        symbol.row_ts[members], symbol.row_ordinal[members] = row_ts, ordinal

    def publish(self, timeframe: Timeframe, bars: BarState | DayState, members: Index) -> None:
        """Add the bars of `members` to the output."""
        state, names = self._state, self._state.symbols.names
        sessions, revs = np.full(len(members), REGULAR), np.zeros(len(members), np.int64)
        if isinstance(bars, BarState):
            sessions, revs = bars.session[members].astype(np.int64), bars.rev[members]
        columns: list[F64 | I64] = [
            bars.start[members] * MINUTE_NS,
            bars.open[members],
            bars.high[members],
            bars.low[members],
            bars.close[members],
        ]
        columns += [
            bars.volume[members] / POWERS[state.symbol.size_scale[members]],
            vwap(bars, members, state.symbol.price_scale[members]),
        ]
        columns += [bars.trades[members], sessions, revs]
        rows = zip(members.tolist(), *(x.tolist() for x in columns), strict=True)
        self._on_bars(
            [
                Bar(
                    names[number],
                    timeframe.name,
                    start,
                    o,
                    h,
                    low,
                    c,
                    volume,
                    None if isnan(mean) else mean,
                    trades,
                    SESSIONS[session],
                    rev,
                )
                for number, start, o, h, low, c, volume, mean, trades, session, rev in rows
            ]
        )


def roll_up(state: PartitionState, clock: SessionClock, members: Index, minute: BarState) -> None:
    """Take the 1m bars of `members` (after all earlier ones) into the running roll-ups."""
    info = clock.info(minute.start[members], state.symbol.market[members])
    for timeframe in ROLL_UPS:
        running = state.roll_ups[timeframe.name]
        new = members[running.start[members] == NO_MINUTE]
        running.copy_from(minute, members) if len(new) == len(members) else _merge(running, minute, members, new)
        running.start[members], running.end[members] = timeframe.bounds(minute.start[members], info)
        running.rev[members] = 0


def _merge(running: BarState, minute: BarState, members: Index, new: Index) -> None:
    going = members[running.start[members] != NO_MINUTE]
    running.copy_from(minute, new)
    running.high[going] = np.fmax(running.high[going], minute.high[going])
    running.low[going] = np.fmin(running.low[going], minute.low[going])
    running.close[going], running.close_ts[going] = minute.close[going], minute.close_ts[going]
    running.add(going, minute, going)
