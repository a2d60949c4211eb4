"""A hundred thousand symbols in one process: that they run, and what each of them takes."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from bench.brokers import PARTITIONS
from bench.figures import Board
from bench.memory import memory_mb
from bench.offline import switch_to
from engine.partition import STEP_TICKS, Partition
from engine.rules.plan import Plan, compile_rule_set
from infra.allocator import give_back_memory, keep_memory_small
from infra.calendars import load_calendars
from ingest.sim_day import MINUTE_NS, PRE, new_york_ns
from schemas.batch import UNKNOWN_TIME, TickBatch, Trades
from schemas.control import Heartbeat, Mark
from schemas.partitioning import partition_of
from schemas.rule import RuleBody, RuleEntry, rule_hash
from schemas.tick import REGULAR_TRADE

SYMBOLS: Final = 100_000
BARS: Final = 204
"""Of 1m and of 5m each: windows of 200 are full, and the first day's volume is in the profile."""
BARS_A_DAY: Final = 192
DAY: Final = date(2024, 6, 12)
STEP_NS: Final = 5 * MINUTE_NS
CONDITIONS: Final = ("price > sma(200, 1m)", "price > sma(200, 5m)", "relative_volume_same_time > 300")


@dataclass(frozen=True)
class Seen:
    """`us`: processor time a tick, each of which closes a bar of one minute and of five."""

    bytes_a_symbol: float
    us: float
    ticks: int
    bars: int


async def measure_many_symbols(board: Board, symbols: int, tell: Callable[[str], object]) -> None:
    """In a process of its own, as memory that others have left would hide what is taken."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        seen = await asyncio.get_running_loop().run_in_executor(pool, grown, symbols)
    tell(f"{symbols:,} symbols: {seen.ticks:,} ticks, {seen.bars:,} bars")
    board.add("symbol memory", seen.bytes_a_symbol / 1e3)
    board.add("many symbols", seen.us)


def grown(symbols: int) -> Seen:
    """Every symbol trades once in each of so many bars of five minutes, over two days."""
    keep_memory_small()
    plan = _plan()
    names = [f"M{number:06d}" for number in range(symbols)]
    load_calendars()
    gc.collect()
    give_back_memory()
    before_mb = memory_mb(os.getpid())
    partitions = [Partition(number, PARTITIONS, load_calendars()) for number in range(PARTITIONS)]
    for name in names:
        assert partitions[partition_of(name, PARTITIONS)].symbols[name] >= 0
    ticks = bars = 0
    seconds = 0.0
    for number, partition in enumerate(partitions):
        switch_to(partition, plan)
        for batch in _market(number, len(partition.symbols.names)):
            begun = time.process_time()
            for part in batch.parts(STEP_TICKS):
                bars += len(partition.step(part, {plan.set_hash: plan}).bars)
            seconds += time.process_time() - begun
            ticks += len(batch.trades)
    gc.collect()
    give_back_memory()
    taken_mb = memory_mb(os.getpid()) - before_mb
    return Seen(1e6 * taken_mb / symbols, 1e6 * seconds / ticks, ticks, bars)


def _plan() -> Plan:
    bodies = {rule_hash(body): body for body in (RuleBody(text, "each_row", 10**11) for text in CONDITIONS)}
    return compile_rule_set("windows", [RuleEntry(key[:8], key, "", 1) for key in bodies], bodies)


def _market(seed: int, symbols: int) -> Iterator[TickBatch]:
    """A batch a bar: a trade of each symbol, and a heartbeat when the bar is over."""
    random = np.random.default_rng(seed)
    prices = 5 + 400 * random.random(symbols)
    for bar in range(BARS):
        day, place = divmod(bar, BARS_A_DAY)
        start_ns = new_york_ns(DAY + timedelta(days=day), PRE) + place * STEP_NS
        prices *= 1 + 0.001 * random.standard_normal(symbols)
        offset = bar * (symbols + 1)
        trades = Trades(
            symbol=np.arange(symbols, dtype=np.int32),
            ts=start_ns + np.sort(random.integers(0, STEP_NS, symbols)),
            price=np.rint(100 * prices) / 100,
            size=random.integers(1, 500, symbols).astype(np.float64),
            flags=np.full(symbols, REGULAR_TRADE, np.uint8),
            offset=offset + np.arange(symbols),
            index=np.zeros(symbols, np.int32),
            append_ts=np.full(symbols, UNKNOWN_TIME, np.int64),
            ts_recv=np.zeros(symbols, np.int64),
            id_high=np.zeros(symbols, np.uint64),
            id_low=np.zeros(symbols, np.uint64),
        )
        over = Mark(symbols, offset + symbols, Heartbeat("made up", start_ns + STEP_NS), UNKNOWN_TIME)
        yield TickBatch(trades, [over], [], symbols + 1, offset + symbols)
