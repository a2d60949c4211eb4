"""Sessions and days: for each minute of a market its session and where session and day begin and end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.bar import SESSIONS
from schemas.batch import I32, I64, U8

CLOSED: Final = SESSIONS.index("closed")
PRE: Final = SESSIONS.index("pre")
REGULAR: Final = SESSIONS.index("regular")
POST: Final = SESSIONS.index("post")

US_EQUITY: Final = "us_equity"
ROUND_THE_CLOCK: Final = "24x7"
MARKETS: Final = (US_EQUITY, ROUND_THE_CLOCK)

EXTENDED_START: Final = 240
"""The first minute of a scheduled market's day, from its midnight."""
NO_DAY: Final = -1

_DAY: Final = 1440
_BLOCKS_KEPT: Final = 512


@dataclass(frozen=True, slots=True)
class MarketCalendar:
    """Sessions of one market: interval i = [boundaries[i], boundaries[i + 1]) minutes since 1970 UTC, ascending;
    outside of all: closed.

    `session` counts into `SESSIONS`; `day` numbers the market's days (days since 1970 of the local date), -1 in a
    closed interval. `midnights_minute`: where each local date begins, from the one with the number `first_day` on; the
    last one ends what is known.
    """

    boundaries_minute: I64
    session: U8
    day: I32
    midnights_minute: I64
    first_day: int


Calendars = Mapping[str, MarketCalendar]


@dataclass(frozen=True, slots=True)
class MinuteInfo:
    """For minutes: session, day number (-1 if closed), and start and end of their session and day in minutes; start and
    end of the day's regular session, and the day's local midnight. In a closed session only the first two mean
    anything."""

    session: U8
    day: I64
    session_start: I64
    session_end: I64
    day_start: I64
    day_end: I64
    regular_start: I64
    regular_end: I64
    midnight: I64

    def at(self, rows: NDArray[np.intp] | I64) -> MinuteInfo:
        """The info of some of the minutes."""
        return MinuteInfo(*(getattr(self, f.name)[rows] for f in fields(self)))


class SessionClock:
    """Looks minutes up, a UTC day's table at a time."""

    def __init__(self, calendars: Calendars) -> None:
        self._calendars = calendars
        self._blocks: dict[tuple[int, int], MinuteInfo] = {}

    def info(self, minutes: I64, markets: U8) -> MinuteInfo:
        """The info of each of `minutes` (since 1970) in the market (index into `MARKETS`) beside it."""
        days = minutes // _DAY
        keys = days * len(MARKETS) + markets
        first = int(keys[0]) if len(keys) else 0
        if not len(keys) or (keys == first).all():
            block = self._block(first % len(MARKETS), first // len(MARKETS))
            return block.at(minutes - (first // len(MARKETS)) * _DAY)
        columns: list[NDArray[Any]] = [
            np.empty(len(minutes), np.uint8 if f.name == "session" else np.int64) for f in fields(MinuteInfo)
        ]
        result = MinuteInfo(*columns)
        for key in np.unique(keys):
            market, day = int(key) % len(MARKETS), int(key) // len(MARKETS)
            rows = np.flatnonzero(keys == key)
            part = self._block(market, day).at(minutes[rows] - day * _DAY)
            for f in fields(MinuteInfo):
                getattr(result, f.name)[rows] = getattr(part, f.name)
        return result

    def local_day(self, minutes: I64, markets: U8) -> I64:
        """The number of the local date that each of `minutes` lies on, trading day or not; -1 outside of the
        calendar."""
        days = minutes // _DAY
        for market in np.unique(markets[markets != MARKETS.index(ROUND_THE_CLOCK)]).tolist():
            calendar, rows = self._calendars[MARKETS[market]], np.flatnonzero(markets == market)
            midnights = calendar.midnights_minute
            at = np.searchsorted(midnights, minutes[rows], side="right") - 1
            inside = (at >= 0) & (at < len(midnights) - 1)
            days[rows] = np.where(inside, calendar.first_day + at, NO_DAY)
        return days

    def _block(self, market: int, day: int) -> MinuteInfo:
        block = self._blocks.get((market, day))
        if block is None:
            if len(self._blocks) >= _BLOCKS_KEPT:
                self._blocks.clear()
            minutes = np.arange(day * _DAY, (day + 1) * _DAY, dtype=np.int64)
            block = (
                _around_the_clock(minutes)
                if MARKETS[market] == ROUND_THE_CLOCK
                else _scheduled(self._calendars[MARKETS[market]], minutes)
            )
            self._blocks[(market, day)] = block
        return block


def _around_the_clock(minutes: I64) -> MinuteInfo:
    day = minutes // _DAY
    start = day * _DAY
    end = start + _DAY
    return MinuteInfo(np.full(len(minutes), REGULAR, np.uint8), day, start, end, start, end, start, end, start)


def _scheduled(calendar: MarketCalendar, minutes: I64) -> MinuteInfo:
    """Minutes before the first or from the last boundary on are closed."""
    bounds, count = calendar.boundaries_minute, len(calendar.boundaries_minute)
    at = np.searchsorted(bounds, minutes, side="right") - 1
    inside = (at >= 0) & (at < count - 1)
    at = np.clip(at, 0, count - 2)
    session = np.where(inside, calendar.session[at], CLOSED).astype(np.uint8)
    day = np.where(inside, calendar.day[at], NO_DAY).astype(np.int64)
    first, last = _same_day(calendar.day)
    day_start, day_end = bounds[first[at]], bounds[last[at] + 1]
    opens = np.flatnonzero(calendar.session == REGULAR)
    regular = opens[np.clip(np.searchsorted(opens, first[at]), 0, len(opens) - 1)]
    regular_bounds = bounds[regular], bounds[regular + 1]
    midnight = day_start - EXTENDED_START
    return MinuteInfo(session, day, bounds[at], bounds[at + 1], day_start, day_end, *regular_bounds, midnight)


def _same_day(days: I32) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each interval the first and the last interval of its run of equal days."""
    count = len(days)
    starts = np.flatnonzero(np.concatenate(([True], days[1:] != days[:-1])))
    lengths = np.diff(np.append(starts, count))
    return np.repeat(starts, lengths), np.repeat(starts + lengths - 1, lengths)
