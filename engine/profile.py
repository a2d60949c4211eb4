"""The usual course of a day's volume: what of it is traded by each time of the day, a mean over the days so far."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.calendar import MARKETS, ROUND_THE_CLOCK
from engine.segments import Index
from engine.state import PROFILE_SLOTS, PartitionState
from engine.timeframes import BY_NAME, MINUTE_NS, Timeframe
from schemas.batch import F64, I64

DAYS: Final = 10
SLOTS: Final = tuple(BY_NAME["15m" if market == ROUND_THE_CLOCK else "5m"] for market in MARKETS)
"""The bars of each market whose ends are the times that are remembered: a day of them fits into the slots."""


def fold(state: PartitionState, members: Index) -> None:
    """The day of `members` is over, its bars have closed: add it to the mean."""
    for market, timeframe in enumerate(SLOTS):
        _fold(state, members[state.symbol.market[members] == market], timeframe)


def _fold(state: PartitionState, members: Index, timeframe: Timeframe) -> None:
    if not len(members):
        return
    history, day_start = state.history[timeframe.name], state.day.start[members]
    volume = np.zeros((len(members), PROFILE_SLOTS))
    number = history.count[members] - 1
    going = np.arange(len(members))
    for _ in range(PROFILE_SLOTS):
        start = history.at("start", members[going], number[going])
        inside = (number[going] >= 0) & (start >= day_start[going])
        going, start = going[inside], start[inside]
        if not len(going):
            break
        slot = (start - day_start[going]) // timeframe.minutes
        volume[going, slot] = history.at("volume", members[going], number[going])
        number[going] -= 1
    profile = state.profile
    profile.days[members] += 1
    weight = np.minimum(profile.days[members], DAYS)[:, None]
    mean = profile.mean[members].astype(np.float64)
    profile.mean[members] = mean + (np.cumsum(volume, axis=1) - mean) / weight


def usual_volume(state: PartitionState, symbols: Index, day_start: I64, row_ts: I64) -> F64:
    """Over rows: what of a day's volume is usually traded by then, between the ends of slots in proportion. Null before
    the first day."""
    lengths = np.array([timeframe.minutes * MINUTE_NS for timeframe in SLOTS])
    length = lengths[state.symbol.market[symbols]]
    elapsed = row_ts + 1 - day_start * MINUTE_NS
    slot = np.clip(elapsed // length, 0, PROFILE_SLOTS - 1)
    after = state.profile.mean[symbols, slot].astype(np.float64)
    before = np.where(slot > 0, state.profile.mean[symbols, slot - 1], 0).astype(np.float64)
    usual = before + (after - before) * ((elapsed - slot * length) / length)
    return np.where(state.profile.days[symbols] > 0, usual, np.nan)
