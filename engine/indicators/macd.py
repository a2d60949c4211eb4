"""Moving average convergence / divergence: the difference of two exponential averages, its average, and how far apart
they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars
from engine.indicators.formulas import exponential
from engine.timeframes import Timeframe
from schemas.batch import F64, I64


class _State(Columns):
    """`fast`, `slow`, `signal` as `exponential` keeps them."""

    seen: I64 = column("i8")
    fast: F64 = column("f8")
    slow: F64 = column("f8")
    signal: F64 = column("f8")


class Macd(Recursive):
    """Both averages begin on the same bar, the fast one with the mean of its newest closes there. Equals TA-Lib's MACD
    at closed bars; as there, the shorter average is the fast one whichever is named first."""

    def __init__(
        self, fast: int, slow: int, signal: int, timeframe: Timeframe, capacity: int, part: Callable[[State], F64]
    ) -> None:
        """`part` is the figure wanted, of a state that has them all."""
        super().__init__(timeframe, _State(capacity), _State(capacity))
        self._fast, self._slow, self._signal, self._part = min(fast, slow), max(fast, slow), signal, part

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        seen, close = before["seen"], bar["close"]
        fast = exponential(seen - (self._slow - self._fast), before["fast"], close, self._fast)
        slow = exponential(seen, before["slow"], close, self._slow)
        signal = exponential(seen - (self._slow - 1), before["signal"], fast - slow, self._signal)
        return {"seen": seen + 1, "fast": fast, "slow": slow, "signal": signal}

    def value(self, state: State) -> F64:
        """The figure, null before the signal exists."""
        return np.where(state["seen"] >= self._slow + self._signal - 1, self._part(state), NULL)


def _declaration(name: str, definition: str, part: Callable[[State], F64]) -> Declaration:
    def build(fast: int, slow: int, signal: int, timeframe: Timeframe, capacity: int) -> Macd:
        return Macd(fast, slow, signal, timeframe, capacity, part)

    return Declaration(
        name,
        (bars(12, "fast"), bars(26, "slow"), bars(9, "signal"), TIMEFRAME),
        Unit.PRICE,
        definition,
        build,
        recursive=True,
        warm_up="bar slow + signal - 1",
        source="TA-Lib MACD",
    )


DECLARATIONS = (
    _declaration(
        "macd",
        "fast less slow exponential average of the close, both begun on bar slow",
        lambda state: state["fast"] - state["slow"],
    ),
    _declaration("macd_signal", "exponential average of macd", lambda state: np.asarray(state["signal"])),
    _declaration("macd_hist", "macd less macd_signal", lambda state: (state["fast"] - state["slow"]) - state["signal"]),
)
