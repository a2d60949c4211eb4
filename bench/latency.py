"""Tick to alert: the whole stack as in the demo, a market of 20,000 ticks a second, and a WebSocket client."""

from __future__ import annotations

import asyncio
import json
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.demo import JUST_NOW_S
from app.demo_client import Listener
from app.embedded import Stack, ingest_role, start_stack
from app.settings import load_settings
from app.supervisor import RoleProcess
from bench.figures import Board
from bench.rules import file_bytes
from bench.worker import Seen

RATE: Final = 20_000.0
CALM_RATE: Final = RATE / 1.03
"""Of the market between its bursts, which bring the mean to `RATE`; the table tells the ticks that there were."""
SETTLE_S: Final = 5.0
START_LIMIT_S: Final = 90.0
LOOK_S: Final = 0.25


async def measure_latency(
    board: Board, folder: Path, symbols: int, runs: int, window_s: float, tell: Callable[[str], object]
) -> None:
    """So many windows of time, one after the other, over one stack that goes on running."""
    stack = await start_stack(folder, load_settings({}), await asyncio.to_thread(_rules, folder), tell)
    listener = Listener(stack.page)
    try:
        listener.start()
        ingest = await _play(stack, listener, folder, symbols, SETTLE_S + runs * window_s + START_LIMIT_S)
        await asyncio.sleep(SETTLE_S)
        for _ in range(runs):
            await _window(board, stack, listener, ingest, window_s)
    finally:
        await listener.stop()
        await stack.stop()


def _rules(folder: Path) -> Path:
    folder.mkdir()
    path = folder / "rules.json"
    path.write_bytes(file_bytes())
    return path


async def _play(stack: Stack, listener: Listener, folder: Path, symbols: int, for_s: float) -> RoleProcess:
    """Start the market; return once the worker has caught up with it."""
    options = {
        "symbols": symbols,
        "rate": CALM_RATE,
        "history_rate": CALM_RATE / 100,
        "history_days": 0,
        "live": "09:45:00",
    }
    ingest = ingest_role(stack, folder, "sim", json.dumps(options), for_s)
    async with asyncio.timeout(START_LIMIT_S):
        await listener.connected.wait()
        await stack.supervisor.start(ingest)
        while True:
            fed, scan = await _stats(ingest), await _stats(stack.roles["scan"])
            if fed.get("paced_since_ns", -1) > 0 and scan.get("lag", math.inf) <= RATE * JUST_NOW_S:
                break
            await asyncio.sleep(LOOK_S)
    listener.live_from_ns = time.time_ns()
    return ingest


async def _window(board: Board, stack: Stack, listener: Listener, ingest: RoleProcess, window_s: float) -> None:
    listener.delays_ms.clear()
    seen, begun, before = Seen(), time.perf_counter(), int((await _stats(ingest))["ticks"])
    while time.perf_counter() - begun < window_s:
        seen.look(await _stats(stack.roles["scan"]))
        await asyncio.sleep(LOOK_S)
    ticks, took_s = int((await _stats(ingest))["ticks"]) - before, time.perf_counter() - begun
    delays = list(listener.delays_ms)
    board.add("live p50", statistics.median(delays))
    board.add("live p99", float(np.percentile(delays, 99)))
    board.add("live rate", ticks / took_s)
    board.add("live checkpoint", 1e3 * seen.checkpoint_s)


async def _stats(role: RoleProcess) -> dict[str, Any]:
    return await asyncio.to_thread(role.stats)
