"""Which session a minute is in, by dates and times of New York, one lookup at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import exchange_calendars

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
NEW_YORK = ZoneInfo("America/New_York")
EPOCH = date(1970, 1, 1)
FIRST_DAY, LAST_DAY = date(1995, 1, 3), date(2030, 12, 31)


@dataclass(frozen=True)
class Moment:
    """The session of a minute and its bounds, the day it belongs to (None: closed), in ns UTC."""

    session: str
    session_start: int
    session_end: int
    day: date | None
    day_start: int
    day_end: int
    regular_start: int = 0
    regular_end: int = 0
    midnight: int = 0


@cache
def regular_hours() -> dict[date, tuple[int, int]]:
    """Open and close of each trading day of the New York Stock Exchange, in ns."""
    schedule = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat()).schedule
    return {
        day.date(): (int(row.open.timestamp()) * 10**9, int(row.close.timestamp()) * 10**9)
        for day, row in zip(schedule.index, schedule.itertuples(), strict=True)
    }


def new_york(day: date, hour: int) -> int:
    """That hour of that day in New York, in ns UTC."""
    return int(datetime.combine(day, time(hour), NEW_YORK).timestamp()) * 10**9


def moment(market: str, ts: int) -> Moment:
    """Where `ts` lies."""
    return _moment_of_minute(market, ts - ts % MINUTE_NS)


@cache
def _moment_of_minute(market: str, ts: int) -> Moment:
    if market == "24x7":
        day = EPOCH + timedelta(days=ts // (1440 * MINUTE_NS))
        start = (day - EPOCH).days * 1440 * MINUTE_NS
        end = start + 1440 * MINUTE_NS
        return Moment("regular", start, end, day, start, end, start, end, start)
    local = datetime.fromtimestamp(ts // 10**9, UTC).astimezone(NEW_YORK).date()
    hours = regular_hours().get(local)
    if hours is not None:
        bounds = (new_york(local, 4), *hours, new_york(local, 20))
        for name, start, end in zip(("pre", "regular", "post"), bounds, bounds[1:], strict=False):
            if start <= ts < end:
                return Moment(name, start, end, local, bounds[0], bounds[3], *hours, new_york(local, 0))
    return Moment("closed", 0, 0, None, 0, 0)


def local_date(market: str, ts: int) -> date | None:
    """The date that `ts` lies on, trading day or not; of New York only within the years that its days are known of."""
    if market == "24x7":
        return EPOCH + timedelta(days=ts // (1440 * MINUTE_NS))
    local = datetime.fromtimestamp(ts // SECOND_NS, UTC).astimezone(NEW_YORK).date()
    return local if FIRST_DAY <= local <= LAST_DAY else None


def market_of(symbol: str) -> str:
    """24x7 for BASE-QUOTE and BASE/QUOTE with a quote of three to five capitals."""
    for separator in "-/":
        base, found, quote = symbol.partition(separator)
        capitals = len(quote) in (3, 4, 5) and all("A" <= letter <= "Z" for letter in quote)
        if found and base and capitals:
            return "24x7"
    return "us_equity"
