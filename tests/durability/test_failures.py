"""What a worker cannot go on with ends it, with a reason, before it tells anything wrong."""

import asyncio
import shutil
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from app.topology import prepare_scan
from infra.embedded.kafka import KafkaBroker
from infra.kafka.fatal import EXIT_CODE
from infra.kafka.topic_admin import TopicError
from schemas.topics import ALERTS, TICKS, TICKS_DEAD
from tables.state import changelog_of
from tests.support.load import progress, same_as_offline
from tests.support.scanning import APP_ID, all_committed, ended, records_of, role, worker_process
from tests.support.tick_log import PARTITIONS, RULES, Market, apply_rules, write

GONE_LIMIT_S = 30.0


async def replace_topic(bootstrap: str, name: str, partitions: int | None) -> None:
    """Delete a topic; with `partitions` it comes back with so many."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await admin.delete_topics([name])
        async with asyncio.timeout(GONE_LIMIT_S):
            while name in await admin.list_topics():  # noqa: ASYNC110  # nobody tells us
                await asyncio.sleep(0.1)
        if partitions:
            await admin.create_topics([NewTopic(name, partitions, 1)])
            async with asyncio.timeout(GONE_LIMIT_S):
                while name not in await admin.list_topics():  # noqa: ASYNC110  # nobody tells us
                    await asyncio.sleep(0.1)
    finally:
        await admin.close()


async def forget(bootstrap: str, offset: int) -> None:
    """Delete what stands before it in every partition of the tick topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        tps = [TopicPartition(TICKS.name, number) for number in range(PARTITIONS)]
        await admin.delete_records(dict.fromkeys(tps, RecordsToDelete(offset)))
    finally:
        await admin.close()


def test_topics_that_are_not_as_declared_are_refused(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        made = role(broker.bootstrap, tmp_path / "one")
        await replace_topic(broker.bootstrap, ALERTS.name, None)
        with pytest.raises(TopicError, match=r"alerts\.v1 is missing"):
            await prepare_scan(made)
        await replace_topic(broker.bootstrap, TICKS_DEAD.name, 3)
        with pytest.raises(TopicError, match=r"ticks\.v1\.dlq is partitions 3 instead of 4"):
            await prepare_scan(made)
        await replace_topic(broker.bootstrap, changelog_of(APP_ID).name, 2)
        with pytest.raises(TopicError, match="changelog is partitions 2 instead of 4"):
            await prepare_scan(made)

    asyncio.run(check())


def test_a_changelog_that_is_gone_is_refused(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        made = role(broker.bootstrap, tmp_path / "one")
        await apply_rules(broker.bootstrap, RULES)
        with worker_process(made, tmp_path / "worker.log"):
            await all_committed(broker.bootstrap)
        await replace_topic(broker.bootstrap, changelog_of(APP_ID).name, None)
        with pytest.raises(TopicError, match="its state is gone"):
            await prepare_scan(made)

    asyncio.run(check())


def test_a_tick_topic_that_was_made_anew_is_refused(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        made, log = role(broker.bootstrap, tmp_path / "one"), tmp_path / "worker.log"
        await apply_rules(broker.bootstrap, RULES)
        with worker_process(made, log):
            await all_committed(broker.bootstrap)
        await replace_topic(broker.bootstrap, TICKS.name, PARTITIONS)
        with worker_process(made, log) as process:
            assert await ended(process) == EXIT_CODE
        assert b"the topic was made anew or lost its end" in log.read_bytes()

    asyncio.run(check())


def test_records_deleted_before_they_were_read_end_the_worker(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        made, log = role(broker.bootstrap, tmp_path / "one"), tmp_path / "worker.log"
        await apply_rules(broker.bootstrap, RULES)
        with worker_process(made, log):
            await all_committed(broker.bootstrap)
        await write(broker.bootstrap, Market(seed=12).seconds(60))
        await forget(broker.bootstrap, 20)
        with worker_process(made, log) as process:
            assert await ended(process) == EXIT_CODE
        assert b"were deleted before they were read" in log.read_bytes()

    asyncio.run(check())


def test_a_fault_of_the_engine_ends_the_worker_and_tells_nothing_wrong(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        made, log = role(broker.bootstrap, tmp_path / "one"), tmp_path / "worker.log"
        await apply_rules(broker.bootstrap, RULES)
        market = Market(seed=11)
        await write(broker.bootstrap, market.seconds(60))
        with worker_process(made, log, fault="engine") as process:
            await progress(broker.bootstrap)
            await write(broker.bootstrap, market.seconds(200))
            assert await ended(process) == EXIT_CODE
        assert b"a fault of the engine" in log.read_bytes()
        assert b"working on ticks.v1/" in log.read_bytes()
        with worker_process(made, log):
            await all_committed(broker.bootstrap)
        await same_as_offline(broker.bootstrap, least_alerts=5)

    asyncio.run(check())


def test_a_fault_of_a_task_of_fausts_ends_the_worker_at_once(broker: KafkaBroker, tmp_path: Path) -> None:
    """Faust stops what is left of it before it says so, which can take for ever."""

    async def check() -> None:
        made, log = role(broker.bootstrap, tmp_path / "one"), tmp_path / "worker.log"
        await apply_rules(broker.bootstrap, RULES)
        market = Market(seed=13)
        await write(broker.bootstrap, market.seconds(60))
        with worker_process(made, log, fault="fetcher") as process:
            for _ in range(10):
                await write(broker.bootstrap, market.seconds(20))
                await asyncio.sleep(0.2)
            assert await ended(process) == EXIT_CODE
        assert b"the application ended by itself" in log.read_bytes()
        assert b"a fault of the fetcher" in log.read_bytes()
        with worker_process(made, log):
            await all_committed(broker.bootstrap)
        await same_as_offline(broker.bootstrap, least_alerts=5)

    asyncio.run(check())


def test_a_full_disk_ends_the_worker_at_work_and_at_a_restore(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        made, log = role(broker.bootstrap, tmp_path / "one", checkpoint_s=0.1, restore_limit_s=5.0), tmp_path / "a.log"
        await apply_rules(broker.bootstrap, RULES)
        market = Market(seed=12)
        with worker_process(made, log, fault="disk") as process:
            for _ in range(10):
                await write(broker.bootstrap, market.seconds(40))
                await asyncio.sleep(0.3)
            assert await ended(process) == EXIT_CODE
        assert b"File too large" in log.read_bytes()
        with worker_process(made, log):
            await all_committed(broker.bootstrap)
        shutil.rmtree(made.data_dir)
        with worker_process(made, tmp_path / "b.log", fault="disk") as process:
            assert await ended(process) == EXIT_CODE
        assert b"the restore stands still" in (tmp_path / "b.log").read_bytes()
        with worker_process(made, log):
            await all_committed(broker.bootstrap)
        await same_as_offline(broker.bootstrap, least_alerts=5)

    asyncio.run(check())


def test_a_bad_deploy_stops_instead_of_emptying_the_topic_into_the_dead_letters(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    async def check() -> None:
        made, log = role(broker.bootstrap, tmp_path / "one", dead_letter_window=1_000), tmp_path / "worker.log"
        await apply_rules(broker.bootstrap, RULES)
        await write(broker.bootstrap, {0: [b"{}"] * 3_000})
        with worker_process(made, log) as process:
            assert await ended(process) == EXIT_CODE
        assert b"ticks are dead letters, more than 50% of 1000" in log.read_bytes()
        assert len(await records_of(broker.bootstrap, TICKS_DEAD.name)) <= 500

    asyncio.run(check())
