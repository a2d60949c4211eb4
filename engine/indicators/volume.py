"""Average volume of closed bars, and volume relative to it."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.columns import NULL
from engine.indicators.base import Window
from engine.indicators.declare import BARS, TIMEFRAME, Declaration, Unit
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64

RELATIVE_BARS: Final = 10
EARLIEST_SHARE: Final = 6
"""A bar counts as at least a sixth elapsed, so that its first seconds are not blown up."""


class AverageVolume:
    """Mean volume of the n newest closed bars."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Over `bars` bars."""
        self._timeframe = timeframe
        self._mean = Window(lambda history, symbols: history.sum_of_newest("volume", symbols, bars) / bars)

    def column(self, view: View) -> F64:
        """One value a row."""
        return view.spread(self._mean.of(view.history(self._timeframe), view.members))


class RelativeVolume:
    """Volume of bar 0, forecast to its end by the share of time elapsed, in percent of the mean of the 10 closed bars
    before it."""

    def __init__(self, timeframe: Timeframe) -> None:
        """On a timeframe."""
        self._timeframe = timeframe
        self._newest = Window(
            lambda history, symbols: history.sum_of_newest("volume", symbols, RELATIVE_BARS) / RELATIVE_BARS
        )
        self._before = Window(
            lambda history, symbols: history.sum_of_newest("volume", symbols, RELATIVE_BARS, skip=1) / RELATIVE_BARS
        )

    def column(self, view: View) -> F64:
        """One value a row."""
        history, present = view.history(self._timeframe), view.present(self._timeframe)
        start, length = view.bar0_bounds_ns(self._timeframe)
        elapsed = (view.row_ts + 1 - view.spread_units(start)).astype(np.float64)
        forecast = view.spread(length) / np.maximum(elapsed, view.spread(length / EARLIEST_SHARE))
        mean = view.spread(self._newest.of(history, view.members))
        if not present.all():
            forecast = np.where(present, forecast, 1.0)
            mean = np.where(present, mean, view.spread(self._before.of(history, view.members)))
        return np.where(mean > 0, 100 * forecast * view.bar0(self._timeframe, "volume") / mean, NULL)


DECLARATIONS = (
    Declaration(
        "avg_volume",
        (BARS, TIMEFRAME),
        Unit.SHARES,
        "mean volume of the n newest closed bars",
        AverageVolume,
        warm_up="n closed bars",
        moves=False,
    ),
    Declaration(
        "relative_volume",
        (TIMEFRAME,),
        Unit.PERCENT,
        "volume of the running bar, forecast to its end, against the mean of the 10 bars before",
        RelativeVolume,
        warm_up="10 closed bars",
    ),
)
