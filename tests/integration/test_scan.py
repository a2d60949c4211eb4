"""A scan worker on a real broker gives exactly what the engine gives without one, whatever it is sent."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faust.types import TP

from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from schemas.control import encode_rule_set_switch
from schemas.live import decode_live
from schemas.metrics import decode_metrics
from schemas.partitioning import partition_of
from schemas.topics import LIVE, METRICS, TICKS
from tests.support.scanning import all_committed, make_topics, records_of, role, running_worker, told
from tests.support.tick_log import MORE_RULES, PARTITIONS, RULES, Market, apply_rules, offline_answer, write


@pytest.fixture
def broker(kafka_runtime: KafkaRuntime, tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker of the test's own, as the topics have fixed names."""
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        asyncio.run(make_topics(broker.bootstrap))
        yield broker


async def same_as_offline(bootstrap: str) -> list[str]:
    """Assert that the topics hold what the log says; the ids of all alerts told."""
    answer, ids = await told(bootstrap)
    expected = await offline_answer(bootstrap)
    assert len(expected.alerts) > 20
    assert len(expected.bars) > 20
    assert answer.alerts == expected.alerts
    assert answer.bars == expected.bars
    assert len(expected.metrics) > 20
    assert answer.metrics == expected.metrics
    assert answer.dead == expected.dead
    return ids


def test_json_frames_and_poison_give_what_the_engine_gives(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        market = Market()
        await apply_rules(broker.bootstrap, RULES)
        await write(broker.bootstrap, market.seconds(200, poison=True))
        async with running_worker(role(broker.bootstrap, tmp_path / "one")):
            await write(broker.bootstrap, market.seconds(100, poison=True))
            await all_committed(broker.bootstrap)
        ids = await same_as_offline(broker.bootstrap)
        assert len(set(ids)) == len(ids)
        assert (await told(broker.bootstrap))[0].dead
        live = [decode_live(record.value) for record in await records_of(broker.bootstrap, LIVE.name)]
        assert {quote.symbol for batch in live for quote in batch.quotes} == {f"C{n}-USD" for n in range(40)}
        figures = [batch.figures for batch in live if batch.figures is not None]
        assert {one.symbol for some in figures for one in some.metrics} == {f"C{n}-USD" for n in range(40)}
        assert all({"sma(5, 1m)", "ema(5, 1m)"} <= set(some.names) for some in figures)

    asyncio.run(check())


def test_figures_that_a_setting_names_are_told_as_well_as_those_of_rules_or_instead(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    async def check() -> None:
        market = Market(seed=3)
        await write(broker.bootstrap, market.seconds(130))
        async with running_worker(role(broker.bootstrap, tmp_path / "one", metrics=("close(1m)", "vwap"))):
            await all_committed(broker.bootstrap)
        before, _ = await told(broker.bootstrap)
        assert {decode_metrics(value).names for value in before.metrics.values()} == {("close(1m)", "vwap")}
        await apply_rules(broker.bootstrap, RULES)
        await write(broker.bootstrap, market.seconds(120))
        async with running_worker(role(broker.bootstrap, tmp_path / "one", metrics=("close(1m)",))):
            await all_committed(broker.bootstrap)
        names = {
            name for value in (await told(broker.bootstrap))[0].metrics.values() for name in decode_metrics(value).names
        }
        assert {"close(1m)", "vwap", "sma(5, 1m)", "ema(5, 1m)"} <= names
        count = len(await records_of(broker.bootstrap, METRICS.name))
        await write(broker.bootstrap, market.seconds(120))
        async with running_worker(role(broker.bootstrap, tmp_path / "one", metrics_of_rules=False)):
            await all_committed(broker.bootstrap)
        assert len(await records_of(broker.bootstrap, METRICS.name)) == count
        answer, expected = (await told(broker.bootstrap))[0], await offline_answer(broker.bootstrap)
        assert answer.bars == expected.bars
        assert answer.alerts == expected.alerts

    asyncio.run(check())


def test_a_clean_stop_and_start_tells_nothing_twice(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        market = Market(seed=2)
        await apply_rules(broker.bootstrap, RULES)
        for _ in range(3):
            async with running_worker(role(broker.bootstrap, tmp_path / "one")):
                await write(broker.bootstrap, market.seconds(120))
                await all_committed(broker.bootstrap)
        ids = await same_as_offline(broker.bootstrap)
        assert len(set(ids)) == len(ids)

    asyncio.run(check())


def test_another_machine_takes_the_state_from_the_changelog(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        market = Market(seed=3)
        await apply_rules(broker.bootstrap, RULES)
        for machine in ("one", "two", "three"):
            await write(broker.bootstrap, market.seconds(100))
            async with running_worker(role(broker.bootstrap, tmp_path / machine)) as worker:
                await all_committed(broker.bootstrap)
                positions = {number: p.position for number, p in worker.scan.stats.partitions.items()}
            assert len(positions) == 4
        ids = await same_as_offline(broker.bootstrap)
        assert len(set(ids)) == len(ids)

    asyncio.run(check())


def test_a_shard_too_large_for_one_batch_is_written_in_several(
    broker: KafkaBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.topology.STATE_BATCH_BYTES", 4_000)

    async def check() -> None:
        market = Market(seed=8)
        await apply_rules(broker.bootstrap, RULES)
        for machine in ("one", "two"):
            await write(broker.bootstrap, market.seconds(150))
            async with running_worker(role(broker.bootstrap, tmp_path / machine)):
                await all_committed(broker.bootstrap)
        await same_as_offline(broker.bootstrap)

    asyncio.run(check())


def test_a_rule_set_is_switched_where_it_stands_in_the_log(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        market = Market(seed=4)
        await apply_rules(broker.bootstrap, RULES, seq=5)
        async with running_worker(role(broker.bootstrap, tmp_path / "one")) as worker:
            await write(broker.bootstrap, market.seconds(100))
            second = await apply_rules(broker.bootstrap, MORE_RULES, seq=6)
            await apply_rules(broker.bootstrap, RULES, seq=6)
            await write(broker.bootstrap, {n: [encode_rule_set_switch("nowhere", 5)] for n in range(PARTITIONS)})
            await write(broker.bootstrap, market.seconds(100))
            await all_committed(broker.bootstrap)
            assert worker.scan.stats.summary()["rule_sets"] == [second]
            assert {p.rule_set_seq for p in worker.scan.stats.partitions.values()} == {6}
        await same_as_offline(broker.bootstrap)

    asyncio.run(check())


async def heartbeat_times(bootstrap: str) -> dict[int, list[int]]:
    """By partition, in log order."""
    times: dict[int, list[int]] = {}
    for record in await records_of(bootstrap, TICKS.name):
        if record.value.startswith(b'{"hb"'):
            times.setdefault(record.partition, []).append(msgspec.json.decode(record.value)["hb"])
    return times


def test_a_worker_writes_heartbeats_where_a_setting_says_so_and_acts_on_what_stands_in_the_log(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    async def check() -> None:
        await apply_rules(broker.bootstrap, RULES)
        now_ns = time.time_ns()
        ticks = [{"symbol": "C0-USD", "ts": now_ns - n * 10**9, "price": 1.5, "size": 1} for n in range(130, 60, -1)]
        partition = partition_of("C0-USD", PARTITIONS)
        await write(broker.bootstrap, {partition: [msgspec.json.encode(tick) for tick in ticks]})
        made = role(broker.bootstrap, tmp_path / "one", heartbeat_s=0.1, heartbeat_delay_s=0.0)
        times: dict[int, list[int]] = {}
        async with running_worker(made) as worker, asyncio.timeout(60):
            while worker.scan.stats.summary()["bars"] < 2 or times.keys() != set(range(PARTITIONS)):
                await asyncio.sleep(0.05)
                times = await heartbeat_times(broker.bootstrap)
        assert all(found == sorted(found) and found[0] >= now_ns for found in times.values())
        async with running_worker(role(broker.bootstrap, tmp_path / "one")):
            await all_committed(broker.bootstrap)
        assert (await told(broker.bootstrap))[0].bars == (await offline_answer(broker.bootstrap)).bars

    asyncio.run(check())


def test_records_of_a_poll_that_a_rebalance_overtakes_come_again(broker: KafkaBroker, tmp_path: Path) -> None:
    """Its answer belongs to no generation, and yet reading stands behind it."""

    async def check() -> None:
        await apply_rules(broker.bootstrap, RULES)
        market, polls, overtaken = Market(seed=21), 0, 0
        await write(broker.bootstrap, market.seconds(400))
        async with running_worker(role(broker.bootstrap, tmp_path / "one", max_poll_records=50)) as worker:
            consumer: Any = worker.faust.consumer
            getmany, may_read, is_over = consumer._getmany, consumer._may_read, False

            def resume() -> None:
                nonlocal is_over
                is_over = False

            async def overtaken_at_times(*args: Any, **options: Any) -> Any:
                nonlocal polls, overtaken, is_over
                records = await getmany(*args, **options)
                polls += bool(records)
                if records and polls % 3 == 0:
                    overtaken, is_over = overtaken + 1, True
                    asyncio.get_running_loop().call_soon(resume)
                return records

            consumer._getmany = overtaken_at_times
            consumer._may_read = lambda tp: not is_over and may_read(tp)
            await write(broker.bootstrap, market.seconds(400))
            await all_committed(broker.bootstrap, 30.0)
        assert overtaken > 5, polls
        await same_as_offline(broker.bootstrap)

    asyncio.run(check())


def test_a_full_queue_leaves_no_partition_out_of_the_polls(
    broker: KafkaBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll may last for a second after there is room again: whoever it leaves out stands still for as long."""
    monkeypatch.setattr("infra.kafka.consumer.LINGER_S", 0.0)  # so few records at a time would never fill it

    async def check() -> None:
        polled: list[set[TP]] = []
        async with running_worker(role(broker.bootstrap, tmp_path / "one", max_poll_records=20)) as worker:
            consumer: Any = worker.faust.consumer
            getmany = consumer._getmany

            async def noted(readable: set[TP], timeout_s: float) -> Any:
                polled.append(set(readable))
                return await getmany(readable, timeout_s)

            consumer._getmany = noted
            await write(broker.bootstrap, Market(seed=22).seconds(400))
            await all_committed(broker.bootstrap, 30.0)
            full = worker.faust.monitor.topic_buffer_full
        assert sum(full.values()) > 0, "the queue was never full"
        of_ticks = {frozenset(tp.partition for tp in one if tp.topic == TICKS.name) for one in polled}
        assert of_ticks - {frozenset()} == {frozenset(range(PARTITIONS))}

    asyncio.run(check())
