"""Trading sessions as plain arrays for the engine. The days stand in a file, written by the exchange_calendars library
(tests/support/exchange_days.py): that takes half a second, which no worker has to lose when it starts again."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.calendar import CLOSED, POST, PRE, REGULAR, US_EQUITY, Calendars, MarketCalendar

FIRST_DAY: Final = "1995-01-03"
LAST_DAY: Final = "2030-12-31"
"""Fixed, not read from a clock: a replay must see the sessions that the live run saw."""
DAYS: Final = "us_equity_days.json"

_NEW_YORK: Final = ZoneInfo("America/New_York")
_HOURS: Final = (4 * 60, 9 * 60 + 30, 16 * 60, 20 * 60)
"""Minutes of a day where pre, regular and post begin and the day ends."""
_DAY: Final = 1440


@cache
def load_calendars() -> Calendars:
    """The calendars by market; 24x7 markets need none."""
    return {US_EQUITY: _us_equity()}


def _us_equity() -> MarketCalendar:
    exceptions = json.loads(Path(__file__).with_name(DAYS).read_text(encoding="utf-8"))
    all_days = np.arange(np.datetime64(FIRST_DAY), np.datetime64(LAST_DAY) + 1)
    midnights = _local_midnights(np.append(all_days, all_days[-1] + 1))
    is_open = np.is_busday(all_days, holidays=exceptions["closed"])
    days = all_days[is_open]
    numbers = days.astype(np.int32)
    boundaries = midnights[:-1][is_open, None] + _hours(days, exceptions["hours"])
    day = np.repeat(numbers[:, None], 4, axis=1)
    day[:, 3] = -1
    session = np.tile(np.array([PRE, REGULAR, POST, CLOSED], np.uint8), (len(days), 1))
    first = int(all_days.astype(np.int64)[0])
    return MarketCalendar(boundaries.reshape(-1), session.reshape(-1), day.reshape(-1), midnights, first)


def _local_midnights(days: NDArray[Any]) -> NDArray[np.int64]:
    """Minutes since 1970 UTC of the beginning of each day in New York. Clocks change later on a day, and never on a
    trading day."""
    listed: list[date] = days.tolist()
    offsets = [datetime.combine(day, time(), _NEW_YORK).utcoffset() for day in listed]
    behind = np.array([0 if one is None else one.total_seconds() // 60 for one in offsets], np.int64)
    return days.astype(np.int64) * _DAY - behind


def _hours(days: NDArray[Any], other: dict[str, str]) -> NDArray[np.int64]:
    """Minutes of each day where pre, regular and post begin and the day ends."""
    hours = np.tile(np.array(_HOURS, np.int64), (len(days), 1))
    for day, both in other.items():
        row = int(np.searchsorted(days, np.datetime64(day)))
        hours[row, 1:3] = [int(text[:2]) * 60 + int(text[3:]) for text in both.split()]
    return hours
