"""Commodity channel index."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from engine.columns import NULL
from engine.history import History
from engine.indicators.before import Before, over, stretch
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars
from engine.indicators.formulas import typical
from engine.segments import Index
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64, I64

SAME: Final = 1e-13
"""A mean distance below this share of the mean is the rounding of prices that are all the same."""


class Cci:
    """How far the typical price is from its mean over n bars, in units of 0.015 x the mean distance. Equals TA-Lib's
    CCI at closed bars, but for no distance at all: null."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Over `bars` bars."""
        self._bars, self._timeframe = bars, timeframe
        self._sum = Before(timeframe, over(_typical, bars - 1))

    def column(self, view: View) -> F64:
        """One value a row."""
        timeframe, n = self._timeframe, self._bars
        now = typical(*(view.bar0(timeframe, name) for name in ("high", "low", "close")))
        mean = (self._sum.rows(view) + now) / n
        distance = np.zeros(len(now))
        for earlier in self._earlier(view):
            distance += np.abs(earlier - mean)
        distance += np.abs(now - mean)
        distance = np.where(distance / n >= SAME * mean, distance / n, NULL)
        return (now - mean) / (0.015 * distance)

    def _earlier(self, view: View) -> list[F64]:
        """Typical prices of the n - 1 closed bars before bar 0 over rows, oldest first. The mean moves with each row,
        and with it all distances."""
        history, members, present = view.history(self._timeframe), view.members, view.present(self._timeframe)
        skip = 0 if present.all() else 1
        first = history.count[members] - (self._bars - 1) - skip
        fields = (stretch(history, name, members, first, self._bars - 1 + skip) for name in ("high", "low", "close"))
        known = [view.spread(price) for price in typical(*fields)]
        if not skip:
            return known
        return [np.where(present, newer, older) for older, newer in pairwise(known)]


def _typical(history: History, symbols: Index, number: I64) -> F64:
    return typical(*(history.at(name, symbols, number) for name in ("high", "low", "close")))


DECLARATIONS = (
    Declaration(
        "cci",
        (bars(20), TIMEFRAME),
        Unit.RATIO,
        "typical price less its mean over n bars, against 0.015 x the mean distance; null where all are the same",
        Cci,
        warm_up="bar n",
        source="TA-Lib CCI",
    ),
)
