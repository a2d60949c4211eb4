"""Keltner channel: an exponential average of the typical price and k average true ranges around it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars, number
from engine.indicators.formulas import exponential, true_range, typical, wilder
from engine.timeframes import Timeframe
from schemas.batch import F64, I64

Side = Literal[-1, 1]


class _State(Columns):
    """`average` as `exponential`, `span` as `wilder` keeps it; `last` is the newest close."""

    seen: I64 = column("i8")
    average: F64 = column("f8")
    span: F64 = column("f8")
    last: F64 = column("f8", NULL)


class Keltner(Recursive):
    """ema(n) of the typical price and k x atr(m) above or below."""

    fields = ("high", "low", "close")

    def __init__(self, bars: int, ranges: float, span: int, timeframe: Timeframe, capacity: int, side: Side) -> None:
        """`side` 1: the upper band, -1: the lower."""
        super().__init__(timeframe, _State(capacity), _State(capacity))
        self._bars, self._distance, self._span = bars, side * ranges, span

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        seen, high, low, close = before["seen"], bar["high"], bar["low"], bar["close"]
        average = exponential(seen, before["average"], typical(high, low, close), self._bars)
        span = wilder(seen - 1, before["span"], true_range(high, low, before["last"]), self._span)
        return {"seen": seen + 1, "average": average, "span": span, "last": close}

    def value(self, state: State) -> F64:
        """The band, null before both averages exist."""
        band = state["average"] + self._distance * state["span"]
        return np.where(state["seen"] >= max(self._bars, self._span + 1), band, NULL)


def _declaration(name: str, definition: str, side: Side) -> Declaration:
    def build(bars: int, ranges: float, span: int, timeframe: Timeframe, capacity: int) -> Keltner:
        return Keltner(bars, ranges, span, timeframe, capacity, side)

    return Declaration(
        name,
        (bars(20), number(2, 0.1, 20), bars(10, "m"), TIMEFRAME),
        Unit.PRICE,
        definition,
        build,
        recursive=True,
        warm_up="bar max(n, m + 1)",
        source="TA-Lib EMA, ATR",
    )


DECLARATIONS = (
    _declaration("keltner_upper", "ema(n) of the typical price plus k x atr(m)", 1),
    _declaration("keltner_lower", "ema(n) of the typical price less k x atr(m)", -1),
)
