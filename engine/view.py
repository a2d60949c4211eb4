"""What a metric may see at a set of rows, trades or bar closes alike: running bars, closed bars, the day, the time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.calendar import CLOSED, PRE, REGULAR, MinuteInfo
from engine.columns import NULL
from engine.history import History
from engine.running import Running
from engine.segments import Index, Mask, Segments
from engine.state import LIMB, LIMB_MASK, POWERS, BarState, ExtendedState, PartitionState, vwap_of
from engine.timeframes import MINUTE_NS, ONE_DAY, ONE_MINUTE, Timeframe
from schemas.batch import F64, I64

BAR_FIELDS = ("open", "high", "low", "close", "volume", "trades")


class View:
    """Rows sorted by symbol and then by log order. `members` = the distinct symbols' numbers, `segments` = the rows
    of each (None: one row each).

    Arrays over rows are named without, arrays over members with the prefix `member_`.
    """

    def __init__(
        self,
        state: PartitionState,
        members: Index,
        minutes: I64,
        info: MinuteInfo,
        row_ts: I64,
        ordinal: I64,
        segments: Segments | None,
        closing: Timeframe | None = None,
    ) -> None:
        """`minutes`, `info` of each member: the minute its rows are in. `closing`: the timeframe whose bars close at
        these rows."""
        self.state, self.members, self.segments = state, members, segments
        self.closing = closing
        self.member_minute, self.member_info = minutes, info
        self.row_ts, self.ordinal = row_ts, ordinal
        self._cache: dict[tuple[str, str], F64] = {}
        self._present: dict[str, Mask] = {}
        self._starts: dict[str, I64] = {}

    def __len__(self) -> int:
        return len(self.row_ts)

    @property
    def symbols(self) -> Index:
        """Symbol number of each row."""
        return self.members if self.segments is None else self.segments.spread(self.members)

    def places(self, rows: Index) -> Index:
        """The place of each row's symbol among the members."""
        return rows if self.segments is None else self.segments.of_row.take(rows)

    def symbols_of(self, rows: Index) -> Index:
        """Symbol number of each of these rows."""
        return self.members.take(self.places(rows))

    def spread(self, values: NDArray[np.generic]) -> F64:
        """Values over members, as floats over rows."""
        floats: F64 = values.astype(np.float64, copy=False)
        return floats if self.segments is None else self.segments.spread(floats)

    def spread_any(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values over members, of any type, over rows."""
        return values if self.segments is None else self.segments.spread(values)

    def history(self, timeframe: Timeframe) -> History:
        """The closed bars."""
        return self.state.history[timeframe.name]

    def present(self, timeframe: Timeframe) -> Mask:
        """Whether bar 0 is a running bar."""
        found = self._present.get(timeframe.name)
        if found is None:
            found = self._present[timeframe.name] = self._is_present(timeframe)
        return found

    def bar0(self, timeframe: Timeframe, field: str) -> F64:
        """A field of bar 0: of the running bar, or else of the newest closed one."""
        key = (timeframe.name, field)
        found = self._cache.get(key)
        if found is None:
            present, running = self.present(timeframe), self._running_field(timeframe, field)
            if not present.all():
                newest = self.spread(self.history(timeframe).newest(field, self.members))
                running = np.where(present, running, newest)
            found = self._cache[key] = running
        return found

    def bar0_bounds_ns(self, timeframe: Timeframe) -> tuple[I64, I64]:
        """Over members: start and length of the bar of this timeframe that the rows' minute is in, in ns."""
        start, end = timeframe.bounds(self.member_minute, self.member_info)
        return start * MINUTE_NS, (end - start) * MINUTE_NS

    def bar0_starts_ns(self, timeframe: Timeframe) -> I64:
        """Start of bar 0 over rows, negative where there is no bar."""
        found = self._starts.get(timeframe.name)
        if found is None:
            newest = self.history(timeframe).newest("start", self.members)
            closed = np.where(np.isnan(newest), -1, newest).astype(np.int64) * MINUTE_NS
            running = self.bar0_bounds_ns(timeframe)[0]
            starts = np.where(self.present(timeframe), self.spread_units(running), self.spread_units(closed))
            found = self._starts[timeframe.name] = starts
        return found

    def closed_session(self) -> Mask:
        """Over members: whether the rows are in the closed session."""
        return np.asarray(self.member_info.session == CLOSED)

    @property
    def price(self) -> F64:
        """Newest price."""
        return self.spread(self.state.symbol.price[self.members])

    def day(self, field: str) -> F64:
        """`open`, `high`, `low`, `close` of the day or `prior_close`, `prior_high`, `prior_low`."""
        return self.spread(getattr(self.state.day, field)[self.members])

    def extended(self, session: int, field: str) -> F64:
        """`high` or `low` of the current day's pre or post session."""
        state = self._extended(session)
        values = getattr(state, field)[self.members]
        return self.spread(np.where(state.day[self.members] == self.state.day.number[self.members], values, NULL))

    def extended_volume_units(self, session: int, of_today: bool) -> I64:
        """Volume of the newest pre or post session over rows, or only that of the current day's, in units."""
        state = self._extended(session)
        units = state.volume[self.members]
        if of_today:
            units = np.where(state.day[self.members] == self.state.day.number[self.members], units, 0)
        return self.spread_units(units)

    def _extended(self, session: int) -> ExtendedState:
        return self.state.pre if session == PRE else self.state.post

    def day_value(self) -> F64:
        """price x size of all VOLUME trades of the day."""
        value, members = self.state.value, self.members
        return self.values_of(value.notional_high[members], value.notional_low[members])

    def values_of(self, high: I64, low: I64) -> F64:
        """Limbs over rows as a sum of price x size."""
        symbol, members = self.state.symbol, self.members
        scale = POWERS[symbol.price_scale[members] + symbol.size_scale[members]]
        return (high.astype(np.float64) * float(1 << LIMB) + low) / self.spread(scale)

    def trade(self, field: str) -> F64:
        """`size` or `trade_price` of the row's trade; null at other rows."""
        del field
        return np.full(len(self), NULL)

    def seconds_since_trade(self) -> F64:
        """Time since the symbol's newest trade."""
        traded = self.state.symbol.trade_ts[self.members]
        return np.where(self.spread_any(traded >= 0), (self.row_ts - self.spread_units(traded)) / 1e9, NULL)

    def day_volume_units(self) -> I64:
        """Volume of the day in units of the size scale, over rows."""
        return self.spread_units(self.state.day.volume[self.members])

    def day_trades(self) -> I64:
        """Trades of the day."""
        return self.state.day.trades[self.members]

    def session_vwap(self) -> F64:
        """Volume-weighted price of the session."""
        sums = self.state.session
        m = self.members
        return vwap_of(
            sums.notional_high[m], sums.notional_low[m], sums.last_volume[m], self.state.symbol.price_scale[m]
        )

    def sizes(self, units: I64) -> F64:
        """Units over rows as numbers."""
        return units / self.spread(POWERS[self.state.symbol.size_scale[self.members]])

    def _minute_units(self, field: str) -> I64:
        return np.asarray(getattr(self.state.minute, field)[self.members])

    def _minute(self, field: str) -> F64:
        return self.spread(getattr(self.state.minute, field)[self.members])

    def _is_present(self, timeframe: Timeframe) -> Mask:
        if timeframe is ONE_MINUTE:
            return ~np.isnan(self._minute("open"))
        if timeframe is ONE_DAY:
            present = np.asarray(self.spread(self.state.day.bar_open[self.members]) != 0)
            for field in ("open", "high", "low", "close"):
                present &= ~np.isnan(self.day(field))
            return present
        return ~np.isnan(self.spread(self._roll_up(timeframe).open[self.members])) | self.present(ONE_MINUTE)

    def _roll_up(self, timeframe: Timeframe) -> BarState:
        return self.state.roll_ups[timeframe.name]

    def _running_field(self, timeframe: Timeframe, field: str) -> F64:
        if timeframe is ONE_MINUTE:
            return self._minute_field(field)
        if timeframe is ONE_DAY:
            return self._day_field(field)
        rolled, minute = self._roll_up(timeframe), self.present(ONE_MINUTE)
        if field in ("volume", "trades"):
            units = self.spread_units(getattr(rolled, field)[self.members]) + np.where(
                minute, self._minute_units(field), 0
            )
            return self.sizes(units) if field == "volume" else units.astype(np.float64)
        before = self.spread(getattr(rolled, field)[self.members])
        now = self._minute(field)
        if field == "open":
            return np.where(np.isnan(before), now, before)
        if field == "close":
            return np.where(minute, now, before)
        now = np.where(minute, now, NULL)
        return np.fmax(before, now) if field == "high" else np.fmin(before, now)

    def spread_units(self, units: I64) -> I64:
        """Integers over members, over rows."""
        return units if self.segments is None else self.segments.spread(units)

    def _minute_field(self, field: str) -> F64:
        if field == "volume":
            return self.sizes(self._minute_units(field))
        if field == "trades":
            return self._minute_units(field).astype(np.float64)
        return self._minute(field)

    def _day_field(self, field: str) -> F64:
        if field == "volume":
            return self.sizes(self.day_volume_units())
        if field == "trades":
            return self.day_trades().astype(np.float64)
        return self.day(field)


class TradeView(View):
    """The rows of one wave of trades, each with the figures just after it."""

    segments: Segments

    def __init__(self, state: PartitionState, running: Running) -> None:
        """`running` over `state`, not yet committed."""
        self._running = running
        super().__init__(
            state, running.members, running.minutes, running.info, running.row_ts, running.ordinal, running.segments
        )

    @property
    def price(self) -> F64:
        """Newest price at each trade."""
        return self._running.price

    def day(self, field: str) -> F64:
        """The day's figure at each trade."""
        if field == "open":
            return self._running.day_open
        if field == "close":
            return self._running.day_close
        before = super().day(field)
        if field.startswith("prior_"):
            return before
        return self._with_running(before, REGULAR, field)

    def _with_running(self, before: F64, session: int, field: str) -> F64:
        """An extreme together with the running minute's where the rows are in that session."""
        inside, extreme = self.member_info.session == session, self._running.extremes(field)
        if not inside.all():
            extreme = np.where(self.spread_any(inside), extreme, NULL)
        return np.fmax(before, extreme) if field == "high" else np.fmin(before, extreme)

    def extended(self, session: int, field: str) -> F64:
        """The extreme at each trade."""
        return self._with_running(super().extended(session, field), session, field)

    def extended_volume_units(self, session: int, of_today: bool) -> I64:
        """Volume of that session up to each trade."""
        inside = self.member_info.session == session
        before = super().extended_volume_units(session, of_today)
        if not inside.any():
            return before
        starts = self._running.segments.starts
        begun = self._extended(session).day[self.members] == self.member_info.day
        running = self._running.segments.running_total(self._running.volumes, np.where(begun, before[starts], 0))
        return np.where(self.spread_any(inside), running, before)

    def day_value(self) -> F64:
        """price x size of all VOLUME trades of the day up to each trade."""
        running, value, members = self._running, self.state.value, self.members
        total = running.segments.running_total
        high = total(running.values >> LIMB, value.notional_high[members])
        return self.values_of(high, total(running.values & LIMB_MASK, value.notional_low[members]))

    def trade(self, field: str) -> F64:
        """Of each trade."""
        return np.asarray(getattr(self._running, field))

    def seconds_since_trade(self) -> F64:
        """No time has passed since this very trade."""
        return np.zeros(len(self))

    def day_volume_units(self) -> I64:
        """Volume of the day up to each trade."""
        return self._running.segments.running_total(self._running.volumes, self.state.day.volume[self.members])

    def day_trades(self) -> I64:
        """Trades of the day up to each trade."""
        return self._running.segments.running_total(self._running.counts, super().day_trades())

    def session_vwap(self) -> F64:
        """Volume-weighted price of the session up to each trade."""
        running, sums, members = self._running, self.state.session, self.members
        total = running.segments.running_total
        high = total(running.notionals >> LIMB, sums.notional_high[members])
        low = total(running.notionals & ((1 << LIMB) - 1), sums.notional_low[members])
        volume = total(running.last_volumes, sums.last_volume[members])
        return vwap_of(high, low, volume, self.spread_any(self.state.symbol.price_scale[members]))

    @property
    def price_ts(self) -> I64:
        """When the newest price at each trade was traded."""
        return self._running.price_ts

    def _minute(self, field: str) -> F64:
        return np.asarray(getattr(self._running, field))

    def _minute_units(self, field: str) -> I64:
        values = self._running.volumes if field == "volume" else self._running.counts
        return self._running.segments.running_total(values, getattr(self.state.minute, field)[self.members])
