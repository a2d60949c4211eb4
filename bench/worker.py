"""The scan worker, the real role in a process of its own, over a topic that is full already."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.settings import Settings
from app.supervisor import RoleProcess
from bench.brokers import Filled

LOOK_S: Final = 0.05
LIMIT_S: Final = 180.0
CHECKPOINT_S: Final = Settings().scan_checkpoint_s


class WorkerError(RuntimeError):
    """The worker ended or did not get through in time; the text has the end of its log."""


@dataclass
class Seen:
    """What a worker's own figures showed while it worked. `checkpoints`: (seconds, bytes) of each partition's;
    `hold_s`: the longest hold of its event loop."""

    rate: float = 0.0
    seconds: float = 0.0
    alerts: int = 0
    checkpoints: dict[tuple[str, float], tuple[float, int]] = field(default_factory=dict)
    stages_s: dict[str, float] = field(default_factory=dict)
    hold_s: float = 0.0

    def look(self, stats: dict[str, Any]) -> None:
        """Note the checkpoints that were made since, and the holds."""
        self.hold_s = max(self.hold_s, stats.get("process", {}).get("longest_hold_s", 0.0))
        for number, one in stats.get("partitions", {}).items():
            if one["checkpoint_at"]:
                key = (number, one["checkpoint_at"])
                self.checkpoints[key] = (one["checkpoint_s"], one["checkpoint_bytes"])

    @property
    def checkpoints_per_s(self) -> float:
        """Of all partitions together, from the end of the warm-up on."""
        return len(self.checkpoints) / self.seconds

    @property
    def checkpoint_bytes_per_s(self) -> float:
        """Of all partitions together."""
        return sum(size for _, size in self.checkpoints.values()) / self.seconds

    @property
    def checkpoint_s(self) -> float:
        """Median time of a partition's checkpoint."""
        return statistics.median(seconds for seconds, _ in self.checkpoints.values())

    @property
    def checkpoint_bytes(self) -> float:
        """Median size of a partition's checkpoint."""
        return statistics.median(size for _, size in self.checkpoints.values())


def new_worker(
    filled: Filled, app_id: str, data: Path, instance_id: str, checkpoint_s: float = CHECKPOINT_S
) -> RoleProcess:
    """A scan worker, not started."""
    return RoleProcess(
        "scan",
        data / "logs",
        bootstrap=filled.bootstrap,
        data_dir=data,
        scan_app_id=app_id,
        scan_checkpoint_s=checkpoint_s,
        instance_id=instance_id,
    )


@contextlib.asynccontextmanager
async def running_worker(
    filled: Filled, app_id: str, data: Path, checkpoint_s: float = CHECKPOINT_S
) -> AsyncIterator[RoleProcess]:
    """A scan worker until the end of the block; it is ready when the block begins."""
    worker = new_worker(filled, app_id, data, "bench", checkpoint_s)
    await asyncio.to_thread(worker.start)
    try:
        yield worker
    finally:
        await asyncio.to_thread(worker.stop)


async def worker_run(filled: Filled) -> Seen:
    """Ticks a second between two looks at the worker's figures: the first after the warm-up, and the first when all is
    done."""
    app_id = f"bench-{uuid.uuid4().hex[:8]}"
    seen, first = Seen(), None
    async with running_worker(filled, app_id, filled.folder / app_id) as worker, limited(worker):
        while True:
            stats = await figures(worker)
            now, ticks = time.perf_counter(), int(stats.get("ticks", 0))
            seen.look(stats)
            if first is None and ticks > filled.warm_up:
                first = (now, ticks)
            if ticks >= filled.ticks:
                break
            await asyncio.sleep(LOOK_S)
        seen.alerts, seen.stages_s = stats["alerts"], stats["stages_s"]
    if first is None or first[1] >= filled.ticks:
        raise WorkerError("the worker was through before it could be looked at; use more ticks")
    seen.seconds = now - first[0]
    seen.rate = (ticks - first[1]) / seen.seconds
    return seen


@contextlib.asynccontextmanager
async def limited(worker: RoleProcess) -> AsyncIterator[None]:
    """Raises WorkerError where the block takes too long."""
    try:
        async with asyncio.timeout(LIMIT_S):
            yield
    except TimeoutError:
        raise WorkerError(f"not done after {LIMIT_S:g} s; {tail(worker)}") from None


async def figures(worker: RoleProcess) -> dict[str, Any]:
    """The worker's /stats. Raises WorkerError if it has ended."""
    if not worker.running:
        raise WorkerError(f"it ended with code {worker.exit_code}; {tail(worker)}")
    return await asyncio.to_thread(worker.stats)


def tail(worker: RoleProcess) -> str:
    """The end of its log."""
    return "its log ends:\n" + "\n".join(worker.log.read_text(encoding="utf-8").splitlines()[-8:])
