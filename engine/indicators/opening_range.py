"""The range of the first minutes of the regular session."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.calendar import CLOSED
from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import Declaration, Duration, Kind, Parameter, Unit
from engine.timeframes import ONE_MINUTE
from engine.view import View
from schemas.batch import F64, I64


class _State(Columns):
    """`open`: the minute in which the regular session began whose extreme this is."""

    open: I64 = column("i8", -1)
    extreme: F64 = column("f8", NULL)


class OpeningRange(Recursive):
    """High (or low) of the 1m bars that start in the first n minutes of the day's regular session, once these are
    over."""

    now: _State
    back: _State

    def __init__(self, field: str, length: Duration, capacity: int) -> None:
        """Over `length` minutes."""
        super().__init__(ONE_MINUTE, _State(capacity), _State(capacity))
        self.fields = ("start", "regular_start", field)
        self._field, self._minutes = field, length.count
        self._combine = np.fmax if field == "high" else np.fmin

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        opened = bar["regular_start"]
        extreme = np.where(before["open"] == opened, before["extreme"], NULL)
        inside = (bar["start"] >= opened) & (bar["start"] < opened + self._minutes)
        extreme = np.where(inside, self._combine(extreme, bar[self._field]), extreme)
        return {"open": np.asarray(opened).astype(np.int64), "extreme": extreme}

    def value(self, state: State) -> F64:
        """The extreme so far of the newest session that has begun."""
        return np.asarray(state["extreme"])

    def column(self, view: View) -> F64:
        """One value a row; none before the range is over."""
        info, members = view.member_info, view.members
        over = (info.session != CLOSED) & (view.member_minute >= info.regular_start + self._minutes)
        over &= self.now.open[members] == info.regular_start
        return view.spread(np.where(over, self.value(self.now.take(members)), NULL))


def _declared(field: str) -> Declaration:
    return Declaration(
        f"opening_range_{field}",
        (Parameter("n", Kind.DURATION, durations={"m": (1, 120)}),),
        Unit.PRICE,
        f"{field} of the first n minutes of the day's regular session",
        lambda length, capacity: OpeningRange(field, length, capacity),
        recursive=True,
        warm_up="n minutes into the regular session",
        moves=False,
        source="catalogue",
    )


DECLARATIONS = (_declared("high"), _declared("low"))
