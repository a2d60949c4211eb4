"""The markets that are measured: the program's own simulation cut off after so many ticks, and one tick a minute."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Final

import numpy as np

from ingest.batch import Batch
from ingest.provider import Health
from ingest.sim import SimProvider
from ingest.sim_options import SimOptions
from schemas.batch import Trades
from schemas.tick import REGULAR_TRADE

MINUTE_NS: Final = 60_000_000_000
FIRST_NS: Final = 1_718_200_800_000_000_000
"""10:00 of 2024-06-12 in New York, so that four hours of minutes lie within one regular session."""


@dataclass(frozen=True)
class Size:
    """A stretch of the simulated morning: a quarter of an hour at 1 % of the rate as a warm-up, then `ticks` at
    `rate` a second of event time."""

    symbols: int
    ticks: int
    rate: float

    def options(self) -> SimOptions:
        """For the provider."""
        return SimOptions(
            symbols=self.symbols,
            rate=self.rate,
            history_rate=self.rate / 100,
            start=time(9, 30),
            live=time(9, 45),
            history_days=0,
            plain=True,
        )


class CutMarket(SimProvider):
    """The simulated market up to a number of ticks. `warm_up`: ticks before the part that counts."""

    def __init__(self, size: Size) -> None:
        """Nothing is given yet."""
        super().__init__(size.options())
        self.warm_up = 0
        self._left = size.ticks

    async def batches(self) -> AsyncIterator[Batch]:
        """The simulated batches, until enough were given."""
        async for batch in super().batches():
            if not batch.paced:
                self.warm_up += len(batch.trades)
            else:
                self._left -= len(batch.trades)
            yield batch
            if self._left <= 0:
                return


class MinuteMarket:
    """Each symbol trades once in each of so many minutes: the cheapest way to fill every window of bars."""

    source = "minutes"
    heartbeats_from_rows = True

    def __init__(self, symbols: int, minutes: int) -> None:
        """Prices walk at random from a fixed seed."""
        self._names = [f"M{number:05d}" for number in range(symbols)]
        self._minutes = minutes

    async def universe(self) -> Sequence[str]:
        """All symbols."""
        return self._names

    async def subscribe(self, symbols: Collection[str]) -> None:
        """Everything is given anyway."""

    async def unsubscribe(self, symbols: Collection[str]) -> None:
        """Everything is given anyway."""

    def health(self) -> Health:
        """Nothing can fail."""
        return Health(live=True, detail="made up", newest_ns=-1)

    async def batches(self) -> AsyncIterator[Batch]:
        """One batch a minute. It has no JSON form: send it in frames."""
        random = np.random.default_rng(1)
        count = len(self._names)
        prices = 5 + 400 * random.random(count)
        zeros = np.zeros(count, np.uint64)
        for minute in range(self._minutes):
            prices *= 1 + 0.001 * random.standard_normal(count)
            trades = Trades(
                symbol=np.arange(count, dtype=np.int32),
                ts=FIRST_NS + minute * MINUTE_NS + np.sort(random.integers(0, MINUTE_NS, count)),
                price=np.rint(100 * prices) / 100,
                size=random.integers(1, 500, count).astype(np.float64),
                flags=np.full(count, REGULAR_TRADE, np.uint8),
                offset=np.arange(count),
                index=np.zeros(count, np.int32),
                append_ts=np.full(count, -1, np.int64),
                ts_recv=np.zeros(count, np.int64),
                id_high=zeros,
                id_low=zeros,
            )
            yield Batch(self._names, trades, lambda rows: [], paced=False)
            await asyncio.sleep(0)
