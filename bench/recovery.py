"""From the SIGKILL of a scan worker until ticks are worked on again: by itself, warm and cold, or by another."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import msgspec

from app.supervisor import RoleProcess
from bench.brokers import PARTITIONS, Filled, filled_broker
from bench.figures import Board
from bench.market import FIRST_NS, MINUTE_NS, MinuteMarket
from bench.memory import BARS, stored
from bench.worker import figures, limited, new_worker
from infra.embedded.kafka import KafkaRuntime
from infra.kafka_clients import make_producer
from schemas.partitioning import partition_of
from schemas.tick import LeanTick
from schemas.topics import TICKS

APP_ID: Final = "bench-recovery"
LOOK_S: Final = 0.02
TRICKLE_S: Final = 0.02
SETTLE_S: Final = 3.0


async def measure_recovery(
    board: Board, folder: Path, runtime: KafkaRuntime, symbols: int, runs: int, tell: Callable[[str], object]
) -> None:
    """A worker that knows all minutes is killed again and again, while each partition goes on getting ticks."""
    async with filled_broker(folder, runtime, MinuteMarket(symbols, BARS + 2), "frame") as filled:
        worker = new_worker(filled, APP_ID, folder / "0", "bench-0")
        try:
            await asyncio.to_thread(worker.start)
            async with limited(worker):
                await stored(filled, worker)
            async with _trickle(filled.bootstrap):
                for run in range(runs):
                    tell(f"killing a worker, {run + 1} of {runs}")
                    await _start_again(board, worker, folder / "0")
                for run in range(runs):
                    tell(f"taking over from a worker, {run + 1} of {runs}")
                    worker = await _take_over(board, filled, worker, run + 1)
        finally:
            await asyncio.to_thread(worker.kill)


async def _start_again(board: Board, worker: RoleProcess, data: Path) -> None:
    """Killed twice; its disk is lost the second time."""
    for disk in ("warm", "cold"):
        await asyncio.sleep(SETTLE_S)
        begun = time.perf_counter()
        await asyncio.to_thread(worker.kill)
        if disk == "cold":
            await asyncio.to_thread(shutil.rmtree, data / "scan")
        await asyncio.to_thread(worker.start)
        await _until_working(worker)
        board.add(f"recovery {disk}", time.perf_counter() - begun)
        board.add(f"recovery {disk} restore", (await figures(worker))["restore_s"])


async def _take_over(board: Board, filled: Filled, old: RoleProcess, number: int) -> RoleProcess:
    """A second worker takes its share; then the first is killed."""
    worker = new_worker(filled, APP_ID, filled.folder / str(number), f"bench-{number}")
    try:
        await asyncio.to_thread(worker.start)
        await _until_working(worker, old)
        await asyncio.sleep(SETTLE_S)
        begun = time.perf_counter()
        await asyncio.to_thread(old.kill)
        await _until_working(worker)
        board.add("recovery takeover", time.perf_counter() - begun)
    except BaseException:
        await asyncio.to_thread(worker.kill)
        raise
    return worker


async def _until_working(*workers: RoleProcess) -> None:
    """Each of them is, and together on all partitions."""
    async with limited(workers[0]):
        while True:
            working = [await _working(worker) for worker in workers]
            if all(working) and sum(working) == PARTITIONS:
                return
            await asyncio.sleep(LOOK_S)


async def _working(worker: RoleProcess) -> int:
    """Partitions of which it has worked on ticks since it took them over."""
    return sum(1 for one in (await figures(worker)).get("partitions", {}).values() if one["ticks"])


@contextlib.asynccontextmanager
async def _trickle(bootstrap: str) -> AsyncIterator[None]:
    """Some ticks into each partition, all the time."""
    names = {partition_of(name, PARTITIONS): name for name in await MinuteMarket(100, 0).universe()}
    ts = FIRST_NS + (BARS + 2) * MINUTE_NS
    records = {number: msgspec.json.encode(LeanTick(name, ts, 100.0, 1.0)) for number, name in names.items()}

    async def send() -> None:
        producer = make_producer(bootstrap, APP_ID)
        await producer.start()
        try:
            while True:
                for number, value in records.items():
                    await producer.send(TICKS.name, value, key=names[number].encode(), partition=number)
                await asyncio.sleep(TRICKLE_S)
        finally:
            await producer.stop()

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
