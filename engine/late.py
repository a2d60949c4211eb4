"""A trade that comes after its minute has closed: it amends the newest closed bars within a short window, one trade at
a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.beginning import begin_regular
from engine.calendar import CLOSED, POST, PRE, REGULAR, MinuteInfo, SessionClock
from engine.closing import Closer, OnClosed
from engine.rings import ring_fields
from engine.segments import Index
from engine.state import LIMB, BarState, PartitionState, Sums
from engine.timeframes import MINUTE_NS, ONE_MINUTE, ROLL_UPS, Timeframe
from schemas.tick import Eligibility

OnAmended = Callable[[Timeframe, Index], None]


@dataclass(frozen=True, slots=True)
class LateTrade:
    """A trade too late to count, and where it stood."""

    offset: int
    index: int
    symbol: str
    ts: int
    price: float
    size: float


@dataclass(frozen=True, slots=True)
class OneTrade:
    """A trade of one symbol, in numbers and in units."""

    symbol: int
    ts: int
    price: float
    price_units: int
    size_units: int
    flags: int


class Amender:
    """Applies late trades to what has closed."""

    def __init__(
        self,
        state: PartitionState,
        clock: SessionClock,
        closer: Closer,
        on_closed: OnClosed,
        on_amended: OnAmended,
        window_ns: int,
    ) -> None:
        """`on_closed` is told of bars that come to be, `on_amended` of newest closed bars that change."""
        self._state, self._clock, self._closer = state, clock, closer
        self._on_closed, self._on_amended, self._window_ns = on_closed, on_amended, window_ns

    def amend(self, trade: OneTrade, clock_ns: int) -> bool:
        """Apply the trade; False, and nothing done, if it is too late."""
        state, at = self._state, np.array([trade.symbol], np.intp)
        minute = trade.ts // MINUTE_NS
        info = self._clock.info(np.array([minute]), state.symbol.market[at])
        if clock_ns - (minute + 1) * MINUTE_NS > self._window_ns:
            return False
        if info.session[0] == CLOSED or info.day[0] != state.day.number[trade.symbol]:
            return False
        bar = state.closed["1m"]
        if bar.start[trade.symbol] != minute:
            bar.reset(at)
            bar.start[at], bar.end[at], bar.session[at] = minute, minute + 1, info.session
        added = _sums_of(trade)
        was_present, old_open_ts = not np.isnan(bar.open[trade.symbol]), int(bar.open_ts[trade.symbol])
        _apply(bar, trade)
        bar.add(at, added, np.zeros(1, np.intp))
        self._add_to_day(trade, added, int(info.session[0]), at)
        if not np.isnan(bar.open[trade.symbol]):
            self._publish_minute(at, was_present)
            for timeframe in ROLL_UPS:
                self._roll_up(
                    timeframe, at, info, added if was_present else bar, old_open_ts if was_present else None, clock_ns
                )
            self._closer.schedule(at)
        return True

    def _add_to_day(self, trade: OneTrade, added: Sums, session: int, at: Index) -> None:
        day, first = self._state.day, np.zeros(1, np.intp)
        if session != PRE and self._state.session.regular[trade.symbol] == 0:
            begin_regular(self._state, at)
        if session != PRE or self._state.session.regular[trade.symbol] == 0:
            self._state.session.add(at, added, first)
        day.add(at, added, first)
        self._add_to_extended(trade, added, session, at)
        if session == REGULAR and trade.flags & (Eligibility.HIGH_LOW | Eligibility.LAST):
            day.high[at], day.low[at] = np.fmax(day.high[at], trade.price), np.fmin(day.low[at], trade.price)

    def _add_to_extended(self, trade: OneTrade, added: Sums, session: int, at: Index) -> None:
        state = self._state
        if trade.flags & Eligibility.VOLUME:
            high, low = divmod(trade.price_units * trade.size_units, 1 << LIMB)
            state.value.notional_high[at] += high
            state.value.notional_low[at] += low
        if session in (PRE, POST):
            extended = state.pre if session == PRE else state.post
            extended.begin(at, state.day.number[at])
            extended.add(at, added, np.zeros(1, np.intp))
            if trade.flags & (Eligibility.HIGH_LOW | Eligibility.LAST):
                extended.high[at] = np.fmax(extended.high[at], trade.price)
                extended.low[at] = np.fmin(extended.low[at], trade.price)

    def _publish_minute(self, at: Index, was_present: bool) -> None:
        bar, history = self._state.closed["1m"], self._state.history["1m"]
        fields = ring_fields(self._state, bar, at)
        if was_present:
            bar.rev[at] += 1
            history.replace_newest(at, fields)
            self._on_amended(ONE_MINUTE, at)
        else:
            history.push(at, fields)
            self._on_closed(ONE_MINUTE, at)
        self._closer.publish(ONE_MINUTE, bar, at)

    def _roll_up(
        self, timeframe: Timeframe, at: Index, info: MinuteInfo, added: Sums, old_open_ts: int | None, clock_ns: int
    ) -> None:
        """`added` = what the roll-up's sums lack; `old_open_ts` None = the 1m bar is new in it."""
        state, minute, symbol = self._state, self._state.closed["1m"], at[0]
        running, closed = state.roll_ups[timeframe.name], state.closed[timeframe.name]
        start, end = timeframe.bounds(minute.start[at], info)
        is_closed = int(end[0]) * MINUTE_NS <= clock_ns
        bars = closed if is_closed else running
        was_present = bool(bars.start[symbol] == start[0])
        if was_present:
            _merge(bars, minute, at, added, old_open_ts)
        else:
            bars.copy_from(minute, at)
            bars.start[at], bars.end[at], bars.rev[at] = start, end, 0
        if is_closed:
            self._publish_roll_up(timeframe, closed, at, was_present)

    def _publish_roll_up(self, timeframe: Timeframe, closed: BarState, at: Index, was_present: bool) -> None:
        history = self._state.history[timeframe.name]
        fields = ring_fields(self._state, closed, at)
        if was_present:
            closed.rev[at] += 1
            history.replace_newest(at, fields)
            self._on_amended(timeframe, at)
        else:
            history.push(at, fields)
            self._on_closed(timeframe, at)
        self._closer.publish(timeframe, closed, at)


def _apply(bar: BarState, trade: OneTrade) -> None:
    symbol = trade.symbol
    if trade.flags & (Eligibility.HIGH_LOW | Eligibility.LAST):
        bar.high[symbol], bar.low[symbol] = (
            np.fmax(bar.high[symbol], trade.price),
            np.fmin(bar.low[symbol], trade.price),
        )
    if trade.flags & Eligibility.LAST:
        if trade.ts < bar.open_ts[symbol]:
            bar.open[symbol], bar.open_ts[symbol] = trade.price, trade.ts
        if trade.ts >= bar.close_ts[symbol]:
            bar.close[symbol], bar.close_ts[symbol] = trade.price, trade.ts


def _sums_of(trade: OneTrade) -> Sums:
    """What the trade adds, as sums of one element."""
    sums = Sums(1)
    if trade.flags & Eligibility.VOLUME:
        sums.volume[0], sums.trades[0] = trade.size_units, 1
        if trade.flags & Eligibility.LAST:
            notional = trade.price_units * trade.size_units
            sums.last_volume[0] = trade.size_units
            sums.notional_high[0], sums.notional_low[0] = divmod(notional, 1 << LIMB)
    return sums


def _merge(bars: BarState, minute: BarState, at: Index, added: Sums, old_open_ts: int | None) -> None:
    """Bring the roll-up up to date with its newest 1m bar."""
    if old_open_ts is not None and bars.open_ts[at[0]] == old_open_ts:
        bars.open[at], bars.open_ts[at] = minute.open[at], minute.open_ts[at]
    bars.high[at], bars.low[at] = np.fmax(bars.high[at], minute.high[at]), np.fmin(bars.low[at], minute.low[at])
    bars.close[at], bars.close_ts[at] = minute.close[at], minute.close_ts[at]
    bars.add(at, added, at if isinstance(added, BarState) else np.zeros(1, np.intp))
