"""Trading sessions as plain arrays for the engine, from the exchange_calendars library."""

from __future__ import annotations

from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
from numpy.typing import NDArray

from engine.calendar import CLOSED, POST, PRE, REGULAR, US_EQUITY, Calendars, MarketCalendar

FIRST_DAY: Final = "1995-01-03"
LAST_DAY: Final = "2030-12-31"
"""Fixed, not read from a clock: a replay must see the sessions that the live run saw."""

_EXCHANGE: Final = "XNYS"
_NEW_YORK: Final = ZoneInfo("America/New_York")
_EXTENDED_START_HOUR: Final = 4
_EXTENDED_END_HOUR: Final = 20
_MINUTE_NS: Final = 60_000_000_000


@cache
def load_calendars() -> Calendars:
    """The calendars by market; 24x7 markets need none."""
    return {US_EQUITY: _us_equity()}


def _us_equity() -> MarketCalendar:
    """04:00, open, close and 20:00 New York time of each trading day."""
    schedule = exchange_calendars.get_calendar(_EXCHANGE, start=FIRST_DAY, end=LAST_DAY).schedule
    days = schedule.index
    midnight = days.tz_localize(_NEW_YORK)
    hours = [(midnight + np.timedelta64(h, "h")) for h in (_EXTENDED_START_HOUR, _EXTENDED_END_HOUR)]
    # No clock change falls on a trading day, so hours after midnight are hours of the day.
    starts, ends = (_minutes(h.tz_convert(None).to_numpy()) for h in hours)
    opens, closes = (_minutes(schedule[name].dt.tz_convert(None).to_numpy()) for name in ("open", "close"))
    boundaries = np.stack([starts, opens, closes, ends], axis=1)
    numbers = days.to_numpy().astype("datetime64[D]").astype(np.int32)
    day = np.repeat(numbers[:, None], 4, axis=1)
    day[:, 3] = -1
    session = np.tile(np.array([PRE, REGULAR, POST, CLOSED], np.uint8), (len(days), 1))
    return MarketCalendar(boundaries.reshape(-1), session.reshape(-1), day.reshape(-1))


def _minutes(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Minutes since 1970 UTC."""
    return times.astype("datetime64[ns]").astype(np.int64) // _MINUTE_NS
