"""Relative strength index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import TIMEFRAME, Declaration, Unit, bars
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64, I64


class _State(Columns):
    """`gain`, `loss` = sums of the first n changes, from then on Wilder's averages; `seen` counts bars, `last` is the
    newest close."""

    seen: I64 = column("i8")
    gain: F64 = column("f8")
    loss: F64 = column("f8")
    last: F64 = column("f8", NULL)


class Rsi(Recursive):
    """Wilder's: averages seeded by the plain mean of the first n changes, then (avg x (n - 1) + x) / n. Equals
    TA-Lib's RSI at closed bars, but for no change at all: null."""

    now: _State
    back: _State

    def __init__(self, bars: int, timeframe: Timeframe, capacity: int) -> None:
        """Over `bars` changes."""
        super().__init__(timeframe, _State(capacity), _State(capacity))
        self._bars = bars

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        seen, last, close = before["seen"], before["last"], bar["close"]
        first = seen == 0
        gain = np.where(first, 0.0, self._next(seen, before["gain"], np.maximum(close - last, 0)))
        loss = np.where(first, 0.0, self._next(seen, before["loss"], np.maximum(last - close, 0)))
        return {"seen": seen + 1, "gain": gain, "loss": loss, "last": close}

    def value(self, state: State) -> F64:
        """The index, null before n changes."""
        return _rsi(np.where(state["seen"] > self._bars, state["gain"], NULL), state["loss"])

    def _next(self, seen: NDArray[Any], average: F64, change: F64) -> F64:
        """Sum, on change n the mean, then Wilder's step."""
        total = average + change
        warming = np.where(seen == self._bars, total / self._bars, total)
        return np.where(seen > self._bars, (average * (self._bars - 1) + change) / self._bars, warming)

    def column(self, view: View) -> F64:
        """One value a row, without the parts of a step that only matter to the next; the common case, all symbols past
        their warm-up, in as few passes as it takes."""
        now, members, bars = self.now, view.members, self._bars
        seen, gain, loss = now.seen[members], now.gain[members], now.loss[members]
        present = view.present(self.timeframe)
        rise = view.bar0(self.timeframe, "close") - view.spread(now.last[members])
        if present.all() and (seen > bars).all():
            sides = ((gain, rise), (loss, -rise))
            return _rsi(*((view.spread(side * (bars - 1)) + np.maximum(change, 0)) / bars for side, change in sides))
        bars_seen, gain, loss = view.spread(seen), view.spread(gain), view.spread(loss)
        running_gain = self._next(bars_seen, gain, np.maximum(rise, 0))
        running_loss = self._next(bars_seen, loss, np.maximum(-rise, 0))
        result = _rsi(np.where(bars_seen >= bars, running_gain, NULL), running_loss)
        return np.where(present, result, _rsi(np.where(bars_seen > bars, gain, NULL), loss))


def _rsi(gain: F64, loss: F64) -> F64:
    total = gain + loss
    return np.where(total > 0, 100 * gain / total, NULL)


DECLARATIONS = (
    Declaration(
        "rsi",
        (bars(14), TIMEFRAME),
        Unit.INDEX,
        "Wilder's relative strength index of the close; null where nothing changed at all",
        Rsi,
        recursive=True,
        warm_up="bar n + 1",
        source="TA-Lib RSI",
    ),
)
