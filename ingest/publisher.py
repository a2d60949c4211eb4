"""From a provider's batches to the tick log: each partition's records in the order of the rows, control records in
their places."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Self

import numpy as np

from infra.kafka_clients import BatchProducer
from ingest.batch import MAX_RECORD_BYTES, Batch, Placed, Refused
from ingest.frames import frames_of
from ingest.lane import Lane, LaneCounts, LaneLimits, PublishError, Record
from schemas.batch import I64
from schemas.control import encode_source_end
from schemas.dead_letter import error_headers
from schemas.partitioning import partition_of
from schemas.topics import TICKS, TICKS_DEAD

_STAGE: Final = "ingest"


@dataclass(frozen=True, slots=True)
class PublisherConfig:
    """`form`: one JSON record a trade, or frames of at most `frame_trades`."""

    form: Literal["json", "frame"] = "json"
    frame_trades: int = 4096
    lanes: LaneLimits = field(default_factory=LaneLimits)


class Publisher:
    """Make it with `open`, where its event loop runs; `close` flushes. Any method may raise PublishError, after which
    it
    is of no more use."""

    def __init__(self, producer: BatchProducer, partitions: int, dead_partitions: int, config: PublisherConfig) -> None:
        """For topics that exist and have so many partitions."""
        self.counts, self.dead_counts = LaneCounts(), LaneCounts()
        self._config = config
        self._lanes = [Lane(producer, TICKS.name, p, config.lanes, self.counts) for p in range(partitions)]
        self._dead = [
            Lane(producer, TICKS_DEAD.name, p, config.lanes, self.dead_counts) for p in range(dead_partitions)
        ]
        self._partition = np.empty(0, np.uint16)
        self._keys: list[bytes] = []

    @classmethod
    async def open(cls, producer: BatchProducer, config: PublisherConfig | None = None, limit_s: float = 10.0) -> Self:
        """Raises PublishError if the topics are not there within `limit_s`."""
        counts = []
        for topic in (TICKS, TICKS_DEAD):
            try:
                async with asyncio.timeout(limit_s):
                    counts.append(len(await producer.partitions_for(topic.name)))
            except TimeoutError:
                raise PublishError(f"topic {topic.name} is not there; create the topics first") from None
        return cls(producer, counts[0], counts[1], config or PublisherConfig())

    @property
    def waiting(self) -> int:
        """Full batches that wait to be sent."""
        return sum(lane.waiting for lane in (*self._lanes, *self._dead))

    async def publish(self, batch: Batch, rows: I64, placed: Sequence[Placed]) -> None:
        """The trades of the batch at `rows`, ascending, with `placed` among them: each comes before the first of `rows`
        that is not below its own row."""
        self._learn(batch.names)
        partitions = self._partition[batch.trades.symbol[rows]]
        values = batch.json(rows) if self._config.form == "json" else []
        cuts = [int(np.searchsorted(rows, one.row)) for one in placed]
        for number, lane in enumerate(self._lanes):
            mine = np.flatnonzero(partitions == number)
            await lane.add(self._records(batch, rows, values, mine, placed, cuts, number))

    async def refuse(self, source: str, refused: Sequence[Refused]) -> None:
        """Set input aside that is no tick, with the reason."""
        for one in refused:
            headers = error_headers(source, 0, one.position, -1, f"{one.where}: {one.reason}", _STAGE)
            await self._dead[one.position % len(self._dead)].add([(None, one.value[:MAX_RECORD_BYTES])], headers)

    async def end_source(self, source: str) -> None:
        """Tell every partition that no more comes of this source."""
        for lane in self._lanes:
            await lane.add([(None, encode_source_end(source))])

    async def flush(self) -> None:
        """Send what was added without waiting for more."""
        for lane in (*self._lanes, *self._dead):
            await lane.flush()

    async def close(self) -> None:
        """Send everything and wait until it is acknowledged."""
        for lane in (*self._lanes, *self._dead):
            await lane.close()

    async def abandon(self) -> None:
        """End without sending what waits."""
        for lane in (*self._lanes, *self._dead):
            await lane.abandon()

    def _learn(self, names: Sequence[str]) -> None:
        """Partitions and keys of names not seen before."""
        new = names[len(self._keys) :]
        if new:
            numbers = np.array([partition_of(name, len(self._lanes)) for name in new], np.uint16)
            self._partition = np.concatenate([self._partition, numbers])
            self._keys += [name.encode() for name in new]

    def _records(
        self,
        batch: Batch,
        rows: I64,
        values: Sequence[bytes],
        mine: I64,
        placed: Sequence[Placed],
        cuts: Sequence[int],
        partition: int,
    ) -> Iterator[Record]:
        done = 0
        for one, cut in zip(placed, cuts, strict=True):
            if one.symbol is not None and partition_of(one.symbol, len(self._lanes)) != partition:
                continue
            upto = int(np.searchsorted(mine, cut))
            yield from self._trades(batch, rows, values, mine[done:upto])
            done = upto
            yield None if one.symbol is None else one.symbol.encode(), one.value
        yield from self._trades(batch, rows, values, mine[done:])

    def _trades(self, batch: Batch, rows: I64, values: Sequence[bytes], at: I64) -> Iterator[Record]:
        """`at` counts into `rows`."""
        if not len(at):
            return
        if self._config.form == "frame":
            for frame in frames_of(batch.names, batch.trades, rows[at], self._config.frame_trades):
                yield None, frame
            return
        symbols = batch.trades.symbol[rows[at]].tolist()
        yield from zip(map(self._keys.__getitem__, symbols), map(values.__getitem__, at.tolist()), strict=True)
