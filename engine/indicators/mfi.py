"""Money flow index."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.columns import NULL
from engine.history import History
from engine.indicators.before import Before, stretch
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars
from engine.indicators.formulas import ratio, typical
from engine.segments import Index, Mask
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64

SAME: Final = 1e-14
"""Two typical prices this close, as a share of their sum, are the same."""


class Mfi:
    """100 x up / (up + down): typical price x volume of the bars of n whose typical price rose or fell. Equals
    TA-Lib's MFI at closed bars, but for no flow at all: null."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Over `bars` changes."""
        self._bars, self._timeframe = bars, timeframe
        self._last = Before(timeframe, _last_typical)
        self._up = Before(timeframe, lambda history, symbols, skip: self._flow(history, symbols, skip, 1))
        self._down = Before(timeframe, lambda history, symbols, skip: self._flow(history, symbols, skip, -1))

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low, close, volume = (view.bar0(self._timeframe, name) for name in ("high", "low", "close", "volume"))
        now, last = typical(high, low, close), self._last.rows(view)
        up = self._up.rows(view) + np.where(_rises(last, now), now * volume, 0.0)
        down = self._down.rows(view) + np.where(_rises(now, last), now * volume, 0.0)
        return 100 * ratio(up, up + down)

    def _flow(self, history: History, symbols: Index, skip: int, direction: int) -> F64:
        """Money of the n - 1 closed bars before bar 0 that rose (or fell) against the one before them."""
        first, total = history.count[symbols] - skip - self._bars, np.zeros(len(symbols))
        high, low, close, volume = (
            stretch(history, name, symbols, first, self._bars) for name in ("high", "low", "close", "volume")
        )
        prices = typical(high, low, close)
        before, after = (prices[:-1], prices[1:]) if direction > 0 else (prices[1:], prices[:-1])
        for flow in np.where(_rises(before, after), prices[1:] * volume[1:], 0.0):
            total += flow
        return np.where(first >= 0, total, NULL)


def _last_typical(history: History, symbols: Index, skip: int) -> F64:
    return typical(*(history.newest(name, symbols, skip) for name in ("high", "low", "close")))


def _rises(before: F64, after: F64) -> Mask:
    """Whether a price moved up, by more than the rounding of a mean of three."""
    return np.asarray(after - before >= SAME * (after + before))


DECLARATIONS = (
    Declaration(
        "mfi",
        (bars(14), TIMEFRAME),
        Unit.INDEX,
        "share of the money (typical price x volume) that went into bars with a higher typical price than the bar "
        "before; null where it never moved",
        Mfi,
        warm_up="bar n + 1",
        source="TA-Lib MFI",
    ),
)
