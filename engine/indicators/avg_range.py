"""Average range of bars."""

from __future__ import annotations

import numpy as np

from engine.history import History
from engine.indicators.before import Before, over
from engine.indicators.declare import BARS, TIMEFRAME, Declaration, Unit
from engine.segments import Index
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64, I64


class AverageRange:
    """Mean of high - low of bar 0 and the n - 1 closed bars before it."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Over `bars` bars."""
        self._bars, self._timeframe = bars, timeframe
        self._before = Before(timeframe, over(_range, bars - 1))

    def column(self, view: View) -> F64:
        """One value a row."""
        now = view.bar0(self._timeframe, "high") - view.bar0(self._timeframe, "low")
        return (self._before.rows(view) + now) / self._bars


def _range(history: History, symbols: Index, number: I64) -> F64:
    return np.asarray(history.at("high", symbols, number) - history.at("low", symbols, number))


DECLARATIONS = (
    Declaration(
        "avg_range",
        (BARS, TIMEFRAME),
        Unit.PRICE,
        "simple average of high - low",
        AverageRange,
        warm_up="bar n",
        source="catalogue; TA-Lib SMA",
    ),
)
