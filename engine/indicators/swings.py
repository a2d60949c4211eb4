"""Swing points: bars that stand out from the bars on both their sides."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import TIMEFRAME, Declaration, Kind, Parameter, Unit
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64, I64

MOST_BARS: Final = 50


class _State(Columns):
    """`recent`: the newest k extremes, oldest first; `candidate`: one that stands out from the k before it and has not
    been reached since, `age` bars ago; `swing`: the newest that k bars after it have not reached either."""

    recent: F64
    candidate: F64 = column("f8", NULL)
    age: I64 = column("i8")
    swing: F64 = column("f8", NULL)


def _state(bars: int, capacity: int) -> _State:
    found: _State = type("_SizedState", (_State,), {"recent": column("f8", NULL, max(2, bars))})(capacity)
    return found


class Swing(Recursive):
    """High (or low) of the newest closed bar that is above (below) those of the k bars on each side.

    Two candidates never live at once: the later one has the earlier among the k bars before it, and so has passed it.
    """

    def __init__(self, field: str, bars: int, timeframe: Timeframe, capacity: int) -> None:
        """With `bars` on each side."""
        super().__init__(timeframe, _state(bars, capacity), _state(bars, capacity))
        self.fields, self._field, self._bars = (field,), field, bars
        self._beyond = np.greater if field == "high" else np.less

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        extreme, recent = bar[self._field], before["recent"]
        stands = self._beyond(before["candidate"], extreme)
        age = before["age"] + 1
        is_swing = stands & (age == self._bars)
        begins = self._beyond(extreme[:, np.newaxis], recent[:, -self._bars :]).all(axis=1)
        return {
            "recent": np.concatenate((recent[:, 1:], extreme[:, np.newaxis]), axis=1),
            "candidate": np.where(begins, extreme, np.where(stands & ~is_swing, before["candidate"], NULL)),
            "age": np.where(begins, 0, age),
            "swing": np.where(is_swing, before["candidate"], before["swing"]),
        }

    def value(self, state: State) -> F64:
        """The newest swing."""
        return np.asarray(state["swing"])

    def column(self, view: View) -> F64:
        """One value a row; the running bar does not count."""
        return view.spread(self.now.take(view.members)["swing"])


def _declared(field: str, side: str) -> Declaration:
    return Declaration(
        f"swing_{field}",
        (Parameter("k", Kind.BARS, bounds=(1, MOST_BARS)), TIMEFRAME),
        Unit.PRICE,
        f"{field} of the newest closed bar whose {field} is {side} those of k bars on each side; known k bars later",
        lambda bars, timeframe, capacity: Swing(field, bars, timeframe, capacity),
        recursive=True,
        warm_up="2k + 1 closed bars or more",
        moves=False,
        source="catalogue",
    )


DECLARATIONS = (_declared("high", "above"), _declared("low", "below"))
