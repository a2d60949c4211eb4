"""Shape of a candle, and runs of candles of one colour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import TIMEFRAME, Declaration, Unit
from engine.indicators.figures import Figure
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64


def _body(view: View, timeframe: Timeframe) -> F64:
    return np.abs(view.bar0(timeframe, "close") - view.bar0(timeframe, "open"))


def _upper_shadow(view: View, timeframe: Timeframe) -> F64:
    return view.bar0(timeframe, "high") - np.maximum(view.bar0(timeframe, "open"), view.bar0(timeframe, "close"))


def _lower_shadow(view: View, timeframe: Timeframe) -> F64:
    return np.minimum(view.bar0(timeframe, "open"), view.bar0(timeframe, "close")) - view.bar0(timeframe, "low")


class _State(Columns):
    """`run` null before the first bar."""

    run: F64 = column("f8", NULL)


class ConsecutiveCandles(Recursive):
    """Length of the newest run of closed bars that closed above their open (positive) or below (negative)."""

    fields = ("open", "close")

    def __init__(self, timeframe: Timeframe, capacity: int) -> None:
        """On a timeframe."""
        super().__init__(timeframe, _State(capacity), _State(capacity))

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        colour, run = np.sign(bar["close"] - bar["open"]), before["run"]
        return {"run": np.where(colour * run > 0, run + colour, colour)}

    def value(self, state: State) -> F64:
        """The run, null before the first closed bar."""
        return np.asarray(state["run"])

    def column(self, view: View) -> F64:
        """One value a row; the running bar has no colour yet."""
        return view.spread(self.now.take(view.members)["run"])


def _shape(name: str, definition: str, formula: Callable[[View, Timeframe], F64]) -> Declaration:
    def build(timeframe: Timeframe) -> Figure:
        return Figure(lambda view: formula(view, timeframe))

    return Declaration(name, (TIMEFRAME,), Unit.PRICE, definition, build, source="catalogue")


DECLARATIONS = (
    _shape("body", "distance of close and open", _body),
    _shape("upper_shadow", "high less the greater of open and close", _upper_shadow),
    _shape("lower_shadow", "lesser of open and close less low", _lower_shadow),
    Declaration(
        "consecutive_candles",
        (TIMEFRAME,),
        Unit.COUNT,
        "length of the run of closed bars of one colour, negative where they closed lower; 0 after one without",
        ConsecutiveCandles,
        recursive=True,
        warm_up="1 closed bar",
        moves=False,
        source="catalogue",
    ),
)
