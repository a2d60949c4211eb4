"""A provider's ticks stand in the log in order, in their partitions, heartbeats in their places, in either form."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from infra.kafka.reader import Reader, chunk_of
from ingest.batch import MAX_RECORD_BYTES
from ingest.file import FileOptions, FileProvider
from ingest.lane import LaneLimits, PublishError
from ingest.provider import Provider
from ingest.run import IngestConfig, IngestProgress, run_ingest
from ingest.sim import SimProvider
from ingest.sim_options import SimOptions
from schemas.control import Heartbeat, Mark, SourceEnd
from schemas.decode import decode_chunk
from schemas.partitioning import partition_of
from schemas.symbols import SymbolTable
from schemas.topics import TICKS, TICKS_DEAD
from tests.support.scanning import make_topics, records_of
from tests.support.tick_log import PARTITIONS, SECOND_NS
from tests.unit.ingest.reading import batches_of

T = 1_700_000_000 * SECOND_NS
OPTIONS = SimOptions(symbols=40, rate=400, history_rate=400, start=time(19, 59), live=time(19, 59), history_days=1)
Trade = tuple[int, float, float, int, int, int]


@pytest.fixture
def broker(kafka_runtime: KafkaRuntime, tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker of the test's own with all topics."""
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        asyncio.run(make_topics(broker.bootstrap))
        yield broker


async def ingest(config: IngestConfig, provider: Provider) -> IngestProgress:
    """To the provider's end."""
    return await run_ingest(config, provider, asyncio.Event(), hear=lambda _: None)


async def log_of(bootstrap: str) -> tuple[dict[str, list[Trade]], dict[int, tuple[np.ndarray, list[Mark]]]]:
    """Trades of each symbol, and event times and marks of each partition, in log order; all of it sound."""
    trades: defaultdict[str, list[Trade]] = defaultdict(list)
    parts = {}
    async with Reader(bootstrap, TICKS.name) as reader:
        for whole in await reader.ranges():
            symbols = SymbolTable(whole.partition, PARTITIONS)
            records = [record async for batch in reader.read(whole) for record in batch]
            batch = decode_chunk(chunk_of(records), symbols)
            assert batch.rejected == []
            assert all(r.key is None or partition_of(r.key.decode(), PARTITIONS) == whole.partition for r in records)
            t = batch.trades
            columns = (t.ts, t.price, t.size, t.flags, t.id_high, t.id_low)
            for number, *row in zip(t.symbol.tolist(), *(column.tolist() for column in columns), strict=True):
                trades[symbols.names[number]].append(tuple(row))
            parts[whole.partition] = t.ts, batch.marks
    return trades, parts


def expected(provider: Provider) -> dict[str, list[Trade]]:
    """Trades of each symbol as the provider gives them."""
    trades: defaultdict[str, list[Trade]] = defaultdict(list)
    for batch in batches_of(provider):
        t = batch.trades
        columns = (t.ts, t.price, t.size, t.flags, t.id_high, t.id_low)
        for number, *row in zip(t.symbol.tolist(), *(column.tolist() for column in columns), strict=True):
            trades[batch.names[number]].append(tuple(row))
    return trades


@pytest.mark.parametrize("form", ["json", "frame"])
def test_each_symbol_keeps_its_order_in_its_partition_with_heartbeats_between_seconds(
    broker: KafkaBroker, form: str
) -> None:
    config = IngestConfig(broker.bootstrap, speed=0, frame_trades=50, lanes=LaneLimits(batches=1))
    config = replace(config, form="frame") if form == "frame" else config

    wanted = expected(SimProvider(OPTIONS))

    async def check() -> None:
        progress = await ingest(config, SimProvider(OPTIONS))
        trades, parts = await log_of(broker.bootstrap)
        assert trades == wanted
        assert progress.done
        assert progress.ticks == sum(map(len, trades.values())) > 1_000
        assert parts.keys() == set(range(PARTITIONS))
        beats = [[m.event.ts_ns for m in marks if isinstance(m.event, Heartbeat)] for _, marks in parts.values()]
        assert all(one == beats[0] == sorted(set(one)) for one in beats), "the same in every partition"
        assert len(beats[0]) > 40
        for ts, marks in parts.values():
            for mark in marks:
                if isinstance(mark.event, Heartbeat):
                    assert (ts[: mark.row] < mark.event.ts_ns).all()
                    assert (ts[mark.row :] >= mark.event.ts_ns).all()
            assert isinstance(marks[-1].event, SourceEnd)
            assert marks[-1].row == len(ts)

    asyncio.run(check())


def lines_of(path: Path, lines: Sequence[bytes]) -> FileProvider:
    """A provider of these lines."""
    path.write_bytes(b"\n".join(lines))
    return FileProvider(FileOptions(path=str(path)))


def test_what_is_no_tick_is_a_dead_letter_with_its_line_and_the_others_are_sent(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    good = [b'{"symbol":"A","ts":%d,"price":%d,"size":1,"venue":"kept"}' % (T + n, n + 1) for n in range(3)]
    too_long = good[0][:-1] + b',"x":"%s"}' % (b"y" * 2_000_000)
    bad = [
        (b"{", "a.jsonl:2: json: Input data was truncated"),
        (b'{"symbol":"A","ts":%d,"price":1.00000000001,"size":1}' % T, "a.jsonl:3: price: more than 9 decimals"),
        (too_long, f"a.jsonl:4: record: {len(too_long)} bytes are more than the {MAX_RECORD_BYTES} that one may have"),
        (b'{"symbol":"A B","ts":%d,"price":1,"size":1}' % T, "a.jsonl:5: symbol: not 1 to 32 of"),
    ]
    provider = lines_of(tmp_path / "a.jsonl", [good[0], *(value for value, _ in bad), good[1], good[2]])

    async def check() -> None:
        progress = await ingest(IngestConfig(broker.bootstrap, speed=0), provider)
        assert (progress.ticks, progress.refused) == (3, 4)
        sent = await records_of(broker.bootstrap, TICKS.name)
        assert [record.value for record in sent if record.key == b"A"] == good
        dead = {}
        for record in await records_of(broker.bootstrap, TICKS_DEAD.name):
            headers = {name.removeprefix("__connect.errors."): value.decode() for name, value in record.headers}
            assert (headers["topic"], headers["stage"], headers["index"]) == ("file", "ingest", "-1")
            dead[int(headers["offset"])] = (record.value, headers["exception.message"])
        assert sorted(dead) == [2, 3, 4, 5]
        for number, (value, reason) in enumerate(bad, 2):
            assert dead[number][0] == value[:MAX_RECORD_BYTES]
            assert dead[number][1].startswith(reason)

    asyncio.run(check())


def test_events_without_a_tick_among_them_are_sent_at_any_speed(broker: KafkaBroker, tmp_path: Path) -> None:
    given = {"kind": "daily", "ts": T, "open": 1, "high": 1, "low": 1, "close": 1, "volume": 1}
    supplied = {"kind": "reference", "ts": T, "float": 2e7, "earnings": T + SECOND_NS}
    lines = [msgspec.json.encode(one | {"symbol": f"S{number}"}) for number in range(8) for one in (given, supplied)]

    async def check() -> None:
        for speed in (0, 1):
            await ingest(IngestConfig(broker.bootstrap, speed=speed), lines_of(tmp_path / "a.jsonl", lines))
            sent = [record for record in await records_of(broker.bootstrap, TICKS.name) if record.key is not None]
            assert sorted(record.value for record in sent) == sorted(lines * (speed + 1))
            assert all(partition_of(record.key.decode(), PARTITIONS) == record.partition for record in sent)

    asyncio.run(check())


def test_without_topics_ingest_says_what_is_missing(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        from infra.kafka_clients import make_producer
        from ingest.publisher import Publisher

        async def check() -> None:
            producer = make_producer(broker.bootstrap, "test")
            await producer.start()
            try:
                with pytest.raises(PublishError, match=f"topic {TICKS.name} is not there; create the topics first"):
                    await Publisher.open(producer, limit_s=1.0)
            finally:
                await producer.stop()

        asyncio.run(check())
