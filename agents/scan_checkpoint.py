"""A checkpoint: outputs acknowledged, then state, then the manifest, then the offset; in slices between chunks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from agents.scan_stats import ScanStats
from engine.partition import Partition
from infra import metrics
from infra.kafka.outbox import Outbox
from tables.ledger import Shard
from tables.state import StateTable

logger = logging.getLogger(__name__)

SLICE_S: Final = 0.0025
PAUSE_S: Final = 0.004
"""After a slice ticks have so long: from a chunk to its alerts it takes a dozen turns of the event loop."""


class Checkpointer:
    """Stores what has changed. One checkpoint of a partition at a time."""

    def __init__(
        self,
        outbox: Outbox,
        state: StateTable,
        commit: Callable[[int, int], Awaitable[bool]],
        check: Callable[[], None],
        stats: ScanStats,
        limit_s: float,
    ) -> None:
        """`commit(partition, next_offset)` is False where the partition is another's by now; `check` raises where
        state must not be written any more. `limit_s`: for one checkpoint, longer than the longest outage of the broker
        that is to be survived."""
        self._outbox, self._state, self._commit, self._check, self._stats = outbox, state, commit, check, stats
        self._limit_s = limit_s
        self._locks: dict[int, asyncio.Lock] = {}

    async def checkpoint(self, number: int, partition: Partition) -> None:
        """Store the partition as it is when this begins, or newer. Raises OutboxError, StateError, TimeoutError."""
        async with self._locks.setdefault(number, asyncio.Lock()), asyncio.timeout(self._limit_s):
            header = partition.header
            stats = self._stats.partitions.get(number)
            if stats is None or header.position <= stats.committed - 1:
                return
            begun = time.perf_counter()
            shards = await self._take(number, partition)
            await self._outbox.flush(number)
            await self._state.write(number, shards, header, self._check)
            if not await self._commit(number, header.position + 1):
                logger.info(
                    "partition %d is another's now; its checkpoint at %d counts for nothing", number, header.position
                )
                return
            size = sum(shard.size for shard in shards)
            stats.committed, stats.checkpoint_bytes = header.position + 1, size
            stats.checkpoint_at, stats.checkpoint_s = time.time(), time.perf_counter() - begun
            metrics.CHECKPOINT.observe(stats.checkpoint_s)
            metrics.CHECKPOINT_BYTES.observe(size)

    async def _take(self, number: int, partition: Partition) -> list[Shard]:
        """The changed pieces, encoded. Ticks may be worked on between two shards, so what has changed of a shard is
        asked for when it is taken: all of it belongs to one position.

        Not in a thread: under full load each way back from one waits behind the next chunk of ticks.
        """
        shards, slice_begun = [], time.perf_counter()
        for shard in partition.changed_shards():
            begun = time.perf_counter()
            if begun - slice_begun > SLICE_S:
                await asyncio.sleep(PAUSE_S)
                begun = slice_begun = time.perf_counter()
            pieces = partition.export_changed(shard)
            begun = self._stats.stage("export", begun)
            shards.append(self._state.encode(number, pieces))
            self._stats.stage("encode", begun)
        return shards
