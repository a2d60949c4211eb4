"""Follows whole topics from near their end, without a group: for a reader that wants everything and keeps no place."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from infra.kafka_clients import make_consumer

logger = logging.getLogger(__name__)

# An empty fetch keeps a partition that was just read from being fetched again, so it must be short.
FETCH_WAIT_S: Final = 0.02
FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 5.0
SPAN_RECORDS: Final = 5_000
OPEN_LIMIT_S: Final = 30.0
CLOSE_LIMIT_S: Final = 10.0


class TopicAwayError(Exception):
    """The broker cannot be reached, or a topic is missing: worth another try later."""


class Record(Protocol):
    """The part of aiokafka's record that is used here."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


class TopicTail:
    """All partitions of some topics. `positions` are the next offsets to be read, by topic and partition."""

    def __init__(self, bootstrap: str, client_id: str, rewind: Mapping[str, int]) -> None:
        """`rewind`: the topics, and how many records before its end each partition is begun at."""
        self._bootstrap, self._client_id, self._rewind = bootstrap, client_id, rewind
        self._consumer: AIOKafkaConsumer | None = None
        self.positions: dict[str, dict[int, int]] = {}
        self.ends: dict[str, dict[int, int]] = {}
        self.epoch = ""

    async def open(self) -> None:
        """Find the partitions and their ends; `epoch` then names the cluster. Raises TopicAwayError."""
        try:
            async with asyncio.timeout(OPEN_LIMIT_S):
                self.epoch, partitions = await self._look()
                self._consumer = await _assigned(self._bootstrap, self._client_id, partitions)
                await self._seek(self._consumer, partitions)
        except (KafkaError, TimeoutError) as error:
            await self.close()
            raise TopicAwayError(f"Kafka at {self._bootstrap}: {error!r}") from error

    async def open_patiently(self, hear: Callable[[str], object]) -> None:
        """Open, again and again with growing pauses until it works; `hear` is told each time why it did not."""
        pause_s = FIRST_WAIT_S
        while True:
            try:
                await self.open()
            except TopicAwayError as error:
                hear(str(error))
                logger.warning("%s: waiting %.1f s: %s", self._client_id, pause_s, error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_WAIT_S)
            else:
                return

    async def poll(self, limit_s: float, max_records: int) -> list[Record]:
        """New records, each partition's in order; none if nothing came within `limit_s`."""
        if self._consumer is None:
            raise RuntimeError("poll() before open()")
        batches = await self._consumer.getmany(timeout_ms=round(limit_s * 1000), max_records=max_records)
        for partition, records in batches.items():
            self.positions[partition.topic][partition.partition] = records[-1].offset + 1
        return [record for records in batches.values() for record in records]

    async def close(self) -> None:
        """Let go of the connections."""
        if self._consumer is not None:
            await _stop(self._consumer)
            self._consumer = None

    async def _look(self) -> tuple[str, list[TopicPartition]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, client_id=self._client_id)
        try:
            await admin.start()
            cluster = str((await admin.describe_cluster())["cluster_id"])
            topics = await admin.describe_topics(list(self._rewind))
        finally:
            await admin.close()
        missing = sorted(topic["topic"] for topic in topics if not topic["partitions"])
        if missing:
            raise TopicAwayError(f"Kafka at {self._bootstrap} has no topic {', '.join(missing)} yet")
        found = [TopicPartition(topic["topic"], one["partition"]) for topic in topics for one in topic["partitions"]]
        return cluster, found

    async def _seek(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for partition in partitions:
            offset = max(begins[partition], ends[partition] - self._rewind[partition.topic])
            consumer.seek(partition, offset)
            self.positions.setdefault(partition.topic, {})[partition.partition] = offset
            self.ends.setdefault(partition.topic, {})[partition.partition] = ends[partition]


async def read_spans(
    bootstrap: str, client_id: str, topic: str, spans: Mapping[int, tuple[int, int]], limit_s: float
) -> list[Record] | None:
    """The records of [begin, end) of each partition, in order; None if the log no longer holds them all.

    Raises TopicAwayError if that takes longer than `limit_s`.
    """
    wanted = {TopicPartition(topic, number): span for number, span in spans.items() if span[0] < span[1]}
    if not wanted:
        return []
    consumer: AIOKafkaConsumer | None = None
    try:
        async with asyncio.timeout(limit_s):
            consumer = await _assigned(bootstrap, client_id, list(wanted))
            begins = await consumer.beginning_offsets(list(wanted))
            if any(begins[partition] > span[0] for partition, span in wanted.items()):
                return None
            return await _read(consumer, wanted)
    except (KafkaError, TimeoutError) as error:
        raise TopicAwayError(f"Kafka at {bootstrap}: {error!r}") from error
    finally:
        if consumer is not None:
            await _stop(consumer)


async def _read(consumer: AIOKafkaConsumer, wanted: Mapping[TopicPartition, tuple[int, int]]) -> list[Record]:
    for partition, (begin, _) in wanted.items():
        consumer.seek(partition, begin)
    found: list[Record] = []
    unread = dict(wanted)
    while unread:
        for partition, records in (await consumer.getmany(timeout_ms=1000, max_records=SPAN_RECORDS)).items():
            _, end = wanted[partition]
            found += [record for record in records if record.offset < end]
            if records[-1].offset + 1 >= end:
                unread.pop(partition, None)
                consumer.pause(partition)
    return found


async def _assigned(bootstrap: str, client_id: str, partitions: list[TopicPartition]) -> Any:
    consumer = make_consumer(bootstrap, client_id, fetch_wait_s=FETCH_WAIT_S)
    try:
        await consumer.start()
    except BaseException:
        await _stop(consumer)
        raise
    consumer.assign(partitions)
    return consumer


async def _stop(consumer: AIOKafkaConsumer) -> None:
    try:
        async with asyncio.timeout(CLOSE_LIMIT_S):
            await consumer.stop()
    except (KafkaError, TimeoutError) as error:
        logger.warning("a Kafka consumer did not close in good order: %r", error)
