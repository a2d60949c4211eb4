"""The sink over a real broker and a real ClickHouse: everything stored once, whatever is repeated, broken or away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition

from agents.sink import Sink
from agents.sink_lane import MAX_DEAD_BYTES, SinkLimits
from infra.clickhouse import ClickHouse, ClickHouseConfig
from infra.clickhouse_queries import AlertFilter, newest_alerts, newest_bars
from infra.embedded.clickhouse import ChdbServer
from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from infra.kafka.application import ApplicationConfig, new_application, run_application
from schemas.alert import Alert, encode_alert, encode_body
from schemas.bar import encode_bar
from schemas.dead_letter import reason_of
from schemas.metrics import encode_metrics, lines_of
from schemas.topics import ALERTS, ALERTS_DEAD, BARS, BARS_DEAD, METRICS, METRICS_DEAD, Topic
from tests.support.alerts import make_alert, make_bar, make_metrics
from tests.support.edge import PARTITIONS, create_topics, eventually, send
from tests.support.history import new_config, rows
from tests.support.servers import unique_name

APP_ID = "sink-test"
LIMITS = SinkLimits(insert_rows=500, waiting_rows=1_000, interval_s=0.05, away_s=60.0)
MAX_NS = 4_000_000_000_000_000_000


@pytest.fixture
def broker(kafka_runtime: KafkaRuntime, tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker of the test's own, as the topics have fixed names."""
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        asyncio.run(create_topics(broker.bootstrap))
        yield broker


@pytest.fixture
def history(clickhouse_server: ChdbServer) -> ClickHouseConfig:
    return new_config(clickhouse_server)


@contextlib.asynccontextmanager
async def running_sink(
    broker: KafkaBroker, history: ClickHouseConfig, folder: Path, failures: list[str] | None = None
) -> AsyncIterator[Sink]:
    """A sink that stores until the end of the block. What fails goes to `failures`, or fails the test."""
    failed: list[str] = [] if failures is None else failures
    stop = asyncio.Event()
    sink = Sink(ClickHouse(history), LIMITS, lambda reason, error: failed.append(reason))
    app = new_application(ApplicationConfig(APP_ID, broker.bootstrap, folder / unique_name("sink")))
    sink.register(app)
    await sink.open()
    running = asyncio.create_task(run_application(app, stop, lambda reason, error: failed.append(reason)))
    try:
        yield sink
    finally:
        stop.set()
        try:
            await running
        finally:
            await sink.close()
    assert failed == (failures or [])


async def all_committed(broker: KafkaBroker, topic: Topic) -> bool:
    """Whether the group has committed the ends of a topic."""
    partitions = [TopicPartition(topic.name, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await consumer.start()
    await admin.start()
    try:
        ends = await consumer.end_offsets(partitions)
        committed: dict[TopicPartition, OffsetAndMetadata] = await admin.list_consumer_group_offsets(APP_ID)
        return all(ends[one] == 0 or (one in committed and committed[one].offset == ends[one]) for one in partitions)
    except GroupCoordinatorNotAvailableError:
        return False  # a new broker has no group yet
    finally:
        await admin.close()
        await consumer.stop()


async def until_committed(broker: KafkaBroker, *topics: Topic) -> None:
    async with asyncio.timeout(30):
        for topic in topics:
            while not await all_committed(broker, topic):
                pass


async def records_of(broker: KafkaBroker, topic: Topic) -> list[ConsumerRecord]:
    """Everything in a topic, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        unread = sum((await consumer.end_offsets(partitions)).values())
        found: list[ConsumerRecord] = []
        while len(found) < unread:
            for batch in (await consumer.getmany(timeout_ms=1000)).values():
                found += batch
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        await consumer.stop()


def run(check: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await check()

    asyncio.run(main())


async def check_alerts(history: ClickHouseConfig, alerts: list[Alert]) -> None:
    """Exactly these alerts, in order of event time, with their very bytes."""
    database = ClickHouse(history)
    found = await newest_alerts(database, AlertFilter(), 100_000)
    await database.close()
    assert [bytes(stored.body) for _, stored in reversed(found)] == [encode_body(alert.body) for alert in alerts]


def test_alerts_and_bars_of_all_partitions_are_stored(
    broker: KafkaBroker, history: ClickHouseConfig, tmp_path: Path
) -> None:
    alerts = [make_alert(number) for number in range(2_000)]
    bars = [make_bar(number) for number in range(1_000)]

    async def check() -> None:
        await send(broker.bootstrap, ALERTS.name, ((n % 2, encode_alert(alert)) for n, alert in enumerate(alerts)))
        async with running_sink(broker, history, tmp_path) as sink:
            assert sink.ready() == []
            await send(broker.bootstrap, BARS.name, ((1, encode_bar(bar)) for bar in [*bars, make_bar(3, rev=1)]))
            await until_committed(broker, ALERTS, BARS)
            stats = sink.stats()
            assert (stats["alerts"].rows, stats["bars"].rows) == (2_000, 1_001)
            assert stats["alerts"].inserts < 40
            assert stats["alerts"].lag == {0: 0, 1: 0}
            assert stats["alerts"].waiting_rows == 0
        await check_alerts(history, alerts)
        database = ClickHouse(history)
        bars[3] = make_bar(3, rev=1)
        assert await newest_bars(database, "ACME", "1m", 0, MAX_NS, 5_000) == bars
        await database.close()

    run(check)


def test_figures_are_stored_once_a_close_and_what_is_none_is_set_aside(
    broker: KafkaBroker, history: ClickHouseConfig, tmp_path: Path
) -> None:
    records = [make_metrics(number, symbol) for number in range(300) for symbol in ("ACME", "BETA")]
    poison = encode_metrics(records[0]).replace(b'["ema(20, 1m)",', b"[")

    async def check() -> None:
        values = [encode_metrics(record) for record in records]
        await send(broker.bootstrap, METRICS.name, ((n % 2, value) for n, value in enumerate(values)))
        async with running_sink(broker, history, tmp_path) as sink:
            await until_committed(broker, METRICS)
            await send(broker.bootstrap, METRICS.name, [(0, value) for value in (poison, *values[100:200])])
            await until_committed(broker, METRICS)
            assert (sink.stats()["metrics"].rows, sink.stats()["metrics"].dead_letters) == (700, 1)
        database = ClickHouse(history)
        found = await rows(
            database, "SELECT symbol, timeframe, toUnixTimestamp64Nano(start), name, value FROM metrics FINAL"
        )
        await database.close()
        lines = [line for record in records for line in lines_of(record)]
        assert len(lines) == 1_000
        assert sorted(found) == sorted((one.symbol, one.timeframe, one.start, one.name, one.value) for one in lines)
        (dead,) = await records_of(broker, METRICS_DEAD)
        assert reason_of(list(dead.headers)) == "ValueError: 1 names and 2 values"

    run(check)


def test_poison_is_set_aside_with_its_place_and_the_rest_goes_on(
    broker: KafkaBroker, history: ClickHouseConfig, tmp_path: Path
) -> None:
    good = [make_alert(1), make_alert(2)]
    large = b'{"body":"' + b"x" * (MAX_DEAD_BYTES + 100_000) + b'"}'
    values = [encode_alert(good[0]), b"", b"{", None, b'{"body":{}}', large, encode_alert(good[1])]

    async def check() -> None:
        await send(broker.bootstrap, ALERTS.name, [(1, value) for value in values])
        await send(broker.bootstrap, BARS.name, [(0, encode_bar(make_bar(1)).replace(b'"1m"', b'"7m"'))])
        async with running_sink(broker, history, tmp_path) as sink:
            await until_committed(broker, ALERTS, BARS)
            assert (sink.stats()["alerts"].dead_letters, sink.stats()["bars"].dead_letters) == (5, 1)
        await check_alerts(history, good)
        dead = await records_of(broker, ALERTS_DEAD)
        assert [(one.partition, one.key, one.value) for one in dead] == [
            (1, b"key", (value or b"")[:MAX_DEAD_BYTES]) for value in values[1:-1]
        ]
        headers = [dict(one.headers) for one in dead]
        assert [one["__connect.errors.offset"] for one in headers] == [b"1", b"2", b"3", b"4", b"5"]
        assert "ValidationError: Object missing required field" in reason_of(list(dead[3].headers))
        assert reason_of(list(dead[4].headers)).endswith(f"(the first {MAX_DEAD_BYTES} of {len(large)} bytes are kept)")
        (bar,) = await records_of(broker, BARS_DEAD)
        assert reason_of(list(bar.headers)).startswith("ValueError: timeframe '7m' is none of")

    run(check)


def test_what_is_read_again_after_a_restart_is_there_once(
    broker: KafkaBroker, history: ClickHouseConfig, tmp_path: Path
) -> None:
    alerts = [make_alert(number) for number in range(700)]

    async def forget_commits() -> None:
        """As after a crash between an insert and its commit, only more of it."""
        consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=APP_ID, enable_auto_commit=False)
        first = TopicPartition(ALERTS.name, 0)
        consumer.assign([first])
        await consumer.start()
        await consumer.commit({first: 0})
        await consumer.stop()

    async def check() -> None:
        await send(broker.bootstrap, ALERTS.name, ((0, encode_alert(alert)) for alert in alerts[:500]))
        async with running_sink(broker, history, tmp_path):
            await until_committed(broker, ALERTS)
        await forget_commits()
        async with running_sink(broker, history, tmp_path) as sink:
            await send(broker.bootstrap, ALERTS.name, ((0, encode_alert(alert)) for alert in alerts[500:]))
            await until_committed(broker, ALERTS)
            assert sink.stats()["alerts"].rows == 700
        async with running_sink(broker, history, tmp_path) as sink:
            await send(broker.bootstrap, ALERTS.name, [(0, encode_alert(alerts[0]))])
            await until_committed(broker, ALERTS)
            assert sink.stats()["alerts"].rows == 1
        await check_alerts(history, alerts)
        database = ClickHouse(history)
        assert await rows(database, "SELECT count(), uniqExact(id) FROM alerts FINAL") == [(700, 700)]
        await database.close()

    run(check)


def test_nothing_is_committed_while_clickhouse_is_away(
    broker: KafkaBroker, clickhouse_engine: None, tmp_path: Path
) -> None:
    alerts = [make_alert(number) for number in range(300)]

    with ChdbServer(tmp_path / "clickhouse") as server:
        history = ClickHouseConfig(server.host, server.port)

        async def check() -> None:
            async with running_sink(broker, history, tmp_path) as sink:
                await send(broker.bootstrap, ALERTS.name, ((0, encode_alert(alert)) for alert in alerts[:100]))
                await until_committed(broker, ALERTS)
                await asyncio.to_thread(server.kill)
                await send(broker.bootstrap, ALERTS.name, ((0, encode_alert(alert)) for alert in alerts[100:]))
                await eventually(sink.ready)
                assert sink.ready()[0].startswith(f"ClickHouse at {server.host}:{server.port}: ")
                assert not await all_committed(broker, ALERTS)
                await asyncio.to_thread(server.start)
                await until_committed(broker, ALERTS)
                assert sink.ready() == []
            await check_alerts(history, alerts)

        run(check)


def test_a_failure_that_waiting_does_not_cure_is_reported(
    broker: KafkaBroker, history: ClickHouseConfig, tmp_path: Path
) -> None:
    failures: list[str] = []

    async def check() -> None:
        async with running_sink(broker, history, tmp_path, failures):
            database = ClickHouse(history)
            await database.run(lambda client: client.command("ALTER TABLE alerts DROP COLUMN body"))
            await database.close()
            await send(broker.bootstrap, ALERTS.name, [(0, encode_alert(make_alert(1)))])
            await eventually(lambda: failures)
            assert not await all_committed(broker, ALERTS)

    run(check)
    assert failures == ["storing alerts failed"]
