"""Whatever stands in the tick topic, a worker sets it aside with its bytes, key, headers, place and reason, and goes
on."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from schemas.alert import decode_alert
from schemas.frame import FrameColumns, encode_frame
from schemas.partitioning import partition_of
from schemas.tick import REGULAR_TRADE
from schemas.topics import ALERTS, LATE, TICKS, TICKS_DEAD
from tests.support.scanning import all_committed, make_topics, records_of, role, running_worker
from tests.support.tick_log import PARTITIONS, SECOND_NS, apply_rules

HERE, ELSEWHERE = (
    next(f"X{n}-USD" for n in range(99) if (partition_of(f"X{n}-USD", 4) == 1) is s) for s in (True, False)
)
NUMBER = partition_of(HERE, PARTITIONS)
EVERY_TICK = [{"id": "all", "conditions": [{"metric": "price", "operator": ">", "value": 0}], "cooldown": 0}]
HEADERS = [("trace", b"7"), ("trace", b"\x00\xff")]
BATCH_OVERHEAD = 61 + 11
Sent = tuple[bytes | None, bytes | None]
"""Key and value."""


@pytest.fixture
def broker(kafka_runtime: KafkaRuntime, tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker of the test's own, as the topics have fixed names."""
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        asyncio.run(make_topics(broker.bootstrap))
        yield broker


def tick(price: object = 1, **changed: object) -> bytes:
    """A tick of a second ago."""
    given = {"symbol": HERE, "ts": time.time_ns() - SECOND_NS, "price": price, "size": 1}
    return msgspec.json.encode(given | changed)


def frame(prices: Sequence[float]) -> bytes:
    """Ticks of a second ago as a frame."""
    count, zeros = len(prices), np.zeros(len(prices), np.uint64)
    columns = FrameColumns(
        symbol=zeros.astype(np.uint16),
        ts=np.full(count, time.time_ns() - SECOND_NS),
        price=np.array(prices, np.float64),
        size=np.ones(count),
        flags=np.full(count, REGULAR_TRADE, np.uint8),
        ts_recv=zeros.astype(np.int64),
        id_high=zeros,
        id_low=zeros,
    )
    return encode_frame([HERE], columns)


@asynccontextmanager
async def producing(bootstrap: str, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=2**26, **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send(producer: AIOKafkaProducer, sent: Sent, headers: Sequence[tuple[str, bytes]] = ()) -> int:
    """Its offset in the partition of `HERE`."""
    key, value = sent
    made = await producer.send_and_wait(TICKS.name, value, key, partition=NUMBER, headers=list(headers))
    return int(made.offset)


def headers_of(record: Any) -> dict[str, str]:
    """Kafka Connect's error headers of a dead letter."""
    prefix = "__connect.errors."
    return {name.removeprefix(prefix): value.decode() for name, value in record.headers if name.startswith(prefix)}


async def prices_told(bootstrap: str) -> set[float | None]:
    """The prices that rules were evaluated with."""
    return {decode_alert(record.value).body.price for record in await records_of(bootstrap, ALERTS.name)}


def bad_records() -> dict[str, tuple[Sent, str, int]]:
    """What is sent, the reason it must get, and its index."""
    sound, now = frame([1, 2]), time.time_ns()
    corrupt = sound[:-3] + bytes([sound[-3] ^ 1]) + sound[-2:]
    key = HERE.encode()
    return {
        "cut JSON": ((key, tick()[:-5]), "json: Input data was truncated", -1),
        "no JSON": ((key, b"hello"), "json: JSON is malformed", -1),
        "no UTF-8": ((key, b'{"symbol":"\xff"}'), "json: ", -1),
        "two in one": ((key, tick() + b"\n" + tick()), "json: JSON is malformed: trailing characters", -1),
        "empty": ((key, b""), "record: empty", -1),
        "tombstone": ((key, None), "record: empty", -1),
        "a price as text": ((key, tick("1.5")), "json: Expected `float`, got `str` - at `$.price`", -1),
        "NaN": ((key, tick().replace(b'"price":1', b'"price":NaN')), "json: JSON is malformed", -1),
        "infinite": ((key, tick().replace(b'"price":1', b'"price":1e999')), "json: Number out of range", -1),
        "a price of 0": ((key, tick(0)), "price: 0.0 is missing or not a finite number above 0", 0),
        "a negative size": ((key, tick(size=-1)), "size: -1.0 is missing or not a finite number above 0", 0),
        "too many decimals": ((key, tick(1.0000000001)), "price: more than 9 decimals", 0),
        "does not fit": ((key, tick(1e14, size=1e14)), "value: price, size, their product", 0),
        "a blank in the symbol": ((b"A B", tick(symbol="A B")), "symbol: not 1 to 32 of", 0),
        "another's symbol": ((None, tick(symbol=ELSEWHERE)), "partition by murmur2", 0),
        "the far past": ((key, tick(ts=1_000)), "ts: 1000 is not a time in nanoseconds", 0),
        "an hour ahead": ((key, tick(ts=now + 3_600 * SECOND_NS)), "s ahead of the record's append time", 0),
        "2099": ((key, tick(ts=41 * 10**17)), "is not a time in nanoseconds since 1970", 0),
        "an unknown control record": ((None, b'{"pause":true}'), "neither a tick (no symbol) nor a known control", -1),
        "an unknown kind": ((None, tick(kind="x" * 2_000)), "kind: 'xxx", -1),
        "a heartbeat of nobody": ((None, b'{"hb":%d}' % now), "heartbeat: needs a source", -1),
        "a market that is none": ((key, tick(kind="reference", market="moon")), "market: 'moon' is none of", 0),
        "a cut frame": ((None, sound[:-1]), "frame: ", -1),
        "a corrupt frame": ((None, corrupt), "frame: checksum does not match", -1),
        "a frame of another version": ((None, b"\xf7\x09" + sound[2:]), "frame: unknown version 9", -1),
    }


def test_each_bad_record_is_a_dead_letter_and_the_next_tick_is_worked_on(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        await apply_rules(broker.bootstrap, EVERY_TICK)
        bad, places = bad_records(), dict[str, int]()
        async with running_worker(role(broker.bootstrap, tmp_path / "one")), producing(broker.bootstrap) as producer:
            for number, (name, (sent, _, _)) in enumerate(bad.items()):
                places[name] = await send(producer, sent, HEADERS)
                await send(producer, (HERE.encode(), tick(1_000 + number)))
            await all_committed(broker.bootstrap)
        dead = {int(headers_of(r)["offset"]): r for r in await records_of(broker.bootstrap, TICKS_DEAD.name)}
        assert sorted(dead) == sorted(places.values())
        for name, ((key, value), reason, index) in bad.items():
            letter, headers = dead[places[name]], headers_of(dead[places[name]])
            assert (letter.key, letter.value, letter.partition) == (key, value or b"", NUMBER), name
            assert list(letter.headers[:2]) == HEADERS
            assert reason in headers["exception.message"], name
            assert headers["exception.class.name"] == headers["exception.message"].partition(":")[0]
            assert (headers["topic"], headers["partition"], headers["index"]) == (TICKS.name, str(NUMBER), str(index))
            assert headers["stage"] == headers["class.name"] == "scan"
        assert {1_000.0 + number for number in range(len(bad))} == await prices_told(broker.bootstrap)

    asyncio.run(check())


def test_a_bad_trade_of_a_frame_is_set_aside_alone(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        await apply_rules(broker.bootstrap, EVERY_TICK)
        async with running_worker(role(broker.bootstrap, tmp_path / "one")), producing(broker.bootstrap) as producer:
            offset = await send(producer, (None, frame([10, math.nan, 11, -4.5, math.inf, 12])), HEADERS)
            await all_committed(broker.bootstrap)
        dead = await records_of(broker.bootstrap, TICKS_DEAD.name)
        found = [(headers_of(record)["offset"], headers_of(record)["index"]) for record in dead]
        assert found == [(str(offset), "1"), (str(offset), "3"), (str(offset), "4")]
        assert [msgspec.json.decode(record.value)["price"] for record in dead] == [None, -4.5, None]
        assert headers_of(dead[1])["exception.message"].startswith("price: -4.5 is missing or not a finite number")
        assert await prices_told(broker.bootstrap) == {10.0, 11.0, 12.0}

    asyncio.run(check())


def test_duplicates_and_late_ticks_are_counted_and_are_no_dead_letters(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        await apply_rules(broker.bootstrap, EVERY_TICK)
        now = time.time_ns()
        ticks = [
            tick(10, ts=now, id="1", exchange="X"),
            tick(11, ts=now, id="1", exchange="X"),
            tick(12, ts=now, id="1", exchange="Y"),
            tick(13, ts=now - 1),
            tick(14, ts=now - 3_600 * SECOND_NS),
            tick(15, ts=now),
        ]
        async with (
            running_worker(role(broker.bootstrap, tmp_path / "one")) as worker,
            producing(broker.bootstrap) as producer,
        ):
            for value in ticks:
                await send(producer, (HERE.encode(), value))
            await all_committed(broker.bootstrap)
            summary = worker.scan.stats.summary()
        assert (summary["duplicates"], summary["late"], summary["dead_letters"]) == (1, 1, 0)
        [late] = await records_of(broker.bootstrap, LATE.name)
        assert (late.key, msgspec.json.decode(late.value)["price"]) == (HERE.encode(), 14)
        assert await records_of(broker.bootstrap, TICKS_DEAD.name) == []
        assert {10.0, 12.0, 15.0} <= await prices_told(broker.bootstrap)
        assert not {11.0, 14.0} & await prices_told(broker.bootstrap)

    asyncio.run(check())


def test_a_record_as_large_as_the_broker_takes_is_kept_whole_and_a_larger_one_that_was_compressed_is_cut(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    async def check() -> None:
        await apply_rules(broker.bootstrap, EVERY_TICK)
        largest = b"x" * (TICKS.max_message_bytes - BATCH_OVERHEAD)
        async with running_worker(role(broker.bootstrap, tmp_path / "one")), producing(broker.bootstrap) as producer:
            with pytest.raises(MessageSizeTooLargeError):
                await send(producer, (None, largest + b"x"))
            places = [await send(producer, (None, largest))]
            async with producing(broker.bootstrap, compression_type="gzip") as compressing:
                places.append(await send(compressing, (None, 5 * largest), [("trace", b"7" * 10**6)]))
                places.append(await send(compressing, (3 * largest, b"")))
            await send(producer, (HERE.encode(), tick(7)))
            await all_committed(broker.bootstrap)
        dead = {
            int(headers_of(record)["offset"]): record for record in await records_of(broker.bootstrap, TICKS_DEAD.name)
        }
        assert sorted(dead) == places
        whole, *cut = (dead[place] for place in places)
        assert whole.value == largest
        assert len(cut[0].value) >= 100_000
        assert cut[0].value == largest[: len(cut[0].value)]
        for record in cut:
            assert "of which the first" in headers_of(record)["exception.message"]
        assert await prices_told(broker.bootstrap) == {7.0}

    asyncio.run(check())
