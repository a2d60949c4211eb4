"""What a new minute begins besides itself: a new day, the regular session."""

from __future__ import annotations

import numpy as np

from engine.calendar import CLOSED, POST, REGULAR, MinuteInfo
from engine.segments import Index
from engine.state import PartitionState


def begin(state: PartitionState, members: Index, info: MinuteInfo) -> None:
    """Before rows of `members` in minutes with this info: roll the day, restart the session's sums. The closed session
    begins nothing."""
    active = info.session != CLOSED
    new_day = np.flatnonzero(active & (state.day.number[members] != info.day))
    if len(new_day):
        _begin_day(state, members[new_day], info.at(new_day))
    in_regular = (info.session == REGULAR) | (info.session == POST)
    begin_regular(state, members[in_regular & (state.session.regular[members] == 0)])


def _begin_day(state: PartitionState, members: Index, info: MinuteInfo) -> None:
    day = state.day
    traded = ~np.isnan(day.close[members])
    prior = {
        f"prior_{name}": np.where(traded, getattr(day, name)[members], getattr(day, f"prior_{name}")[members])
        for name in ("close", "high", "low")
    }
    day.reset(members)
    for name, values in prior.items():
        getattr(day, name)[members] = values
    day.number[members], day.start[members], day.end[members] = info.day, info.day_start, info.day_end
    day.bar_open[members] = 1
    state.session.reset(members)
    state.value.reset(members)


def begin_regular(state: PartitionState, members: Index) -> None:
    """Restart the session's sums at the start of the regular session."""
    if len(members):
        state.session.reset(members)
        state.session.regular[members] = 1
