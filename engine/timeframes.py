"""The timeframes: their lengths and where their bars start and end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.calendar import MinuteInfo
from schemas.batch import I64

MINUTE_NS: Final = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Timeframe:
    """`ring` = closed bars held, `kept` = how many of them are promised to look-backs and to newly used metrics.

    `base`: the timeframe whose held bars this one's are made of when a rule begins to use it; None = always held.
    """

    name: str
    minutes: int
    ring: int
    kept: int
    from_session_start: bool = False
    base: str | None = None

    def bounds(self, minutes: I64, info: MinuteInfo) -> tuple[I64, I64]:
        """Start and end minute of the bars that hold `minutes`."""
        if self.name == "1d":
            return info.day_start, info.day_end
        if not self.from_session_start:
            start = minutes - minutes % self.minutes
            return start, start + self.minutes
        start = minutes - (minutes - info.session_start) % self.minutes
        return start, np.minimum(start + self.minutes, info.session_end)


ONE_MINUTE: Final = Timeframe("1m", 1, ring=304, kept=256)
ROLL_UPS: Final = (
    Timeframe("2m", 2, ring=256, kept=208, base="1m"),
    Timeframe("5m", 5, ring=240, kept=208),
    Timeframe("10m", 10, ring=224, kept=208, base="5m"),
    Timeframe("15m", 15, ring=224, kept=208),
    Timeframe("30m", 30, ring=224, kept=208, base="15m"),
    Timeframe("1h", 60, ring=224, kept=208, from_session_start=True),
    Timeframe("2h", 120, ring=224, kept=208, from_session_start=True, base="1h"),
    Timeframe("4h", 240, ring=224, kept=208, from_session_start=True, base="1h"),
)
ONE_DAY: Final = Timeframe("1d", 1440, ring=272, kept=256)
ALL: Final = (ONE_MINUTE, *ROLL_UPS, ONE_DAY)
BY_NAME: Final = {timeframe.name: timeframe for timeframe in ALL}
