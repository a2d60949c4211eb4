"""What 10,000 symbols with 200 one-minute bars each take: memory of the worker, time to restore, bytes of state."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path
from typing import Final

from app.supervisor import RoleProcess
from bench.brokers import Filled, filled_broker
from bench.figures import Board
from bench.market import MinuteMarket
from bench.worker import figures, limited, running_worker
from infra.embedded.kafka import KafkaRuntime
from infra.kafka.reader import Reader
from tables.state import changelog_of

SYMBOLS: Final = 10_000
BARS: Final = 200
APP_ID: Final = "bench-memory"
LOOK_S: Final = 0.2


async def measure_memory(board: Board, folder: Path, runtime: KafkaRuntime, symbols: int, runs: int) -> None:
    """A worker that goes through all minutes, and then others that restore what it has stored."""
    async with filled_broker(folder, runtime, MinuteMarket(symbols, BARS + 2), "frame") as filled:
        async with running_worker(filled, APP_ID, folder / "first") as worker, limited(worker):
            await stored(filled, worker)
            board.add("memory", memory_mb(worker.pid))
        board.add("state", await _state_bytes(filled.bootstrap) / 1e6)
        for run in range(runs):
            begun = time.perf_counter()
            async with running_worker(filled, APP_ID, folder / f"restored-{run}") as worker:
                board.add("restore", time.perf_counter() - begun)
                board.add("memory restored", memory_mb(worker.pid))


async def stored(filled: Filled, worker: RoleProcess) -> None:
    """Wait until everything is worked on and stored."""
    while True:
        stats = await figures(worker)
        partitions = stats.get("partitions", {}).values()
        if stats.get("ticks", 0) >= filled.ticks and all(p["committed"] > p["position"] for p in partitions):
            return
        await asyncio.sleep(LOOK_S)


async def _state_bytes(bootstrap: str) -> int:
    """Of the newest value of each key."""
    newest: dict[tuple[int, bytes], int] = {}
    async with Reader(bootstrap, changelog_of(APP_ID).name) as reader:
        for whole in await reader.ranges():
            async for records in reader.read(whole):
                newest |= {(whole.partition, record.key): len(record.value or b"") for record in records}
    return sum(newest.values())


def memory_mb(pid: int) -> float:
    """Resident memory of a process in 10^6 bytes."""
    asked = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, timeout=10, check=True)
    return int(asked.stdout) * 1024 / 1e6
