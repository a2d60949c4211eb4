"""Weighted moving average of the close."""

from __future__ import annotations

import numpy as np

from engine.columns import NULL
from engine.history import History
from engine.indicators.before import Before
from engine.indicators.declare import BARS, TIMEFRAME, Declaration, Unit
from engine.segments import Index
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64


class Wma:
    """Mean close of bar 0 and the n - 1 closed bars before it, weighted 1 for the oldest to n for bar 0. Equals
    TA-Lib's WMA at closed bars."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Over `bars` bars."""
        self._bars, self._timeframe = bars, timeframe
        self._earlier = Before(timeframe, self._weighted)

    def _weighted(self, history: History, symbols: Index, skip: int) -> F64:
        """Sum over the n - 1 closed bars."""
        earlier, total = self._bars - 1, np.zeros(len(symbols))
        first = history.count[symbols] - skip - earlier
        for weight in range(1, self._bars):
            total += weight * history.at("close", symbols, first + (weight - 1))
        return np.where(first >= 0, total, NULL)

    def column(self, view: View) -> F64:
        """One value a row."""
        close = view.bar0(self._timeframe, "close")
        return (self._earlier.rows(view) + self._bars * close) / (self._bars * (self._bars + 1) / 2)


DECLARATIONS = (
    Declaration(
        "wma",
        (BARS, TIMEFRAME),
        Unit.PRICE,
        "weighted moving average of the close, weights 1 for the oldest bar to n for the newest",
        Wma,
        warm_up="bar n",
        source="TA-Lib WMA",
    ),
)
