"""Kafka clients outside of Faust, made one way: every acknowledged record is on disk once and in order."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

__all__ = ["BatchBuilder", "BatchProducer", "KafkaError", "make_consumer", "make_producer"]

REQUEST_TIMEOUT_S = 120.0
MAX_BATCH_BYTES = 262_144


class BatchBuilder(Protocol):
    """Records that are sent together."""

    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> object | None:
        """Add a record; None: the batch is full and closed, the record is not in it."""

    def record_count(self) -> int:
        """How many records it holds."""

    def size(self) -> int:
        """How many bytes it takes."""


class BatchProducer(Protocol):
    """The part of aiokafka's producer that sends whole batches."""

    def create_batch(self) -> BatchBuilder:
        """An empty batch."""

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> Awaitable[Any]:
        """Hand the batch over, waiting while another of the partition waits; the result is acknowledged when it is
        done."""

    async def partitions_for(self, topic: str) -> set[int]:
        """The partitions of a topic."""


def make_producer(
    bootstrap: str,
    client_id: str,
    request_timeout_s: float = REQUEST_TIMEOUT_S,
    max_batch_bytes: int = MAX_BATCH_BYTES,
) -> AIOKafkaProducer:
    """An idempotent producer, acks=all, not started. Make it where its event loop runs.

    It repeats what the broker did not acknowledge, in order and without duplicates, for as long as the partition has a
    leader; without one for at most `request_timeout_s`, which should be longer than the longest outage to be survived.
    """
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=round(request_timeout_s * 1000),
        max_batch_size=max_batch_bytes,
        max_request_size=4 * max_batch_bytes,
    )


def make_consumer(
    bootstrap: str,
    client_id: str,
    group: str | None = None,
    max_partition_bytes: int = 1_048_576,
    fetch_wait_s: float = 0.1,
) -> AIOKafkaConsumer:
    """A consumer that reads from the beginning and commits nothing by itself, not started; assign or subscribe first.

    `fetch_wait_s`: how long the broker may hold back the answer while there is nothing to read.
    """
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=max_partition_bytes,
        fetch_max_wait_ms=round(fetch_wait_s * 1000),
        max_poll_records=None,
    )
