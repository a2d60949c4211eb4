"""Directional movement: the shares of the range that go up and down, and the average of how much they differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars
from engine.indicators.formulas import ratio, true_range, wilder, wilder_sum
from engine.timeframes import Timeframe
from schemas.batch import F64, I64


class _State(Columns):
    """`plus`, `minus`, `span` = Wilder's sums of both movements and of the true range; `high`, `low`, `close` of the
    newest bar."""

    seen: I64 = column("i8")
    plus: F64 = column("f8")
    minus: F64 = column("f8")
    span: F64 = column("f8")
    high: F64 = column("f8", NULL)
    low: F64 = column("f8", NULL)
    close: F64 = column("f8", NULL)


class _StateAdx(_State):
    """`average` as `wilder` keeps it."""

    average: F64 = column("f8")


class PlusDi(Recursive):
    """The upward movement in percent of the true range, both smoothed as Wilder did. Equals TA-Lib's PLUS_DI at closed
    bars, but for no range at all: null."""

    fields = ("high", "low", "close")
    kept: type[_State] = _State
    movement = "plus"

    def __init__(self, bars: int, timeframe: Timeframe, capacity: int) -> None:
        """Smoothed over `bars` bars."""
        super().__init__(timeframe, self.kept(capacity), self.kept(capacity))
        self._bars = bars

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        n, seen = self._bars, before["seen"]
        up, down = bar["high"] - before["high"], before["low"] - bar["low"]
        span = true_range(bar["high"], bar["low"], before["close"])
        return {
            "seen": seen + 1,
            "plus": wilder_sum(seen - 1, before["plus"], np.where((up > down) & (up > 0), up, 0.0), n),
            "minus": wilder_sum(seen - 1, before["minus"], np.where((down > up) & (down > 0), down, 0.0), n),
            "span": wilder_sum(seen - 1, before["span"], span, n),
            **bar,
        }

    def value(self, state: State) -> F64:
        """The share, null before n movements."""
        share = 100 * ratio(state[self.movement], state["span"])
        return np.where(state["seen"] > self._bars, share, NULL)


class MinusDi(PlusDi):
    """The downward movement likewise; equals TA-Lib's MINUS_DI."""

    movement = "minus"


class Adx(PlusDi):
    """Wilder's average of 100 x |plus - minus| / (plus + minus), of the sums; a bar before any movement counts as 0.
    Equals TA-Lib's ADX at closed bars, but for no movement at all: null."""

    kept = _StateAdx

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        after = super().step(before, bar)
        index = _index(after)
        number = before["seen"] - self._bars
        average = wilder(number, before["average"], np.where(np.isnan(index), 0.0, index), self._bars)
        return after | {"average": average}

    def value(self, state: State) -> F64:
        """The average, null before n indices."""
        known = (state["seen"] >= 2 * self._bars) & ~np.isnan(_index(state))
        return np.where(known, state["average"], NULL)


def _index(state: State) -> F64:
    """Directional index of a bar. Of the sums themselves: as shares of the range they give the same."""
    plus, minus = state["plus"], state["minus"]
    return 100 * ratio(np.abs(minus - plus), plus + minus)


def _declaration(name: str, definition: str, build: type[PlusDi], warm_up: str, source: str) -> Declaration:
    return Declaration(
        name, (bars(14), TIMEFRAME), Unit.INDEX, definition, build, recursive=True, warm_up=warm_up, source=source
    )


DECLARATIONS = (
    _declaration(
        "plus_di", "Wilder's upward movement in percent of the true range", PlusDi, "bar n + 1", "TA-Lib PLUS_DI"
    ),
    _declaration(
        "minus_di", "Wilder's downward movement in percent of the true range", MinusDi, "bar n + 1", "TA-Lib MINUS_DI"
    ),
    _declaration("adx", "Wilder's average directional index", Adx, "bar 2n", "TA-Lib ADX"),
)
