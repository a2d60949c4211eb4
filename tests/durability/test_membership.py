"""Workers that share the partitions, come, go and die: each tick is worked on, and nothing new is told twice."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from infra.embedded.kafka import KafkaBroker
from tests.support.chance import chance
from tests.support.load import progress, same_as_offline, under_load
from tests.support.scanning import all_committed, role, worker_process
from tests.support.tick_log import Market

CHANGES = 6


def test_workers_join_leave_and_die(broker: KafkaBroker, tmp_path: Path) -> None:
    random = chance("membership")

    async def check() -> None:
        async with under_load(broker.bootstrap, Market(seed=random.randrange(10**6))):
            with contextlib.ExitStack() as last:
                running = {"a": last.enter_context(contextlib.ExitStack())}
                running["a"].enter_context(
                    worker_process(role(broker.bootstrap, tmp_path / "a", 0.1, "a"), tmp_path / "a.log")
                )
                for _ in range(CHANGES):
                    await progress(broker.bootstrap)
                    name = random.choice("abc") if len(running) > 1 else random.choice("bc")
                    if name in running:
                        running.pop(name).close()
                    else:
                        running[name] = last.enter_context(contextlib.ExitStack())
                        made = role(broker.bootstrap, tmp_path / name, 0.1, name)
                        process = running[name].enter_context(worker_process(made, tmp_path / f"{name}.log"))
                        if random.random() < 0.5:
                            running[name].callback(os.kill, process.pid, signal.SIGTERM)
                            running[name].callback(process.poll)
                    await asyncio.sleep(random.random() * 2)
                await progress(broker.bootstrap)
        with worker_process(role(broker.bootstrap, tmp_path / "a", 0.1, "a"), tmp_path / "a.log"):
            await all_committed(broker.bootstrap)
        await same_as_offline(broker.bootstrap)

    asyncio.run(check())
