"""What checkpoints cost a scan worker at 100,000 ticks a second: its processor time with and without, and how long a
tick may have to wait."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from app.supervisor import RoleProcess
from bench.brokers import Filled, empty_broker
from bench.figures import Board
from bench.worker import CHECKPOINT_S, Seen, figures, limited, new_worker
from infra.embedded.kafka import KafkaRuntime

RATE: Final = 100_000.0
NEVER_S: Final = 1e9
SETTLE_S: Final = 10.0
"""So long is the longest hold of the event loop remembered."""
LOOK_S: Final = 0.25


async def measure_overhead(
    board: Board,
    folder: Path,
    runtime: KafkaRuntime,
    symbols: int,
    runs: int,
    window_s: float,
    tell: Callable[..., Any],
) -> None:
    """Two workers take turns over one market that goes on all the time; each catches up before it is looked at."""
    async with empty_broker(folder, runtime) as broker:
        market = {"symbols": symbols, "rate": RATE, "history_rate": RATE / 100, "history_days": 0}
        options = json.dumps({**market, "start": "09:30:00", "live": "09:45:00", "plain": True})
        ingest = RoleProcess(
            "ingest", folder, bootstrap=broker.bootstrap, provider_options=options, ingest_form="frame"
        )
        await asyncio.to_thread(ingest.start)
        try:
            for run in range(runs):
                tell(f"checkpoints every {CHECKPOINT_S:g} s, then none, {run + 1} of {runs}")
                stored, cpu_us = await _window(broker, "with", CHECKPOINT_S, window_s)
                _, without_us = await _window(broker, "without", NEVER_S, window_s)
                board.add("overhead", 100 * (cpu_us - without_us) * RATE / 1e6)
                board.add("overhead rate", stored.rate)
                board.add("overhead hold", 1e3 * stored.hold_s)
                board.add("overhead changelog", stored.checkpoint_bytes_per_s / 1e6)
        finally:
            await asyncio.to_thread(ingest.kill)


async def _caught_up(worker: RoleProcess) -> None:
    while True:
        stats = await figures(worker)
        if stats.get("ticks", 0) and stats["lag"] == 0:
            return
        await asyncio.sleep(LOOK_S)


async def _window(broker: Filled, name: str, checkpoint_s: float, window_s: float) -> tuple[Seen, float]:
    """What was seen, and microseconds of processor time a tick."""
    worker = new_worker(broker, f"bench-overhead-{name}", broker.folder / name, name, checkpoint_s)
    await asyncio.to_thread(worker.start)
    try:
        async with limited(worker):
            await _caught_up(worker)
        await asyncio.sleep(SETTLE_S)
        seen, before, begun = Seen(), await figures(worker), time.perf_counter()
        while (now := time.perf_counter()) < begun + window_s:
            after = await figures(worker)
            seen.look(after)
            await asyncio.sleep(LOOK_S)
    finally:
        await asyncio.to_thread(worker.stop)
    ticks = after["ticks"] - before["ticks"]
    seen.seconds = now - begun
    seen.rate = ticks / seen.seconds
    return seen, 1e6 * (after["process"]["cpu_s"] - before["process"]["cpu_s"]) / ticks
