"""A broker that restarts, crashes, is away or stands still: workers wait, lose nothing, and go on by themselves."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from infra.embedded.kafka import KafkaBroker
from tests.support.chance import chance
from tests.support.load import progress, same_as_offline, under_load
from tests.support.scanning import all_committed, role, worker_process
from tests.support.tick_log import Market

OUTAGE_S = 8.0
PAUSE_S = 5.0


def crash(broker: KafkaBroker) -> None:
    broker.kill()
    broker.start()


async def outage(broker: KafkaBroker) -> None:
    await asyncio.to_thread(broker.kill)
    await asyncio.sleep(OUTAGE_S)
    await asyncio.to_thread(broker.start)


async def stand_still(broker: KafkaBroker) -> None:
    os.killpg(broker.pid, signal.SIGSTOP)
    await asyncio.sleep(PAUSE_S)
    os.killpg(broker.pid, signal.SIGCONT)


def test_restarts_an_outage_and_a_pause_change_nothing(broker: KafkaBroker, tmp_path: Path) -> None:
    random = chance("broker faults")
    in_thread: list[Callable[[KafkaBroker], None]] = [KafkaBroker.restart, crash]

    async def check() -> None:
        made = role(broker.bootstrap, tmp_path / "one", checkpoint_s=0.1)
        async with under_load(broker.bootstrap, Market(seed=random.randrange(10**6))):
            with worker_process(made, tmp_path / "worker.log") as process:
                for fault in random.sample(in_thread, len(in_thread)):
                    await progress(broker.bootstrap)
                    await asyncio.to_thread(fault, broker)
                for pause in random.sample([outage, stand_still], 2):
                    await progress(broker.bootstrap)
                    await pause(broker)
                await progress(broker.bootstrap)
                assert process.poll() is None, "the worker has ended"
        with worker_process(made, tmp_path / "worker.log"):
            await all_committed(broker.bootstrap)
        await same_as_offline(broker.bootstrap)

    asyncio.run(check())
