"""Bollinger bands: the simple average of the close and bands of k standard deviations around it."""

from __future__ import annotations

from typing import Literal

import numpy as np

from engine.history import History
from engine.indicators.before import Before, field, over
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars, number
from engine.segments import Index
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64, I64

Side = Literal[-1, 0, 1]


class Bollinger:
    """sma(n) and k population standard deviations above or below. Equals TA-Lib's BBANDS at closed bars, where its
    difference of two large sums has not lost the digits.

    The deviation of bar 0 joins those of the closed bars before it by one formula, so that a row costs no loop.
    """

    def __init__(self, bars: int, deviations: float, timeframe: Timeframe, side: Side) -> None:
        """`side` 1: the upper band, -1: the lower, 0: the average between them."""
        self._bars, self._timeframe = bars, timeframe
        self._distance = side * deviations
        self._total = over(field("close"), bars - 1)
        self._sum = Before(timeframe, self._total)
        self._squares = Before(timeframe, self._squares_before)

    def _squares_before(self, history: History, symbols: Index, skip: int) -> F64:
        """Sum of the squared deviations from the mean."""
        mean = self._mean(self._total(history, symbols, skip))

        def square(history: History, symbols: Index, number: I64) -> F64:
            deviation = history.at("close", symbols, number) - mean
            return np.asarray(deviation * deviation)

        return over(square, self._bars - 1)(history, symbols, skip)

    def _mean(self, total: F64) -> F64:
        """Mean of the n - 1 closed bars before bar 0; 0 where n = 1, and then of no weight."""
        return total / max(self._bars - 1, 1)

    def column(self, view: View) -> F64:
        """One value a row."""
        close, total = view.bar0(self._timeframe, "close"), self._sum.rows(view)
        average = (total + close) / self._bars
        if not self._distance:
            return average
        deviation = close - self._mean(total)
        squares = self._squares.rows(view) + deviation * deviation * (self._bars - 1) / self._bars
        return average + self._distance * np.sqrt(squares / self._bars)


def _declaration(name: str, definition: str, side: Side) -> Declaration:
    def build(bars: int, deviations: float, timeframe: Timeframe) -> Bollinger:
        return Bollinger(bars, deviations, timeframe, side)

    return Declaration(
        name,
        (bars(20), number(2, 0.1, 20), TIMEFRAME),
        Unit.PRICE,
        definition,
        build,
        warm_up="bar n",
        source="TA-Lib BBANDS",
    )


DECLARATIONS = (
    _declaration("bb_upper", "simple average of the close plus k population standard deviations", 1),
    _declaration("bb_middle", "simple average of the close", 0),
    _declaration("bb_lower", "simple average of the close less k population standard deviations", -1),
)
