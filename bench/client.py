"""The ceiling: Kafka's client alone over the JSON topic, which looks at nothing that it reads."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from aiokafka.structs import TopicPartition

from bench.brokers import PARTITIONS
from infra.kafka_clients import make_consumer
from schemas.topics import TICKS

FETCH_BYTES: Final = 4 * 1_048_576
MOST_RECORDS: Final = 65_536
"""Both as in the scan worker."""
LIMIT_S: Final = 120.0


async def client_rate(bootstrap: str) -> float:
    """Records a second of `getmany`, from the first fetch that gave something to the last record."""
    consumer = make_consumer(bootstrap, "bench-client", max_partition_bytes=FETCH_BYTES)
    await consumer.start()
    try:
        partitions = [TopicPartition(TICKS.name, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        left = sum(ends.values())
        left -= _count(await consumer.getmany(timeout_ms=10_000, max_records=1))
        counted, begun = left, time.perf_counter()
        async with asyncio.timeout(LIMIT_S):
            while left > 0:
                left -= _count(await consumer.getmany(timeout_ms=1_000, max_records=MOST_RECORDS))
        return counted / (time.perf_counter() - begun)
    finally:
        await consumer.stop()


def _count(fetched: dict[TopicPartition, list[object]]) -> int:
    return sum(len(records) for records in fetched.values())
