"""How fast `tapewatch replay` is, from plan to finished folder: a topic in either form, and a file of JSON lines."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.replay_command import make_folder
from app.replay_plan import Stretch, plan_topic
from app.replay_request import Request, Span
from app.replay_rules import Rules
from bench.brokers import Filled
from bench.market import CutMarket, Size
from bench.rules import entries_and_bodies
from schemas.topics import TICKS


@dataclass(frozen=True)
class _Run:
    """A replay, from plan to finished folder."""

    ticks: int
    seconds: float


@dataclass(frozen=True)
class Ticks:
    """The same market twice: whole, and its warm-up alone."""

    whole: Path
    warm_up: Path


async def write_ticks(folder: Path, size: Size) -> Ticks:
    """The simulated market, once up to its first ticks behind the warm-up."""
    written = Ticks(folder / "ticks.jsonl", folder / "warm-up.jsonl")
    await _write_lines(written.whole, size)
    await _write_lines(written.warm_up, replace(size, ticks=1))
    return written


async def topic_rate(filled: Filled, live_ns: int) -> float:
    """Ticks a second of what stands behind `live_ns` in the topic, in one process, with the rules that stand in it."""
    request = Request(topic=TICKS.name)
    warm_up = await plan_topic(filled.bootstrap, replace(request, span=Span(to_ns=live_ns)))
    out = filled.folder / "replay"
    return _rate(
        await _timed(request, out, filled.bootstrap), await _timed(request, out, filled.bootstrap, stretches=warm_up)
    )


async def file_rate(ticks: Ticks) -> float:
    """Ticks a second of what follows the warm-up, with the same rules."""
    runs = [Request(file=path, rules=Rules(*entries_and_bodies())) for path in (ticks.whole, ticks.warm_up)]
    return _rate(*[await _timed(request, ticks.whole.with_suffix(".replay")) for request in runs])


async def _write_lines(path: Path, size: Size) -> None:
    market = CutMarket(size)
    await market.subscribe(await market.universe())
    with path.open("wb") as file:
        async for batch in market.batches():
            file.writelines(line + b"\n" for line in batch.json(np.arange(len(batch.trades))))


def _rate(whole: _Run, warm_up: _Run) -> float:
    """As with a worker, what comes before the full rate does not count, and neither does a start."""
    return (whole.ticks - warm_up.ticks) / (whole.seconds - warm_up.seconds)


async def _timed(request: Request, out: Path, bootstrap: str = "", stretches: list[Stretch] | None = None) -> _Run:
    loop = asyncio.get_running_loop()
    # As the command has it: a process of its own, whose settings trouble nobody else.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        run = await loop.run_in_executor(pool, _run, request, out, bootstrap, stretches)
    await asyncio.to_thread(shutil.rmtree, out)
    return run


def _run(request: Request, out: Path, bootstrap: str, stretches: list[Stretch] | None) -> _Run:
    begun = time.perf_counter()
    manifest = asyncio.run(make_folder(request, out, bootstrap, stretches=stretches))
    return _Run(manifest["counts"]["ticks"], time.perf_counter() - begun)
