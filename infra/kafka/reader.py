"""Reads a range of a topic without a group, each partition in offset order: for replay, rules and checks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, Self

from aiokafka.structs import TopicPartition

from infra.kafka.block import Block, Records, records_between
from infra.kafka.topic_admin import partition_count
from infra.kafka_clients import make_consumer
from schemas.batch import Chunk

POLL_S: Final = 1.0
NS_PER_MS: Final = 1_000_000
FETCH_BYTES: Final = 4 * 1_048_576
IDLE_LIMIT_S: Final = 60.0
"""How long a range may give nothing before the read is given up."""


class ReadError(RuntimeError):
    """A range cannot be read; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Range:
    """Offsets [begin, end) of a partition. `log_begin`: the oldest record that is still there."""

    partition: int
    begin: int
    end: int
    log_begin: int


class Reader:
    """Reads one topic. Use as an async context manager."""

    def __init__(
        self, bootstrap: str, topic: str, client_id: str = "tapewatch-reader", fetch_bytes: int = FETCH_BYTES
    ) -> None:
        """Nothing is connected yet. `fetch_bytes`: less than the default where little is read from many places."""
        self._topic = topic
        self._consumer: Any = None
        self._bootstrap, self._client_id, self._fetch_bytes = bootstrap, client_id, fetch_bytes

    async def __aenter__(self) -> Self:
        """Connect. Raises aiokafka's KafkaConnectionError."""
        self._consumer = make_consumer(
            self._bootstrap, self._client_id, max_partition_bytes=self._fetch_bytes, fetch_wait_s=0.05
        )
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        # Stopped before its tasks have begun, it would raise their CancelledError: so does a range that holds nothing.
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def ranges(self) -> list[Range]:
        """The whole log of each partition as it is now. Raises TopicError if there is no such topic."""
        count = await partition_count(self._bootstrap, self._topic)
        partitions = [TopicPartition(self._topic, number) for number in range(count)]
        begins = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        return [Range(tp.partition, begins[tp], ends[tp], begins[tp]) for tp in partitions]

    async def read(self, wanted: Range, most: int | None = None) -> AsyncIterator[Records]:
        """The records of the range as they are fetched, in order; `most` of them at a time, or all that a fetch gave.
        Raises ReadError if they stop coming."""
        tp = TopicPartition(self._topic, wanted.partition)
        self._consumer.assign([tp])
        position = max(wanted.begin, wanted.log_begin)
        self._consumer.seek(tp, position)
        clock = asyncio.get_running_loop().time
        heard = clock()
        while position < wanted.end:
            fetched = await self._consumer.getmany(tp, timeout_ms=round(POLL_S * 1000), max_records=most)
            records = records_between(fetched.get(tp, []), position, wanted.end)
            # Transaction markers and compacted records take offsets and give nothing.
            position = max(position, await self._consumer.position(tp))
            if len(records):
                heard = clock()
                yield records
            elif clock() - heard > IDLE_LIMIT_S:
                raise ReadError(f"{self._topic}/{wanted.partition}: nothing came for {IDLE_LIMIT_S:g} s at {position}")


def chunk_of(records: Records) -> Chunk:
    """Fetched records as the decoder takes them."""
    if isinstance(records, Block):
        return Chunk(records.offsets, records.values, records.timestamps * NS_PER_MS)
    return Chunk(
        offsets=[record.offset for record in records],
        values=[record.value for record in records],
        append_ts_ns=[record.timestamp * NS_PER_MS for record in records],
    )
