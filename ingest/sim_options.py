"""The settings of the provider `sim`."""

from __future__ import annotations

from datetime import date, time

import msgspec

from ingest.provider import ProviderError
from ingest.sim_day import END, OPEN, PRE


class SimOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What market to make. The first day is taken for a full trading day of US equities; the days before it are the
    weekdays before it.

    rate: trades a second where the live part begins; the curve of the day moves it from there
    history_rate: the same for the history; its round lots are larger, so that volume goes on where the live part begins
    start, live: when history and live part begin, New York time, whole minutes
    plain: trades have the four required fields alone
    """

    seed: int = 1
    symbols: int = 50
    rate: float = 2_000.0
    history_rate: float = 200.0
    day: date = date(2024, 6, 12)
    days: int = 1
    start: time = OPEN
    live: time = time(11, 30)
    history_days: int = 10
    plain: bool = False

    def __post_init__(self) -> None:
        """Raises ProviderError."""
        if not (0 < self.symbols <= 1_000_000 and 0 <= self.seed < 2**63):
            raise ProviderError("sim: symbols must be 1 to 1,000,000, seed not negative")
        if not (0 < self.rate <= 1e8 and 0 < self.history_rate <= 1e8):
            raise ProviderError("sim: rate and history_rate must be above 0 and at most 100,000,000")
        if self.day.weekday() > 4 or self.days < 1 or not 0 <= self.history_days <= 64:
            raise ProviderError("sim: day must be a weekday, days at least 1, history_days 0 to 64")
        if not PRE <= self.start <= self.live < END or {self.start.second, self.live.second} != {0}:
            raise ProviderError("sim: start and live must be whole minutes from 04:00 to 20:00, start not after live")
