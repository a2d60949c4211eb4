"""The simulated trading day: when its sessions are in UTC, and how activity is spread over it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count, islice
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from schemas.batch import F64

MINUTE_NS: Final = 60 * 10**9
PRE, OPEN, CLOSE, END = time(4), time(9, 30), time(16), time(20)
_NEW_YORK: Final = ZoneInfo("America/New_York")
_SATURDAY: Final = 5


def new_york_ns(day: date, at: time) -> int:
    """That time of that day in New York as UTC ns."""
    return int(datetime.combine(day, at, _NEW_YORK).timestamp()) * 10**9


def weekdays_from(day: date, number: int) -> list[date]:
    """`day` and the weekdays after it, `number` in all."""
    return list(islice(_weekdays(day, 1), number))


def weekdays_before(day: date, number: int) -> list[date]:
    """The `number` weekdays before `day`, oldest first."""
    return list(islice(_weekdays(day - timedelta(days=1), -1), number))[::-1]


def _weekdays(day: date, step: int) -> Iterator[date]:
    return (found for found in (day + timedelta(days=step * n) for n in count()) if found.weekday() < _SATURDAY)


@dataclass(frozen=True, slots=True)
class TradingDay:
    """A full trading day of US equities: its boundaries in UTC ns."""

    day: date
    pre_ns: int
    open_ns: int
    close_ns: int
    end_ns: int

    @classmethod
    def of(cls, day: date) -> TradingDay:
        """The sessions of `day`, which is taken for a full trading day."""
        return cls(day, *(new_york_ns(day, at) for at in (PRE, OPEN, CLOSE, END)))

    def activity(self, ts_ns: int) -> float:
        """How busy equities are at that time, 1 = about the middle of the regular session; 0 while they are closed."""
        minute = (ts_ns - self.pre_ns) // MINUTE_NS
        return float(_EQUITY_CURVE[minute]) if 0 <= minute < len(_EQUITY_CURVE) else 0.0


ROUND_THE_CLOCK_ACTIVITY: Final = 0.7


def _equity_curve() -> F64:
    """Per minute from 04:00 to 20:00: a trickle that grows before the open, a U over the regular session, a trickle
    that ebbs away."""
    before, after = np.linspace(0.03, 0.25, 330), np.linspace(0.25, 0.03, 240)
    at = (np.arange(390) + 0.5) / 390
    left, right = 1 - at, at * at
    morning, evening = left * left * left * left, right * right * right * right
    return np.concatenate((before, 0.8 + 2.4 * morning + 1.8 * evening, after))


_EQUITY_CURVE: Final = _equity_curve()
