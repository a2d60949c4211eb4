"""The way of records into one partition: batched, bounded, one batch in flight at a time, so that order is never in
question."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from infra.kafka_clients import BatchBuilder, BatchProducer, KafkaError

Record = tuple[bytes | None, bytes]
"""Key and value."""

Headers = Sequence[tuple[str, bytes]]

_RETRY_PAUSE_S: Final = 0.1


class PublishError(RuntimeError):
    """Records could not be sent and ingest has to end; what was not acknowledged may or may not stand in the log."""


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """How many full batches may wait before the source is held back, and how long one may take, repeats and all."""

    batches: int = 4
    delivery_s: float = 120.0


@dataclass(slots=True)
class LaneCounts:
    """What went through since the start."""

    records: int = 0
    batches: int = 0
    bytes: int = 0
    acknowledged: int = 0
    retries: int = 0
    held_back: int = 0


class Lane:
    """Records of one partition, in the order they are added. Make it where its event loop runs; `close` it in the
    end."""

    def __init__(
        self, producer: BatchProducer, topic: str, partition: int, limits: LaneLimits, counts: LaneCounts
    ) -> None:
        self._producer, self._topic, self._partition = producer, topic, partition
        self._where = f"{topic}/{partition}"
        self._limits, self._counts = limits, counts
        self._batch = producer.create_batch()
        self._ready: asyncio.Queue[BatchBuilder | None] = asyncio.Queue(limits.batches)
        self._task = asyncio.create_task(self._send_all(), name=f"lane {topic}/{partition}")

    @property
    def waiting(self) -> int:
        """Full batches that wait."""
        return self._ready.qsize()

    async def add(self, records: Iterable[Record], headers: Headers = ()) -> None:
        """Add records, waiting where too many batches wait. Raises PublishError."""
        append, given = self._batch.append, list(headers)
        for key, value in records:
            if append(timestamp=None, key=key, value=value, headers=given) is None:
                await self.flush()
                append = self._batch.append
                if append(timestamp=None, key=key, value=value, headers=given) is None:
                    raise PublishError(f"{self._where}: a record of {len(value)} bytes fits no batch")

    async def flush(self) -> None:
        """Send what was added so far without waiting for more. Raises PublishError."""
        if not self._batch.record_count():
            return
        batch, self._batch = self._batch, self._producer.create_batch()
        self._counts.records += batch.record_count()
        self._counts.bytes += batch.size()
        await self._put(batch)

    async def close(self) -> None:
        """Send everything and wait until it is acknowledged. Raises PublishError."""
        await self.flush()
        await self._put(None)
        await self._task

    async def abandon(self) -> None:
        """End without sending what waits."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _put(self, batch: BatchBuilder | None) -> None:
        """Queue it, or raise what ended the sending."""
        if not self._ready.full() and not self._task.done():
            self._ready.put_nowait(batch)
            return
        self._counts.held_back += 1
        put = asyncio.ensure_future(self._ready.put(batch))
        try:
            await asyncio.wait({put, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            put.cancel()
        if self._task.done():
            self._task.result()
            raise PublishError(f"{self._where}: closed")

    async def _send_all(self) -> None:
        while (batch := await self._ready.get()) is not None:
            try:
                async with asyncio.timeout(self._limits.delivery_s):
                    await self._send(batch)
            except TimeoutError:
                raise PublishError(f"{self._where}: not acknowledged within {self._limits.delivery_s:g} s") from None
            self._counts.batches += 1
            self._counts.acknowledged += batch.record_count()

    async def _send(self, batch: BatchBuilder) -> None:
        """Until it is acknowledged. The client itself repeats what it has taken; only what it did not take may be
        given again."""
        while True:
            try:
                acknowledged = await self._producer.send_batch(batch, self._topic, partition=self._partition)
                break
            except KafkaError as error:
                if not error.retriable:
                    raise PublishError(f"{self._where}: {error!r}") from error
                self._counts.retries += 1
                await asyncio.sleep(_RETRY_PAUSE_S)
        try:
            await acknowledged
        except KafkaError as error:
            raise PublishError(f"{self._where}: {error!r}") from error
