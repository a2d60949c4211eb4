"""What is done to workers and broker while ticks come in: shared by the durability tests and the long soak."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from app.topology import ScanRole
from infra.embedded.kafka import KafkaBroker
from infra.embedded.kafka_cluster import KafkaCluster
from schemas.control import encode_source_end
from tests.support.load import progress, same_as_offline, under_load
from tests.support.restores import check_every_restore
from tests.support.scanning import all_committed, ended, role, worker_process
from tests.support.tick_log import PARTITIONS, Market, write

CLEAN_EXIT = 0
LAST_LINES = 30
CATCH_UP_S = 300.0
FOR_EVER_S = 100_000.0

Kafka = TypeVar("Kafka", KafkaBroker, KafkaCluster)
Fault = Callable[[Kafka], Awaitable[None]]


async def finish(broker: KafkaBroker | KafkaCluster, folder: Path) -> list[str]:
    """A last worker works on all that is left and stops in good order; then everything is compared."""
    made = role(broker.bootstrap, folder / "a", checkpoint_s=0.1, instance_id="a")
    with worker_process(made, folder / "a.log") as process:
        # Something for it to do, without which it might be stopped before it has begun.
        await write(broker.bootstrap, {number: [encode_source_end("nobody")] for number in range(PARTITIONS)})
        await _caught_up(broker.bootstrap, process, folder / "a.log")
        os.kill(process.pid, signal.SIGTERM)
        assert await ended(process) == CLEAN_EXIT
    return await same_as_offline(broker.bootstrap)


async def _caught_up(bootstrap: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until all is committed; a worker that ends or hangs shows what it said last."""
    waiting = asyncio.create_task(all_committed(bootstrap, CATCH_UP_S))
    try:
        while not waiting.done() and process.poll() is None:
            await asyncio.wait({waiting}, timeout=1.0)
        assert waiting.done(), f"the worker ended with {process.poll()}"
        await waiting
    except (AssertionError, TimeoutError) as error:
        raise AssertionError(f"not caught up: {error!r}\n{_end_of(log)}") from error
    finally:
        waiting.cancel()


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8").splitlines()[-LAST_LINES:])


async def kill_workers(broker: KafkaBroker, folder: Path, chance: random.Random, kills: int) -> None:
    """SIGKILL at random moments; half of the workers come back with an empty disk."""
    made = role(broker.bootstrap, folder / "a", checkpoint_s=0.1, instance_id="a")
    async with under_load(broker.bootstrap, Market(seed=chance.randrange(10**6))):
        for _ in range(kills):
            with worker_process(made, folder / "a.log"):
                await progress(broker.bootstrap)
                await asyncio.sleep(chance.random() * 0.6)
            if chance.random() < 0.5:
                shutil.rmtree(made.data_dir)
    await finish(broker, folder)


async def pause_workers(broker: KafkaBroker, folder: Path, chance: random.Random, pauses: int) -> int:
    """A worker is paused past its session, and wakes while another has its partitions; it does not end itself here.
    Restores are tried from each point of what both wrote; how many."""
    one = role(broker.bootstrap, folder / "b", 0.1, "b", pause_limit_s=FOR_EVER_S)
    two = role(broker.bootstrap, folder / "a", 0.1, "a")
    async with under_load(broker.bootstrap, Market(seed=chance.randrange(10**6)), pause_s=0.2):
        with worker_process(two, folder / "a.log"):
            for _ in range(pauses):
                with worker_process(one, folder / "b.log") as process:
                    await progress(broker.bootstrap)
                    await asyncio.sleep(4 + chance.random())
                    os.kill(process.pid, signal.SIGSTOP)
                    await asyncio.sleep(one.session_timeout_s + 1)
                    await progress(broker.bootstrap)
                    os.kill(process.pid, signal.SIGCONT)
                    await asyncio.sleep(2 * chance.random())
                await progress(broker.bootstrap)
    await finish(broker, folder)
    return await check_every_restore(broker.bootstrap, chance)


async def hurt_broker(
    broker: Kafka, folder: Path, chance: random.Random, faults: Sequence[Fault[Kafka]], **others: Any
) -> None:
    """One fault after the other, in any order; the worker is the same all the time. `others`: of its role."""
    made = role(broker.bootstrap, folder / "a", checkpoint_s=0.1, instance_id="a", request_timeout_s=120.0, **others)
    async with under_load(broker.bootstrap, Market(seed=chance.randrange(10**6))):
        with worker_process(made, folder / "a.log") as process:
            for fault in chance.sample(faults, len(faults)):
                await progress(broker.bootstrap)
                await fault(broker)
            await progress(broker.bootstrap)
            assert process.poll() is None, "the worker has ended"
    await finish(broker, folder)


async def restart(broker: KafkaBroker) -> None:
    """Stopped in good order."""
    await asyncio.to_thread(broker.restart)


async def crash(broker: KafkaBroker) -> None:
    """Killed, and started at once."""
    await asyncio.to_thread(broker.kill)
    await asyncio.to_thread(broker.start)


def outage(away_s: float) -> Fault[KafkaBroker]:
    """Killed, and started after a while."""

    async def fault(broker: KafkaBroker) -> None:
        await asyncio.to_thread(broker.kill)
        await asyncio.sleep(away_s)
        await asyncio.to_thread(broker.start)

    return fault


def stand_still(still_s: float) -> Fault[KafkaBroker]:
    """Stopped for a while, as by a machine that swaps."""

    async def fault(broker: KafkaBroker) -> None:
        os.killpg(broker.pid, signal.SIGSTOP)
        await asyncio.sleep(still_s)
        os.killpg(broker.pid, signal.SIGCONT)

    return fault


async def change_members(
    broker: KafkaBroker, folder: Path, chance: random.Random, changes: int, standby_replicas: int = 0
) -> None:
    """One to three workers; each change brings one or takes one away, in good order or not."""
    async with under_load(broker.bootstrap, Market(seed=chance.randrange(10**6))):
        with contextlib.ExitStack() as last:
            running: dict[str, contextlib.ExitStack] = {}
            for number in range(changes):
                if number:
                    await progress(broker.bootstrap)
                name = chance.choice("abc")
                if name not in running:
                    running[name] = last.enter_context(contextlib.ExitStack())
                    made = role(broker.bootstrap, folder / name, 0.1, name, standby_replicas=standby_replicas)
                    _begin(running[name], made, folder / f"{name}.log", chance.random() < 0.5)
                elif len(running) > 1:
                    running.pop(name).close()
                await asyncio.sleep(chance.random() * 2)
            await progress(broker.bootstrap)
    await finish(broker, folder)


def _begin(life: contextlib.ExitStack, made: ScanRole, log: Path, ends_well: bool) -> None:
    process = life.enter_context(worker_process(made, log))
    if ends_well:
        life.callback(lambda: process.wait(60))
        life.callback(os.kill, process.pid, signal.SIGTERM)
