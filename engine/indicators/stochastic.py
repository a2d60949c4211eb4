"""Slow stochastic: where the close stands between the lowest low and the highest high, averaged twice."""

from __future__ import annotations

import numpy as np

from engine.columns import NULL
from engine.history import History
from engine.indicators.before import Before, highest, lowest, stretch
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars
from engine.indicators.formulas import ratio
from engine.segments import Index
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64


class StochasticK:
    """Simple average of the raw stochastic over `slow` bars; null before d exists. Equals TA-Lib's STOCH at closed
    bars, but for a range of zero: null."""

    def __init__(self, bars: int, slow: int, average: int, timeframe: Timeframe) -> None:
        """Over `bars` bars; k = mean of `slow` of these, d = mean of `average` k."""
        self._bars, self._slow, self._average, self._timeframe = bars, slow, average, timeframe
        self._fits = bars + slow + average - 2 <= timeframe.kept
        self._highest = Before(timeframe, highest(bars - 1))
        self._lowest = Before(timeframe, lowest(bars - 1))
        self._raw = Before(timeframe, self._raw_before)

    def column(self, view: View) -> F64:
        """One value a row."""
        return self._k(view) if self._fits else np.full(len(view), NULL)

    def _k(self, view: View) -> F64:
        high, low, close = (view.bar0(self._timeframe, name) for name in ("high", "low", "close"))
        floor = np.minimum(self._lowest.rows(view), low)
        raw = ratio(100 * (close - floor), np.maximum(self._highest.rows(view), high) - floor)
        return (self._raw.rows(view) + raw) / self._slow

    def _raw_before(self, history: History, symbols: Index, skip: int) -> F64:
        """Sum of the raw figures of the `slow` - 1 closed bars before bar 0, null before d exists."""
        earlier = history.count[symbols] - skip
        raws = self._raws(history, symbols, skip, self._slow - 1)
        return np.where(earlier >= self._bars + self._slow + self._average - 3, _total(raws, len(symbols)), NULL)

    def _raws(self, history: History, symbols: Index, skip: int, count: int) -> list[F64]:
        """The raw figures of `count` closed bars, oldest first; the caller sees to it that they exist."""
        n, first = self._bars, history.count[symbols] - skip - count - (self._bars - 1)
        highs, lows, closes = (
            stretch(history, name, symbols, first, count + n - 1) for name in ("high", "low", "close")
        )
        floors = [lows[bar : bar + n].min(axis=0) for bar in range(count)]
        tops = [highs[bar : bar + n].max(axis=0) for bar in range(count)]
        return [
            ratio(100 * (close - floor), top - floor)
            for close, floor, top in zip(closes[n - 1 :], floors, tops, strict=True)
        ]


class StochasticD(StochasticK):
    """Simple average of k."""

    def __init__(self, bars: int, slow: int, average: int, timeframe: Timeframe) -> None:
        """As of k."""
        super().__init__(bars, slow, average, timeframe)
        self._k_before = Before(timeframe, self._earlier)

    def column(self, view: View) -> F64:
        """One value a row."""
        return (self._k_before.rows(view) + self._k(view)) / self._average if self._fits else super().column(view)

    def _earlier(self, history: History, symbols: Index, skip: int) -> F64:
        """Sum of k over the `average` - 1 closed bars before bar 0; bar 0 sees to it that there are as many."""
        slow, count = self._slow, self._average - 1
        raws = self._raws(history, symbols, skip, slow + count - 1)
        return _total([_total(raws[i : i + slow], len(symbols)) / slow for i in range(count)], len(symbols))


def _total(columns: list[F64], count: int) -> F64:
    total = np.zeros(count)
    for one in columns:
        total = total + one
    return total


_PARAMETERS = (bars(14), bars(3, "slow"), bars(3, "average"), TIMEFRAME)

DECLARATIONS = (
    Declaration(
        "stoch_k",
        _PARAMETERS,
        Unit.INDEX,
        "mean over `slow` bars of where the close stands in the range of n bars; null where such a range is zero",
        StochasticK,
        warm_up="bar n + slow + average - 2",
        source="TA-Lib STOCH",
    ),
    Declaration(
        "stoch_d",
        _PARAMETERS,
        Unit.INDEX,
        "mean of stoch_k over `average` bars",
        StochasticD,
        warm_up="bar n + slow + average - 2",
        source="TA-Lib STOCH",
    ),
)
