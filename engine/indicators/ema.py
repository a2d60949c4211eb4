"""Exponential moving average of the close."""

from __future__ import annotations

import numpy as np

from engine.columns import NULL, Columns, column
from engine.indicators.base import Recursive
from engine.segments import Index
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64, I64


class _State(Columns):
    """`value` = sum of the closes while fewer than n bars were seen, from then on the average."""

    seen: I64 = column("i8")
    value: F64 = column("f8")


class Ema(Recursive):
    """Seeded by the simple mean of the first n closes, then prev + (close - prev) x 2 / (n + 1). Equals TA-Lib's EMA
    at closed bars."""

    now: _State
    back: _State

    def __init__(self, bars: int, timeframe: Timeframe, capacity: int) -> None:
        """Over `bars` bars."""
        super().__init__(timeframe, _State(capacity), _State(capacity))
        self._bars, self._weight = bars, 2 / (bars + 1)

    def advance(self, symbols: Index, close: F64) -> None:
        """Step over a closed bar."""
        seen, value = self.now.seen[symbols], self.now.value[symbols]
        self.now.value[symbols] = self._next(seen, value, close)
        self.now.seen[symbols] = seen + 1

    def _next(self, seen: I64, value: F64, close: F64) -> F64:
        total = value + close
        warming = np.where(seen == self._bars - 1, total / self._bars, total)
        return np.where(seen >= self._bars, value + (close - value) * self._weight, warming)

    def column(self, view: View) -> F64:
        """One value a row."""
        seen, value = self.now.seen[view.members], self.now.value[view.members]
        present = view.present(self.timeframe)
        ready = view.spread(np.where(seen >= self._bars, value, NULL))
        close = view.bar0(self.timeframe, "close")
        running = ready + (close - ready) * self._weight
        if (seen == self._bars - 1).any():
            first = view.spread(seen) == self._bars - 1
            running = np.where(first, (view.spread(value) + close) / self._bars, running)
        return running if present.all() else np.where(present, running, ready)
