"""On-balance volume."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import TIMEFRAME, Declaration, Unit
from engine.timeframes import Timeframe
from schemas.batch import F64, I64


class _State(Columns):
    """`last` is the newest close."""

    seen: I64 = column("i8")
    total: F64 = column("f8")
    last: F64 = column("f8", NULL)


class Obv(Recursive):
    """The first bar's volume, then plus the volume of bars that close higher, less that of bars that close lower.
    Equals TA-Lib's OBV at closed bars."""

    fields = ("close", "volume")

    def __init__(self, timeframe: Timeframe, capacity: int) -> None:
        """On a timeframe."""
        super().__init__(timeframe, _State(capacity), _State(capacity))

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        total, close, volume = before["total"], bar["close"], bar["volume"]
        up = (close > before["last"]) | (before["seen"] == 0)
        total = np.where(up, total + volume, np.where(close < before["last"], total - volume, total))
        return {"seen": before["seen"] + 1, "total": total, "last": close}

    def value(self, state: State) -> F64:
        """The volume, null without any bar."""
        return np.where(state["seen"] > 0, state["total"], NULL)


DECLARATIONS = (
    Declaration(
        "obv",
        (TIMEFRAME,),
        Unit.SHARES,
        "volume of the bars that closed higher less that of the bars that closed lower, the first bar counted in",
        Obv,
        recursive=True,
        source="TA-Lib OBV",
    ),
)
