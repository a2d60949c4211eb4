"""Rounds in which client, Faust job, worker and engine take turns: their ratios come from the same conditions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bench.brokers import Filled, filled_broker
from bench.client import client_rate
from bench.engine_alone import LIVE_TICKS, Log, engine_run, read_log
from bench.faust_run import faust_run
from bench.figures import Board
from bench.market import CutMarket, Size
from bench.replay import Ticks, file_rate, topic_rate, write_ticks
from bench.rules import plans
from bench.stages import stage_times
from bench.worker import worker_run
from infra.embedded.kafka import KafkaRuntime
from ingest.sim_day import new_york_ns

PARTS: Final = ("client", "faust", "json", "frame", "engine", "replay")
Tell = Callable[[str], object]


@dataclass(frozen=True)
class Sizes:
    """How much is measured. The Faust job's market has a twentieth of the symbols at a twentieth of the rate: to each
    symbol the same happens. A live window is a minute, so that each holds the close of a minute's bars."""

    symbols: int = 10_000
    rate: float = 20_000.0
    json_ticks: int = 2_000_000
    frame_ticks: int = 8_000_000
    faust_ticks: int = 40_000
    engine_ticks: int = 400_000
    window_s: float = 10.0
    live_window_s: float = 60.0

    @classmethod
    def quick(cls) -> Sizes:
        """For trying it out."""
        return cls(
            json_ticks=600_000,
            frame_ticks=1_500_000,
            faust_ticks=10_000,
            engine_ticks=150_000,
            window_s=4.0,
            live_window_s=4.0,
        )


@dataclass
class _Logs:
    """What the engine alone goes through; ticks of a partition in one record, in many, and in chunks of a live
    market."""

    frame: Log
    json: Log
    small: Log


async def measure_throughput(
    board: Board, folder: Path, runtime: KafkaRuntime, parts: Collection[str], sizes: Sizes, runs: int, tell: Tell
) -> None:
    """Fill the topics, then `runs` rounds of the chosen parts."""
    async with AsyncExitStack() as stack:

        async def fill(name: str, size: Size, form: Literal["json", "frame"]) -> Filled:
            tell(f"filling a topic: {size.ticks:,} ticks, {form}")
            return await stack.enter_async_context(filled_broker(folder / name, runtime, CutMarket(size), form))

        brokers: dict[str, Filled] = {}
        spelled = Size(sizes.symbols, sizes.json_ticks, sizes.rate)
        file = await write_ticks(folder, spelled) if "replay" in parts else None
        if {"client", "json", "engine", "replay"} & set(parts):
            brokers["json"] = await fill("json", spelled, "json")
        if {"frame", "engine", "replay"} & set(parts):
            brokers["frame"] = await fill("frame", Size(sizes.symbols, sizes.frame_ticks, sizes.rate), "frame")
        if "faust" in parts:
            brokers["faust"] = await fill(
                "faust", Size(sizes.symbols // 20, sizes.faust_ticks, sizes.rate / 20), "json"
            )
        logs = await _logs(brokers, sizes) if "engine" in parts else None
        for number in range(1, runs + 1):
            tell(f"round {number} of {runs}")
            await _round(board, brokers, logs, file, parts, _live_ns(sizes), tell)


async def _logs(brokers: dict[str, Filled], sizes: Sizes) -> _Logs:
    live_ns, most = _live_ns(sizes), sizes.engine_ticks
    return _Logs(
        await read_log(brokers["frame"], live_ns, most, 8),
        await read_log(brokers["json"], live_ns, most // 2, 8_192),
        await read_log(brokers["json"], live_ns, most // 4, LIVE_TICKS, LIVE_TICKS),
    )


def _live_ns(sizes: Sizes) -> int:
    options = Size(sizes.symbols, 0, sizes.rate).options()
    return new_york_ns(options.day, options.live)


async def _round(
    board: Board,
    brokers: dict[str, Filled],
    logs: _Logs | None,
    file: Ticks | None,
    parts: Collection[str],
    live_ns: int,
    tell: Tell,
) -> None:
    if "client" in parts:
        tell("client")
        board.add("client", await client_rate(brokers["json"].bootstrap))
    if "faust" in parts:
        tell("idiomatic Faust")
        board.add("faust", await faust_run(brokers["faust"]))
    for form in ("json", "frame"):
        if {form, "replay"} & set(parts):
            tell(f"scan worker, {form}")
            await _worker(board, brokers[form], form)
        if "replay" in parts:
            tell(f"replay, {form}")
            board.add(f"replay {form}", await topic_rate(brokers[form], live_ns))
            board.add_ratio(f"replay {form}", form)
    if file is not None:
        tell("replay of a file")
        board.add("replay file", await file_rate(file))
    if logs is not None:
        tell("engine alone")
        await asyncio.to_thread(_engine, board, logs)
    _ratios(board, parts)


def _ratios(board: Board, parts: Collection[str]) -> None:
    for above, below in (("json", "client"), ("json", "faust"), ("frame", "json")):
        if {above, below} <= set(parts):
            board.add_ratio(above, below)
    if {"frame", "client"} <= set(parts):
        board.add_against_aim()


async def _worker(board: Board, filled: Filled, form: str) -> None:
    seen = await worker_run(filled)
    board.add(form, seen.rate)
    board.add(f"{form} checkpoints", seen.checkpoints_per_s)
    with contextlib.suppress(ValueError):  # through before a checkpoint was
        board.add(f"{form} checkpoint", 1e3 * seen.checkpoint_s)
        board.add(f"{form} checkpoint MB", seen.checkpoint_bytes / 1e6)


def _engine(board: Board, logs: _Logs) -> None:
    made = plans()
    framed, spelled, small = (engine_run(log, made) for log in (logs.frame, logs.json, logs.small))
    board.add("engine", framed.step_us)
    board.add("engine small", small.step_us)
    board.add("decode frame", framed.decode_us)
    board.add("decode json", spelled.decode_us)
    for stage, spent_us in stage_times(logs.frame, made).items():
        board.add(f"stage {stage}", spent_us)
