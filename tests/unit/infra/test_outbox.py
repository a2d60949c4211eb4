"""What waits is encoded a batch a turn of the event loop, so that no step waits long for its turn; express is not held
up."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer

from infra.kafka.outbox import Outbox, OutboxError

TO_A_BATCH = 10


@dataclass
class Batch:
    values: list[Any] = field(default_factory=list)

    def append(self, *, timestamp: None, key: Any, value: Any, headers: Any) -> object | None:
        if len(self.values) == TO_A_BATCH:
            return None
        self.values.append(value)
        return self

    def record_count(self) -> int:
        return len(self.values)

    def size(self) -> int:
        return sum(map(len, self.values))


@dataclass
class Producer:
    """Acknowledges at once, unless it `fails`; notes in which turn of the loop each batch was begun."""

    turns: list[int]
    fails: bool = False
    begun_in: list[int] = field(default_factory=list)
    sent: list[tuple[str, int, list[Any]]] = field(default_factory=list)

    def create_batch(self) -> Batch:
        self.begun_in.append(self.turns[0])
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[None]:
        self.sent.append((topic, partition, batch.values))
        future = asyncio.get_running_loop().create_future()
        if self.fails:
            future.set_exception(RuntimeError("gone"))
        else:
            future.set_result(None)
        return future


async def count_turns(turns: list[int]) -> None:
    while True:
        turns[0] += 1
        await asyncio.sleep(0)


def outbox_of(bulk: Producer, express: Producer) -> Outbox:
    def encode(item: int) -> tuple[None, bytes, list[tuple[str, bytes]]]:
        return None, b"%d" % item, []

    producers = [cast(AIOKafkaProducer, cast(Any, one)) for one in (bulk, express)]
    encoders = dict.fromkeys(("bars", "alerts"), encode)
    return Outbox(producers[0], encoders, lambda error: None, {"alerts": producers[1]})


def test_one_batch_a_turn_and_express_beside_it() -> None:
    asyncio.run(_one_batch_a_turn())


async def _one_batch_a_turn() -> None:
    turns = [0]
    counting = asyncio.create_task(count_turns(turns))
    bulk, express = Producer(turns), Producer(turns)
    outbox = outbox_of(bulk, express)
    for partition in range(4):
        outbox.put("bars", partition, range(TO_A_BATCH))
    outbox.put("alerts", 3, range(15))
    for partition in range(4):
        await outbox.flush(partition)
    assert outbox.backlog() == 0
    assert len(bulk.begun_in) == len(set(bulk.begun_in)) == 4
    assert express.begun_in[0] == bulk.begun_in[0], "nothing holds up the first batch of alerts"
    assert {one[:2] for one in bulk.sent} == {("bars", partition) for partition in range(4)}
    assert [value for _, _, values in express.sent for value in values] == [b"%d" % i for i in range(15)]
    await outbox.close()
    counting.cancel()


def test_what_was_not_delivered_fails_every_later_flush() -> None:
    asyncio.run(_failed_flushes())


async def _failed_flushes() -> None:
    turns = [0]
    outbox = outbox_of(Producer(turns, fails=True), Producer(turns))
    outbox.put("bars", 0, [1])
    for _ in range(2):
        with pytest.raises(OutboxError, match="bars/0"):
            await outbox.flush(0)
    await outbox.close()
