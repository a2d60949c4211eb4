"""Sends records and knows when the broker has them all: the first half of "outputs, then state, then offset"."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from aiokafka import AIOKafkaProducer

Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Key, value and headers."""
Encode = Callable[[Any], Record]
BATCH_BYTES = 262_144
"""Of alerts in one request: a partition's at the close of a minute fit in."""
TURN_BYTES = 16_384
"""Half a millisecond's work."""


class OutboxError(Exception):
    """Records could not be delivered; the text names the topic. What was sent before and after is unknown."""


def new_producer(
    bootstrap: str, client_id: str, request_timeout_s: float, max_record_bytes: int, max_batch_bytes: int = BATCH_BYTES
) -> AIOKafkaProducer:
    """An idempotent producer that sends at once (no linger) and keeps trying while the broker is away."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap.split(","),
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=max_batch_bytes,
        max_request_size=max_record_bytes,
        request_timeout_ms=int(request_timeout_s * 1000),
    )


@dataclass
class _Lane:
    """The queue to one partition of one topic. Items are encoded when their batch is filled, some hundreds at a
    time."""

    topic: str
    partition: int
    encode: Encode
    waiting: deque[Any] = field(default_factory=deque)
    put: int = 0
    acknowledged: int = 0
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def backlog(self) -> int:
        return self.put - self.acknowledged


class Outbox:
    """Queues to Kafka partitions, each sent in order by a task of its own.

    Putting never waits; whoever produces must heed `backlog`. A failed send is reported to `on_failure` at once,
    and by every later `flush`.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        encoders: Mapping[str, Encode],
        on_failure: Callable[[OutboxError], object],
        express: Mapping[str, AIOKafkaProducer] = MappingProxyType({}),
    ) -> None:
        """`encoders`: for each topic, what turns an item into a record. It must not fail. `express`: producers of the
        topics that must not wait behind others: a producer has one request to a broker under way at a time. Of all
        others one batch is encoded in each turn of the event loop."""
        self._producer, self._express = producer, express
        self._encoders = encoders
        self._on_failure = on_failure
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._failure: OutboxError | None = None
        self._progress = asyncio.Event()
        self._turn = asyncio.Lock()

    def put(self, topic: str, partition: int, items: Iterable[Any]) -> None:
        """Queue `items` in order."""
        lane = self._lanes.get((topic, partition))
        if lane is None:
            lane = self._lanes[topic, partition] = _Lane(topic, partition, self._encoders[topic])
            lane.task = asyncio.create_task(self._send_lane(lane), name=f"outbox {topic}/{partition}")
        before = len(lane.waiting)
        lane.waiting.extend(items)
        lane.put += len(lane.waiting) - before
        lane.filled.set()

    def backlog(self, partition: int | None = None, topic: str | None = None) -> int:
        """Number of items not acknowledged yet, of a partition and a topic, or of all."""
        return sum(
            lane.backlog
            for lane in self._lanes.values()
            if partition in (None, lane.partition) and topic in (None, lane.topic)
        )

    async def flush(self, partition: int) -> None:
        """Wait until everything put so far for `partition` is acknowledged. Raises OutboxError."""
        marks = [(lane, lane.put) for lane in self._lanes.values() if lane.partition == partition]
        await self._until(lambda: all(lane.acknowledged >= mark for lane, mark in marks))

    async def wait_below(self, items: int) -> None:
        """Wait until the whole backlog is less than `items`. Raises OutboxError."""
        await self._until(lambda: self.backlog() < items)

    async def close(self) -> None:
        """Stop sending; what is still queued is dropped."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while True:
            if self._failure is not None:
                raise self._failure
            if reached():
                return
            self._progress.clear()
            await self._progress.wait()

    async def _send_lane(self, lane: _Lane) -> None:
        try:
            while True:
                await lane.filled.wait()
                while lane.waiting:
                    await self._send_batch(lane)
                lane.filled.clear()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, these records did not get out
            self._fail(lane, error)

    async def _send_batch(self, lane: _Lane) -> None:
        producer = self._express.get(lane.topic)
        if producer is not None:
            batch = _filled(producer.create_batch(), lane, BATCH_BYTES)
        else:
            producer = self._producer
            async with self._turn:
                batch = _filled(producer.create_batch(), lane, TURN_BYTES)
                await asyncio.sleep(0)
        count = batch.record_count()
        future = await producer.send_batch(batch, lane.topic, partition=lane.partition)
        future.add_done_callback(lambda done: self._acknowledge(lane, count, done))

    def _acknowledge(self, lane: _Lane, count: int, done: asyncio.Future[Any]) -> None:
        if done.cancelled():
            return
        if (error := done.exception()) is not None:
            self._fail(lane, error)
            return
        lane.acknowledged += count
        self._progress.set()

    def _fail(self, lane: _Lane, error: BaseException) -> None:
        failure = OutboxError(f"sending to {lane.topic}/{lane.partition} failed: {error!r}")
        if self._failure is None:
            self._failure = failure
            self._on_failure(failure)
        self._progress.set()


def _filled(batch: Any, lane: _Lane, most_bytes: int) -> Any:
    """The batch with as much of what waits as it takes, not much more than `most_bytes`."""
    while lane.waiting and batch.size() < most_bytes:
        key, value, headers = lane.encode(lane.waiting[0])
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            break
        lane.waiting.popleft()
    return batch
