"""Workers that stand still past their session: by then another has their partitions, and nothing they do may hurt."""

import asyncio
import os
import signal
from pathlib import Path

from infra.embedded.kafka import KafkaBroker
from infra.kafka.fatal import EXIT_CODE
from tests.support.chance import chance
from tests.support.load import progress, same_as_offline, under_load
from tests.support.restores import check_every_restore
from tests.support.scanning import all_committed, ended, role, worker_process
from tests.support.tick_log import Market

FOR_EVER_S = 1_000.0
PAUSES = 2


def test_a_worker_that_stood_still_ends_itself(broker: KafkaBroker, tmp_path: Path) -> None:
    async def check() -> None:
        made, log = role(broker.bootstrap, tmp_path / "one"), tmp_path / "worker.log"
        async with under_load(broker.bootstrap, Market(seed=8)):
            with worker_process(made, log) as process:
                await progress(broker.bootstrap)
                os.kill(process.pid, signal.SIGSTOP)
                await asyncio.sleep(made.session_timeout_s / 2 + 1)
                os.kill(process.pid, signal.SIGCONT)
                assert await ended(process) == EXIT_CODE
        assert b"the process stood still" in log.read_bytes()
        with worker_process(made, log):
            await all_committed(broker.bootstrap)
        await same_as_offline(broker.bootstrap, least_alerts=5)

    asyncio.run(check())


def test_a_worker_woken_past_its_session_hurts_no_restore(broker: KafkaBroker, tmp_path: Path) -> None:
    """It does not end itself here, writes what it has, and is restored from at each point of what both wrote."""
    random = chance("woken past the session")

    async def check() -> None:
        one = role(broker.bootstrap, tmp_path / "a", 0.1, "a", pause_limit_s=FOR_EVER_S)
        two = role(broker.bootstrap, tmp_path / "b", 0.1, "b")
        async with under_load(broker.bootstrap, Market(seed=random.randrange(10**6)), pause_s=0.2):
            with worker_process(two, tmp_path / "b.log"):
                for _ in range(PAUSES):
                    with worker_process(one, tmp_path / "a.log") as process:
                        await progress(broker.bootstrap)
                        await asyncio.sleep(4 + random.random())
                        os.kill(process.pid, signal.SIGSTOP)
                        await asyncio.sleep(one.session_timeout_s + 1)
                        await progress(broker.bootstrap)
                        os.kill(process.pid, signal.SIGCONT)
                        await asyncio.sleep(2 * random.random())
                    await progress(broker.bootstrap)
        with worker_process(two, tmp_path / "b.log"):
            await all_committed(broker.bootstrap)
        await same_as_offline(broker.bootstrap)
        assert await check_every_restore(broker.bootstrap, random) >= 40

    asyncio.run(check())
