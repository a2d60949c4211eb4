"""Simple moving average of the close."""

from __future__ import annotations

import numpy as np

from engine.indicators.base import Window
from engine.indicators.declare import BARS, TIMEFRAME, Declaration, Unit
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64


class Sma:
    """Mean close of bar 0 and the n - 1 closed bars before it. Equals TA-Lib's SMA at closed bars."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Over `bars` bars."""
        self._bars, self._timeframe = bars, timeframe
        self._newest = Window(lambda history, symbols: history.sum_of_newest("close", symbols, bars - 1))
        self._before = Window(lambda history, symbols: history.sum_of_newest("close", symbols, bars - 1, skip=1))

    def column(self, view: View) -> F64:
        """One value a row."""
        history, present = view.history(self._timeframe), view.present(self._timeframe)
        earlier = view.spread(self._newest.of(history, view.members))
        if not present.all():
            earlier = np.where(present, earlier, view.spread(self._before.of(history, view.members)))
        return (earlier + view.bar0(self._timeframe, "close")) / self._bars


DECLARATIONS = (
    Declaration(
        "sma",
        (BARS, TIMEFRAME),
        Unit.PRICE,
        "simple moving average of the close",
        Sma,
        warm_up="bar n",
        source="TA-Lib SMA",
    ),
)
