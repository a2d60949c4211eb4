"""How fast `tapewatch replay` is, from plan to finished folder: a topic in either form, and a file of JSON lines."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from app.replay_command import make_folder
from app.replay_request import Request
from app.replay_rules import Rules
from bench.brokers import Filled
from bench.market import CutMarket, Size
from bench.rules import entries_and_bodies
from schemas.topics import TICKS


async def write_lines(path: Path, size: Size) -> Path:
    """The simulated market as canonical JSON lines."""
    market = CutMarket(size)
    await market.subscribe(await market.universe())
    with path.open("wb") as file:
        async for batch in market.batches():
            file.writelines(line + b"\n" for line in batch.json(np.arange(len(batch.trades))))
    return path


async def topic_rate(filled: Filled) -> float:
    """Ticks a second of the whole topic, in one process, with the rules that stand in it."""
    return await _rate(Request(topic=TICKS.name), filled.folder / "replay", filled.bootstrap)


async def file_rate(path: Path) -> float:
    """Ticks a second of the file, with the same rules."""
    return await _rate(Request(file=path, rules=Rules(*entries_and_bodies())), path.with_suffix(".replay"), "")


async def _rate(request: Request, out: Path, bootstrap: str) -> float:
    loop = asyncio.get_running_loop()
    # As the command has it: a process of its own, whose settings trouble nobody else.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        rate = await loop.run_in_executor(pool, _run, request, out, bootstrap)
    await asyncio.to_thread(shutil.rmtree, out)
    return rate


def _run(request: Request, out: Path, bootstrap: str) -> float:
    begun = time.perf_counter()
    manifest = asyncio.run(make_folder(request, out, bootstrap))
    ticks: int = manifest["counts"]["ticks"]
    return ticks / (time.perf_counter() - begun)
