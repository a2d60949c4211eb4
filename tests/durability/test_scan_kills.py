"""Workers that are killed or stopped at any moment lose nothing and tell nothing new twice."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

from infra.embedded.kafka import KafkaBroker
from tests.support.chance import chance
from tests.support.load import progress, same_as_offline, under_load
from tests.support.scanning import all_committed, ended, role, worker_process
from tests.support.tick_log import Market

CLEAN_EXIT = 0
KILLS = 10


def test_ten_kills_at_random_over_warm_and_wiped_disks(broker: KafkaBroker, tmp_path: Path) -> None:
    random, log = chance("ten kills"), tmp_path / "worker.log"

    async def check() -> None:
        made = role(broker.bootstrap, tmp_path / "one", checkpoint_s=0.1)
        async with under_load(broker.bootstrap, Market(seed=random.randrange(10**6))):
            for _ in range(KILLS):
                with worker_process(made, log):
                    await progress(broker.bootstrap)
                    await asyncio.sleep(random.random() * 0.6)
                if random.random() < 0.5:
                    shutil.rmtree(made.data_dir)
        with worker_process(made, log) as process:
            await all_committed(broker.bootstrap)
            os.kill(process.pid, signal.SIGTERM)
            assert await ended(process) == CLEAN_EXIT
        await same_as_offline(broker.bootstrap)

    asyncio.run(check())


def test_killed_while_it_restores(broker: KafkaBroker, tmp_path: Path) -> None:
    random, log = chance("killed while it restores"), tmp_path / "worker.log"

    async def check() -> None:
        made = role(broker.bootstrap, tmp_path / "one", checkpoint_s=0.1)
        async with under_load(broker.bootstrap, Market(seed=random.randrange(10**6))):
            with worker_process(made, log):
                await progress(broker.bootstrap)
            shutil.rmtree(made.data_dir)
            for _ in range(4):
                with worker_process(made, log):
                    await asyncio.sleep(0.8 + random.random())
            with worker_process(made, log):
                await progress(broker.bootstrap)
        with worker_process(made, log):
            await all_committed(broker.bootstrap)
        await same_as_offline(broker.bootstrap)

    asyncio.run(check())


def test_clean_stops_under_load_tell_nothing_twice(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        made = role(broker.bootstrap, tmp_path / "one", checkpoint_s=0.1)
        async with under_load(broker.bootstrap, Market(seed=6)):
            for _ in range(3):
                with worker_process(made, tmp_path / "worker.log") as process:
                    await progress(broker.bootstrap)
                    os.kill(process.pid, signal.SIGTERM)
                    assert await ended(process) == CLEAN_EXIT
        with worker_process(made, tmp_path / "worker.log"):
            await all_committed(broker.bootstrap)
        ids = await same_as_offline(broker.bootstrap, least_alerts=5)
        assert len(set(ids)) == len(ids)

    asyncio.run(check())
