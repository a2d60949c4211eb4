"""Money flow index."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.history import History
from engine.indicators.before import Before, Term, over
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars
from engine.indicators.formulas import ratio, typical
from engine.segments import Index, Mask
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64, I64

SAME: Final = 1e-14
"""Two typical prices this close, as a share of their sum, are the same."""


class Mfi:
    """100 x up / (up + down): typical price x volume of the bars of n whose typical price rose or fell. Equals
    TA-Lib's MFI at closed bars, but for no flow at all: null."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Over `bars` changes."""
        self._timeframe = timeframe
        self._last = Before(timeframe, over(_typical, 1))
        self._up = Before(timeframe, over(_flow(1), bars - 1, reach=1))
        self._down = Before(timeframe, over(_flow(-1), bars - 1, reach=1))

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low, close, volume = (view.bar0(self._timeframe, name) for name in ("high", "low", "close", "volume"))
        now, last = typical(high, low, close), self._last.rows(view)
        up = self._up.rows(view) + np.where(_rises(last, now), now * volume, 0.0)
        down = self._down.rows(view) + np.where(_rises(now, last), now * volume, 0.0)
        return 100 * ratio(up, up + down)


def _typical(history: History, symbols: Index, number: I64) -> F64:
    return typical(*(history.at(name, symbols, number) for name in ("high", "low", "close")))


def _rises(before: F64, after: F64) -> Mask:
    """Whether a price moved up, by more than the rounding of a mean of three."""
    return np.asarray(after - before >= SAME * (after + before))


def _flow(direction: int) -> Term:
    def flow(history: History, symbols: Index, number: I64) -> F64:
        now, last = _typical(history, symbols, number), _typical(history, symbols, number - 1)
        counts = _rises(last, now) if direction > 0 else _rises(now, last)
        return np.where(counts, now * history.at("volume", symbols, number), 0.0)

    return flow


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
