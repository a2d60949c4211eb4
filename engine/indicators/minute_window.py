"""Figures over the last n minutes of today: sums, rolling vwap, ranges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.columns import NULL
from engine.history import History
from engine.indicators.base import Metric, MinutePointer
from engine.indicators.day_ranges import DAYS, PositionInDays
from engine.indicators.declare import MINUTES, Declaration, Duration, Kind, Parameter, Unit
from engine.indicators.formulas import ratio
from engine.segments import Index
from engine.timeframes import ONE_MINUTE
from engine.view import View
from schemas.batch import F64, I64

Term = Callable[[History, Index, I64], F64]


class MinuteWindow:
    """A term of the closed 1m bars of the current day that start in (m - n, m], combined oldest first; kept until the
    minute or a bar changes."""

    def __init__(self, minutes: int, term: Term, combine: np.ufunc = np.add, start: float = 0.0) -> None:
        """`term` gives a bar's contribution by its number; `start`: the value over no bars."""
        self._minutes, self._term, self._combine, self._start = minutes, term, combine, start
        self._pointer = MinutePointer()
        self._sum = np.empty(0)
        self._version = self._minute = np.empty(0, np.int64)

    def over_members(self, view: View) -> F64:
        """The values, null in the closed session."""
        history, members, minute = view.history(ONE_MINUTE), view.members, view.member_minute
        missing = len(history.version) - len(self._sum)
        if missing > 0:
            self._sum = np.append(self._sum, np.zeros(missing))
            self._version = np.append(self._version, np.full(missing, -1, np.int64))
            self._minute = np.append(self._minute, np.full(missing, -1, np.int64))
        stale = np.flatnonzero((self._version[members] != history.version[members]) | (self._minute[members] != minute))
        if len(stale):
            symbols = members[stale]
            self._sum[symbols] = self._sum_from(
                history, symbols, np.maximum(minute[stale] - self._minutes, view.member_info.day_start[stale] - 1)
            )
            self._version[symbols], self._minute[symbols] = history.version[symbols], minute[stale]
        return np.where(view.closed_session(), NULL, self._sum[members])

    def _sum_from(self, history: History, symbols: Index, target: I64) -> F64:
        """Over all bars that start after `target`."""
        number = self._pointer.advance(history, symbols, target) + 1
        total = np.full(len(symbols), self._start)
        going = np.flatnonzero(number < history.count[symbols])
        while len(going):
            total[going] = self._combine(total[going], self._term(history, symbols[going], number[going]))
            number[going] += 1
            going = going[number[going] < history.count[symbols[going]]]
        return total


def _field(name: str) -> Term:
    return lambda history, symbols, number: np.asarray(history.at(name, symbols, number), np.float64)


def _weighted(history: History, symbols: Index, number: I64) -> F64:
    high, low, close, volume = (history.at(name, symbols, number) for name in ("high", "low", "close", "volume"))
    return np.asarray(((high + low) + close) / 3 * volume)


class SumLast:
    """Sum of a field of the bars of the last n minutes, the running one in."""

    def __init__(self, field: str, length: Duration) -> None:
        """Over `length` minutes."""
        self._field, self._sum = field, MinuteWindow(length.count, _field(field))

    def column(self, view: View) -> F64:
        """One value a row."""
        running = np.where(view.present(ONE_MINUTE), view.bar0(ONE_MINUTE, self._field), 0.0)
        return view.spread(self._sum.over_members(view)) + running


class ValueLast:
    """Sum of typical price x volume over the 1m bars of the last n minutes, the running one in."""

    def __init__(self, length: Duration) -> None:
        """Over `length` minutes."""
        self._weighted = MinuteWindow(length.count, _weighted)

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low, close, volume = (view.bar0(ONE_MINUTE, name) for name in ("high", "low", "close", "volume"))
        running = np.where(view.present(ONE_MINUTE), ((high + low) + close) / 3 * volume, 0.0)
        return view.spread(self._weighted.over_members(view)) + running


class RollingVwap:
    """sum((high + low + close) / 3 x volume) / sum(volume) over the 1m bars of the last n minutes, the running one
    in."""

    def __init__(self, length: Duration) -> None:
        """Over `length` minutes."""
        self._volume, self._value = SumLast("volume", length), ValueLast(length)

    def column(self, view: View) -> F64:
        """One value a row."""
        return ratio(self._value.column(view), self._volume.column(view))


class Extremes:
    """High and low of the last n minutes, the running one in; null without a bar."""

    def __init__(self, length: Duration) -> None:
        """Over `length` minutes."""
        self._high = MinuteWindow(length.count, _field("high"), np.fmax, NULL)
        self._low = MinuteWindow(length.count, _field("low"), np.fmin, NULL)

    def of(self, view: View) -> tuple[F64, F64]:
        """Both over rows."""
        present, closed = view.present(ONE_MINUTE), view.spread_any(view.closed_session())
        use = present & ~closed
        high, low = (np.where(use, view.bar0(ONE_MINUTE, name), NULL) for name in ("high", "low"))
        high = np.fmax(view.spread(self._high.over_members(view)), high)
        return high, np.fmin(view.spread(self._low.over_members(view)), low)


class RangeLast(Extremes):
    """High less low."""

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low = self.of(view)
        return high - low


class RangePercentLast(Extremes):
    """High less low in percent of the low."""

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low = self.of(view)
        return 100 * (high - low) / low


class PositionInRange(Extremes):
    """Where the price is between low (0) and high (100)."""

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low = self.of(view)
        return ratio(100 * (view.price - low), high - low)


def _position(length: Duration) -> Metric:
    return (PositionInRange if length.unit == "m" else PositionInDays)(length)


def _last(name: str, unit: Unit, definition: str, build: Callable[[Duration], Metric]) -> Declaration:
    return Declaration(name, (MINUTES,), unit, f"{definition} the last n minutes of today", build, source="catalogue")


DECLARATIONS = (
    _last("volume_last", Unit.SHARES, "volume of", lambda n: SumLast("volume", n)),
    _last("trades_last", Unit.COUNT, "number of trades of", lambda n: SumLast("trades", n)),
    _last(
        "dollar_volume_last",
        Unit.DOLLARS,
        "typical price (high + low + close) / 3 x volume, summed over the 1m bars of",
        ValueLast,
    ),
    _last(
        "rolling_vwap",
        Unit.PRICE,
        "typical price (high + low + close) / 3, weighted by volume, of the 1m bars of",
        RollingVwap,
    ),
    _last("range_last", Unit.PRICE, "high less low of the 1m bars of", RangeLast),
    _last("range_pct_last", Unit.PERCENT, "high less low, against the low, of the 1m bars of", RangePercentLast),
    Declaration(
        "position_in_range",
        (Parameter("n", Kind.DURATION, durations={**MINUTES.durations, **DAYS.durations}),),
        Unit.PERCENT,
        "where the price is from low (0) to high (100); null where both are equal: of the 1m bars of the last n minutes"
        " of today; in days: of n 1d bars, bar 0 in",
        _position,
        warm_up="at once; in days: n days, a running one in",
        source="catalogue",
    ),
)
