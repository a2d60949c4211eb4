"""Donchian channel: the highest high and the lowest low of n bars."""

from __future__ import annotations

import numpy as np

from engine.indicators.before import Before, highest, lowest
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64


class DonchianUpper:
    """Highest high of bar 0 and the n - 1 closed bars before it. Equals TA-Lib's MAX of the highs at closed bars."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Over `bars` bars."""
        self._timeframe, self._before = timeframe, Before(timeframe, highest(bars - 1))

    def column(self, view: View) -> F64:
        """One value a row."""
        return np.maximum(self._before.rows(view), view.bar0(self._timeframe, "high"))


class DonchianLower:
    """Lowest low likewise; equals TA-Lib's MIN of the lows."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Over `bars` bars."""
        self._timeframe, self._before = timeframe, Before(timeframe, lowest(bars - 1))

    def column(self, view: View) -> F64:
        """One value a row."""
        return np.minimum(self._before.rows(view), view.bar0(self._timeframe, "low"))


DECLARATIONS = (
    Declaration(
        "donchian_upper",
        (bars(20), TIMEFRAME),
        Unit.PRICE,
        "highest high of n bars",
        DonchianUpper,
        warm_up="bar n",
        source="TA-Lib MAX",
    ),
    Declaration(
        "donchian_lower",
        (bars(20), TIMEFRAME),
        Unit.PRICE,
        "lowest low of n bars",
        DonchianLower,
        warm_up="bar n",
        source="TA-Lib MIN",
    ),
)
