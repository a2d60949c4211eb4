"""A lane holds back its source where the broker is slow, keeps order, and never sends twice what was taken."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError, NotLeaderForPartitionError

from infra.kafka_clients import BatchBuilder
from ingest.lane import Lane, LaneCounts, LaneLimits, PublishError

PER_BATCH = 3


class Batch:
    """Takes three records."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []

    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> object | None:
        if len(self.values) == PER_BATCH:
            return None
        self.values.append(value)
        return object()

    def record_count(self) -> int:
        return len(self.values)

    def size(self) -> int:
        return sum(len(value or b"") for value in self.values)


class Producer:
    """A broker that acknowledges when it is told to. `errors`: what the next batches meet."""

    def __init__(self, *errors: Exception | None) -> None:
        self.open, self.taken, self.errors = asyncio.Event(), list[bytes | None](), list(errors)

    def create_batch(self) -> BatchBuilder:
        return Batch()

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Awaitable[Any]:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.taken += batch.values

        async def acknowledged() -> None:
            await self.open.wait()

        return acknowledged()

    async def partitions_for(self, topic: str) -> set[int]:
        return {0}


def records(count: int) -> list[tuple[bytes | None, bytes]]:
    return [(None, b"%d" % number) for number in range(count)]


def test_a_slow_broker_holds_the_source_back_and_order_is_kept() -> None:
    async def check() -> None:
        producer, counts = Producer(), LaneCounts()
        lane = Lane(producer, "t", 0, LaneLimits(batches=2), counts)
        adding = asyncio.create_task(lane.add(records(100)))
        for _ in range(200):
            await asyncio.sleep(0)
        assert not adding.done()
        assert lane.waiting == 2
        assert counts.records <= PER_BATCH * 4, "one in flight, two wait, one is held back"
        assert counts.held_back > 0
        producer.open.set()
        await adding
        await lane.close()
        assert producer.taken == [value for _, value in records(100)]
        assert counts.acknowledged == 100

    asyncio.run(check())


def test_what_the_client_did_not_take_is_given_again() -> None:
    async def check() -> None:
        producer, counts = Producer(None, NotLeaderForPartitionError(), NotLeaderForPartitionError()), LaneCounts()
        producer.open.set()
        lane = Lane(producer, "t", 0, LaneLimits(), counts)
        await lane.add(records(10))
        await lane.close()
        assert producer.taken == [value for _, value in records(10)]
        assert counts.retries == 2

    asyncio.run(check())


def test_what_the_broker_refuses_ends_the_lane_with_its_place() -> None:
    async def check() -> None:
        lane = Lane(Producer(MessageSizeTooLargeError()), "t", 3, LaneLimits(batches=1), LaneCounts())
        with pytest.raises(PublishError, match="t/3: MessageSizeTooLargeError"):
            await lane.add(records(100))
        await lane.abandon()

    asyncio.run(check())


def test_without_an_acknowledgement_a_lane_gives_up() -> None:
    async def check() -> None:
        lane = Lane(Producer(), "t", 3, LaneLimits(delivery_s=0.01), LaneCounts())
        await lane.add(records(1))
        with pytest.raises(PublishError, match=r"t/3: not acknowledged within 0.01 s"):
            await lane.close()

    asyncio.run(check())
