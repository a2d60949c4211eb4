"""Workers that are killed or stopped at any moment lose nothing and tell nothing new twice."""

import asyncio
import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from infra.kafka.fatal import EXIT_CODE
from tests.support.scanning import (
    all_committed,
    committed,
    make_topics,
    role,
    told,
    worker_process,
)
from tests.support.tick_log import RULES, Market, apply_rules, offline_answer, write

CLEAN_EXIT = 0


@pytest.fixture
def broker(kafka_runtime: KafkaRuntime, tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker of the test's own, as the topics have fixed names."""
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        asyncio.run(make_topics(broker.bootstrap))
        yield broker


async def feed(bootstrap: str, market: Market, seconds: int, pause_s: float = 0.02) -> None:
    """Write on, slowly enough that a kill falls into the middle."""
    for _ in range(seconds // 4):
        await write(bootstrap, market.seconds(4, poison=True))
        await asyncio.sleep(pause_s)


async def progress(bootstrap: str) -> None:
    """Wait until a worker commits something."""
    before = await committed(bootstrap)
    async with asyncio.timeout(60):
        while await committed(bootstrap) == before:  # noqa: ASYNC110  # a group tells nobody
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("fresh_disk", [False, True], ids=["same disk", "fresh disk"])
def test_killed_again_and_again(broker: KafkaBroker, tmp_path: Path, fresh_disk: bool) -> None:
    async def check() -> None:
        chance = random.Random(5)
        await apply_rules(broker.bootstrap, RULES)
        market, made = Market(seed=5), role(broker.bootstrap, tmp_path / "one", checkpoint_s=0.1)
        feeding = asyncio.create_task(feed(broker.bootstrap, market, 1200))
        for _ in range(4):
            with worker_process(made, tmp_path / "worker.log"):
                await progress(broker.bootstrap)
                await asyncio.sleep(chance.random() * 0.5)
            if fresh_disk:
                shutil.rmtree(made.data_dir)
        await feeding
        await write(broker.bootstrap, market.seconds(4))
        with worker_process(made, tmp_path / "worker.log") as process:
            await all_committed(broker.bootstrap)
            os.kill(process.pid, signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 30) == CLEAN_EXIT
        answer, _ = await told(broker.bootstrap)
        expected = await offline_answer(broker.bootstrap)
        assert len(expected.alerts) > 50
        assert answer.alerts == expected.alerts
        assert answer.bars == expected.bars
        assert answer.dead == expected.dead

    asyncio.run(check())


def test_clean_stops_under_load_tell_nothing_twice(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        await apply_rules(broker.bootstrap, RULES)
        market, made = Market(seed=6), role(broker.bootstrap, tmp_path / "one", checkpoint_s=0.1)
        await write(broker.bootstrap, market.seconds(300))
        feeding = asyncio.create_task(feed(broker.bootstrap, market, 1200))
        for _ in range(4):
            with worker_process(made, tmp_path / "worker.log") as process:
                await progress(broker.bootstrap)
                os.kill(process.pid, signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, 30) == CLEAN_EXIT
        await feeding
        with worker_process(made, tmp_path / "worker.log"):
            await all_committed(broker.bootstrap)
        answer, ids = await told(broker.bootstrap)
        assert answer.alerts == (await offline_answer(broker.bootstrap)).alerts
        assert len(set(ids)) == len(ids)

    asyncio.run(check())


def test_two_workers_share_the_partitions_and_one_dies(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        await apply_rules(broker.bootstrap, RULES)
        feeding = asyncio.create_task(feed(broker.bootstrap, Market(seed=7), 600, pause_s=0.1))
        one = role(broker.bootstrap, tmp_path / "a", instance_id="a")
        two = role(broker.bootstrap, tmp_path / "b", instance_id="b")
        with worker_process(one, tmp_path / "a.log"):
            await progress(broker.bootstrap)
            with worker_process(two, tmp_path / "b.log"):
                await progress(broker.bootstrap)
                await asyncio.sleep(5)
            await feeding
            await all_committed(broker.bootstrap)
        answer, _ = await told(broker.bootstrap)
        expected = await offline_answer(broker.bootstrap)
        assert answer.alerts == expected.alerts
        assert answer.bars == expected.bars

    asyncio.run(check())


def test_a_worker_that_stood_still_ends_itself(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        await apply_rules(broker.bootstrap, RULES)
        market, made, log = Market(seed=8), role(broker.bootstrap, tmp_path / "one"), tmp_path / "worker.log"
        await write(broker.bootstrap, market.seconds(100))
        with worker_process(made, log) as process:
            await progress(broker.bootstrap)
            os.kill(process.pid, signal.SIGSTOP)
            await write(broker.bootstrap, market.seconds(50))
            await asyncio.sleep(made.session_timeout_s / 2 + 1)
            os.kill(process.pid, signal.SIGCONT)
            assert await asyncio.to_thread(process.wait, 30) == EXIT_CODE
        assert b"the process stood still" in log.read_bytes()
        with worker_process(made, log):
            await all_committed(broker.bootstrap)
        assert (await told(broker.bootstrap))[0].alerts == (await offline_answer(broker.bootstrap)).alerts

    asyncio.run(check())
