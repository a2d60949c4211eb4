"""The ingest role: a provider's trades at their pace, checked, with heartbeats, into the tick log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from infra import metrics
from infra.kafka_clients import make_producer
from ingest.batch import Batch, Placed, Refused
from ingest.heartbeats import NOT_STARTED, heartbeats
from ingest.lane import LaneLimits
from ingest.normalise import FUTURE_BOUND_NS, unfit
from ingest.pace import Pace
from ingest.provider import EVERYTHING, Provider
from ingest.publisher import Publisher, PublisherConfig
from schemas.batch import I64
from schemas.control import encode_heartbeat

logger = logging.getLogger(__name__)

CLIENT_ID: Final = "tapewatch-ingest"
_NOT_LIVE_NS: Final = 2**62
"""Checked against no clock: a file or a simulated day is of another time."""


@dataclass(frozen=True)
class IngestConfig:
    """`speed`: times the pace at which the ticks came, 0: as fast as it goes. `symbols`: None for all that there are.
    `for_s`: stop so long after the paced part began."""

    bootstrap: str
    form: Literal["json", "frame"] = "json"
    speed: float = 1.0
    symbols: Sequence[str] | None = None
    for_s: float | None = None
    frame_trades: int = 4096
    lanes: LaneLimits = field(default_factory=LaneLimits)


@dataclass
class IngestProgress:
    """What was done so far. `paced_since_ns`: wall-clock time at which the live part began, -1 before; `done`: all is
    acknowledged."""

    ticks: int = 0
    refused: int = 0
    newest_ns: int = -1
    paced_since_ns: int = -1
    held_back: int = 0
    waiting: int = 0
    retries: int = 0
    done: bool = False


async def run_ingest(
    config: IngestConfig,
    provider: Provider,
    stop: asyncio.Event,
    progress: IngestProgress | None = None,
    hear: Callable[[str], object] = logger.info,
) -> IngestProgress:
    """Publish until the provider ends or `stop` is set, then tell every partition that this source has ended.

    The broker must be there and have the topics. Raises PublishError, ProviderError, aiokafka's KafkaError.
    """
    progress = progress or IngestProgress()
    producer = make_producer(config.bootstrap, CLIENT_ID)
    await producer.start()
    try:
        publisher = await Publisher.open(producer, PublisherConfig(config.form, config.frame_trades, config.lanes))
        feed = _Feed(config, provider, publisher, progress, stop)
        try:
            await feed.run()
        except BaseException:
            await publisher.abandon()
            raise
        await publisher.end_source(provider.source)
        await publisher.close()
    finally:
        await producer.stop()
    progress.done = True
    hear(f"{provider.source} has ended: {progress.ticks} ticks sent, {progress.refused} refused")
    return progress


class _Feed:
    def __init__(
        self,
        config: IngestConfig,
        provider: Provider,
        publisher: Publisher,
        progress: IngestProgress,
        stop: asyncio.Event,
    ) -> None:
        self._config, self._provider, self._publisher = config, provider, publisher
        self._progress, self._stop = progress, stop
        self._heartbeat_ns = NOT_STARTED
        self._pace: Pace | None = None

    async def run(self) -> None:
        await self._provider.subscribe([EVERYTHING] if self._config.symbols is None else list(self._config.symbols))
        batches = self._provider.batches()
        try:
            async for batch in batches:
                await self._refuse(batch.refused)
                await self._publish(batch)
                if self._stop.is_set():
                    break
        finally:
            await batches.aclose()  # type: ignore[attr-defined]  # an async generator, as its protocol says

    async def _publish(self, batch: Batch) -> None:
        rows, placed = await self._checked(batch)
        paced = batch.paced and self._config.speed > 0 and len(rows) > 0
        if not paced:
            await self._send(batch, rows, placed)
            return
        if self._pace is None:
            self._pace = Pace(self._config.speed, self._config.for_s)
            self._progress.paced_since_ns = time.time_ns()
        for part, until_ns in self._pace.steps(batch.trades.ts[rows]):
            if not await self._pace.wait(until_ns, self._stop):
                return
            chosen = rows[part]
            first, last = part.start, part.stop
            batch.trades.ts_recv[chosen] = time.time_ns()
            await self._send(batch, chosen, _between(placed, rows, first, last))
            await self._publisher.flush()

    async def _send(self, batch: Batch, rows: I64, placed: Sequence[Placed]) -> None:
        await self._publisher.publish(batch, rows, placed)
        progress, counts = self._progress, self._publisher.counts
        progress.ticks += len(rows)
        progress.waiting, progress.held_back, progress.retries = (
            self._publisher.waiting,
            counts.held_back,
            counts.retries,
        )
        if len(rows):
            progress.newest_ns = max(progress.newest_ns, int(batch.trades.ts[rows[-1]]))
        metrics.PUBLISHED.labels(self._provider.source).inc(len(rows))
        metrics.QUEUE.labels("ingest").set(progress.waiting)

    async def _checked(self, batch: Batch) -> tuple[I64, list[Placed]]:
        """The rows that may be sent, and what is placed among them, with heartbeats."""
        reasons = unfit(batch.trades, _NOT_LIVE_NS, FUTURE_BOUND_NS)
        rows = np.arange(len(batch.trades))
        if reasons:
            bad = np.array(list(reasons), np.int64)
            values = batch.json(bad)
            numbers = batch.trades.offset[bad].tolist()
            name = f"{batch.file}:" if batch.file else f"{self._provider.source}, row "
            refused = zip(values, (f"{name}{n}" for n in numbers), numbers, reasons.values(), strict=True)
            await self._refuse([Refused(*one) for one in refused])
            rows = np.delete(rows, bad)
        placed = list(batch.placed)
        if self._provider.heartbeats_from_rows:
            at, times, self._heartbeat_ns = heartbeats(batch.trades.ts[rows], self._heartbeat_ns)
            beats = zip(rows[at].tolist(), times.tolist(), strict=True)
            placed += [Placed(row, None, encode_heartbeat(self._provider.source, ts)) for row, ts in beats]
            placed.sort(key=lambda one: one.row)
        return rows, placed

    async def _refuse(self, refused: Sequence[Refused]) -> None:
        if refused:
            logger.warning("%s: %s: %s", self._provider.source, refused[0].where, refused[0].reason)
            await self._publisher.refuse(self._provider.source, refused)
            self._progress.refused += len(refused)
            metrics.REFUSED.labels(self._provider.source).inc(len(refused))


def _between(placed: Sequence[Placed], rows: I64, first: int, last: int) -> list[Placed]:
    """What belongs before the rows first to last - 1; after the last row of all what is left."""
    begin = int(rows[first]) if first else -1
    end = int(rows[last]) if last < len(rows) else 2**62
    return [one for one in placed if begin <= one.row < end]
