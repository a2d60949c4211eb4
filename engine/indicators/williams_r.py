"""Williams %R."""

from __future__ import annotations

import numpy as np

from engine.indicators.before import Before, highest, lowest
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars
from engine.indicators.formulas import ratio
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64


class WilliamsR:
    """Where the close stands in the range of n bars, 0 at the top and -100 at the bottom. Equals TA-Lib's WILLR at
    closed bars, but for a range of zero: null."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Over `bars` bars."""
        self._timeframe = timeframe
        self._highest, self._lowest = Before(timeframe, highest(bars - 1)), Before(timeframe, lowest(bars - 1))

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low, close = (view.bar0(self._timeframe, name) for name in ("high", "low", "close"))
        top, floor = np.maximum(self._highest.rows(view), high), np.minimum(self._lowest.rows(view), low)
        return ratio(100 * (close - top), top - floor)


DECLARATIONS = (
    Declaration(
        "williams_r",
        (bars(14), TIMEFRAME),
        Unit.INDEX,
        "where the close stands in the range of n bars, from -100 at the bottom to 0 at the top; null for no range",
        WilliamsR,
        warm_up="bar n",
        source="TA-Lib WILLR",
    ),
)
