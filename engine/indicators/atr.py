"""Average true range, in price and in percent of the close."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars
from engine.indicators.formulas import true_range, wilder
from engine.timeframes import Timeframe
from schemas.batch import F64, I64


class _State(Columns):
    """`average` as `wilder` keeps it; `last` is the newest close."""

    seen: I64 = column("i8")
    average: F64 = column("f8")
    last: F64 = column("f8", NULL)


class Atr(Recursive):
    """Wilder's average of the true range, which exists from the second bar on. Equals TA-Lib's ATR at closed bars."""

    fields = ("high", "low", "close")

    def __init__(self, bars: int, timeframe: Timeframe, capacity: int) -> None:
        """Over `bars` ranges."""
        super().__init__(timeframe, _State(capacity), _State(capacity))
        self._bars = bars

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        seen, span = before["seen"], true_range(bar["high"], bar["low"], before["last"])
        average = wilder(seen - 1, before["average"], span, self._bars)
        return {"seen": seen + 1, "average": average, "last": bar["close"]}

    def value(self, state: State) -> F64:
        """The average, null before n ranges."""
        return np.where(state["seen"] > self._bars, state["average"], NULL)


class AtrPercent(Atr):
    """In percent of the close."""

    def value(self, state: State) -> F64:
        """The share, null before n ranges."""
        return 100 * super().value(state) / state["last"]


DECLARATIONS = (
    Declaration(
        "atr",
        (bars(14), TIMEFRAME),
        Unit.PRICE,
        "Wilder's average of the true range",
        Atr,
        recursive=True,
        warm_up="bar n + 1",
        source="TA-Lib ATR",
    ),
    Declaration(
        "atr_pct",
        (bars(14), TIMEFRAME),
        Unit.PERCENT,
        "Wilder's average of the true range against the close",
        AtrPercent,
        recursive=True,
        warm_up="bar n + 1",
        source="TA-Lib ATR",
    ),
)
