"""How long ago the day's high and low were made, by the minute."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.calendar import CLOSED
from engine.columns import NULL, Columns, column
from engine.indicators.base import Bars, Recursive, State
from engine.indicators.declare import Declaration, Unit
from engine.timeframes import ONE_MINUTE
from engine.view import View
from schemas.batch import F64, I64


class _State(Columns):
    """`open`: the minute in which the regular session began that this is about; `minute`: of the first bar with the
    extreme."""

    open: I64 = column("i8", -1)
    extreme: F64 = column("f8", NULL)
    minute: I64 = column("i8", -1)


class SinceExtreme(Recursive):
    """Minutes from the first of the regular session's 1m bars with the day's high (or low), the running one in. Null
    where none of them has it: it was made before the bars that this began with, or in a minute without a bar."""

    now: _State
    back: _State

    def __init__(self, field: str, capacity: int) -> None:
        """Of the highs or of the lows."""
        super().__init__(ONE_MINUTE, _State(capacity), _State(capacity))
        self.fields = ("start", "regular_start", "regular_end", field)
        self._field = field
        self._beyond = np.greater if field == "high" else np.less

    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """After a closed bar."""
        start, opened, value = bar["start"], bar["regular_start"], bar[self._field]
        goes_on = before["open"] == opened
        extreme = np.where(goes_on, before["extreme"], NULL)
        inside = (start >= opened) & (start < bar["regular_end"])
        makes = inside & (np.isnan(extreme) | self._beyond(value, extreme))
        return {
            "open": np.asarray(opened).astype(np.int64),
            "extreme": np.where(makes, value, extreme),
            "minute": np.where(makes, start, np.where(goes_on, before["minute"], -1)).astype(np.int64),
        }

    def value(self, state: State) -> F64:
        """The minute of the extreme, null before one."""
        return np.where(np.isnan(state["extreme"]), NULL, state["minute"])

    def column(self, view: View) -> F64:
        """One value a row; none in the closed session."""
        info, minute, state = view.member_info, view.member_minute, self.now.take(view.members)
        known = (state["open"] == info.regular_start) & (info.session != CLOSED)
        extreme, made = np.where(known, state["extreme"], NULL), np.where(known, self.value(state), NULL)
        regular = (minute >= info.regular_start) & (minute < info.regular_end)
        extreme, made = view.spread(extreme), view.spread(made)
        running = np.where(
            view.present(ONE_MINUTE) & view.spread_any(regular), view.bar0(ONE_MINUTE, self._field), NULL
        )
        makes = self._beyond(running, extreme) | (np.isnan(extreme) & ~np.isnan(running))
        now = view.spread(minute)
        since = np.where(makes, 0.0, now - made)
        return np.where(np.where(makes, running, extreme) == view.day(self._field), since, NULL)


def _declared(field: str) -> Declaration:
    return Declaration(
        f"minutes_since_day_{field}",
        (),
        Unit.MINUTES,
        f"minutes since the minute in which the regular session first traded at the day's {field}",
        lambda capacity: SinceExtreme(field, capacity),
        recursive=True,
        warm_up="the regular session's first 1m bar",
        source="catalogue",
    )


DECLARATIONS = (_declared("high"), _declared("low"))
