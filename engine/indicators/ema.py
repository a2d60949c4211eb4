"""Exponential moving average of the close."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import BARS, TIMEFRAME, Declaration, Unit
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

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        seen, value = before["seen"], before["value"]
        total = value + bar["close"]
        warming = np.where(seen == self._bars - 1, total / self._bars, total)
        following = value + (bar["close"] - value) * self._weight
        return {"seen": seen + 1, "value": np.where(seen >= self._bars, following, warming)}

    def value(self, state: State) -> F64:
        """The average, null before n bars."""
        return np.where(state["seen"] >= self._bars, state["value"], NULL)

    def column(self, view: View) -> F64:
        """One value a row; the common case, all symbols past their warm-up, in as few passes as it takes."""
        seen, value = self.now.seen[view.members], self.now.value[view.members]
        present = view.present(self.timeframe)
        ready = view.spread(np.where(seen >= self._bars, value, NULL))
        close = view.bar0(self.timeframe, "close")
        running = ready + (close - ready) * self._weight
        if (seen == self._bars - 1).any():
            first = view.spread(seen) == self._bars - 1
            running = np.where(first, (view.spread(value) + close) / self._bars, running)
        return running if present.all() else np.where(present, running, ready)


DECLARATIONS = (
    Declaration(
        "ema",
        (BARS, TIMEFRAME),
        Unit.PRICE,
        "exponential moving average of the close, seeded by the simple one, weight 2 / (n + 1)",
        Ema,
        recursive=True,
        warm_up="bar n",
        source="TA-Lib EMA",
    ),
)
