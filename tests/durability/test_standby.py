"""Workers that stand by for partitions of others: what they keep is what the changelog says, and it spares the
restore."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from app.topology import ScanApp
from infra.embedded.kafka import KafkaBroker
from tables.state import changelog_of
from tests.support.chance import chance
from tests.support.load import progress, same_as_offline, under_load
from tests.support.scanning import APP_ID, all_committed, records_of, role, running_worker, worker_process
from tests.support.scenarios import change_members
from tests.support.tick_log import PARTITIONS, Market

LIMIT_S = 90.0
LOAD_S, CATCH_UP_S = 3.0, 3.0
CHANGES = 6
Stored = dict[int, dict[bytes, bytes]]


async def in_changelog(bootstrap: str) -> Stored:
    """By partition the newest value of each key."""
    newest: Stored = {number: {} for number in range(PARTITIONS)}
    for record in await records_of(bootstrap, changelog_of(APP_ID).name):
        if record.value is None:
            newest[record.partition].pop(record.key, None)
        else:
            newest[record.partition][record.key] = record.value
    return newest


def on_disk(worker: ScanApp) -> Stored:
    """The same of what the worker keeps."""
    stored = {number: worker.scan._state._database(number).items() for number in range(PARTITIONS)}
    return {n: {key: value for key, value in items if not key.startswith(b"__faust")} for n, items in stored.items()}


def test_a_standby_has_the_state_and_reads_nothing_when_it_takes_over(broker: KafkaBroker, tmp_path: Path) -> None:
    bootstrap, market = broker.bootstrap, Market(seed=15)
    first, second = (role(bootstrap, tmp_path / name, 0.1, name, standby_replicas=1) for name in "ab")

    async def stand_by(worker: ScanApp) -> set[int]:
        """Until what stands in the changelog, in which nobody writes, is on the worker's disk; whose it is not."""
        await until(lambda: not worker.scan.ready())
        others = set(range(PARTITIONS)) - set(worker.scan.stats.partitions)
        assert 0 < len(others) < PARTITIONS
        wanted = await in_changelog(bootstrap)
        await asyncio.sleep(CATCH_UP_S)
        kept = on_disk(worker)
        assert {n: kept[n] for n in others} == {n: wanted[n] for n in others}
        return others

    async def play() -> None:
        with worker_process(first, tmp_path / "a.log") as process:
            async with under_load(bootstrap, market):
                await progress(bootstrap)
                await asyncio.sleep(LOAD_S)
            await all_committed(bootstrap)
            async with running_worker(second) as worker, asyncio.timeout(LIMIT_S):
                others = await stand_by(worker)
                async with under_load(bootstrap, market):
                    await progress(bootstrap)
                    os.kill(process.pid, signal.SIGKILL)
                    stats = worker.scan.stats.partitions
                    await until(lambda: len(stats) == PARTITIONS)
                    assert {stats[number].restore_records for number in others} == {0}
                await all_committed(bootstrap)
        await same_as_offline(bootstrap)

    asyncio.run(play())


async def until(reached: Callable[[], bool]) -> None:
    """Look again and again."""
    while not reached():  # noqa: ASYNC110  # nobody tells us
        await asyncio.sleep(0.05)


def test_members_that_come_go_and_die_while_others_stand_by(broker: KafkaBroker, tmp_path: Path) -> None:
    asyncio.run(change_members(broker, tmp_path, chance("standby"), CHANGES, standby_replicas=1))
