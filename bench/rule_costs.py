"""What rules cost: a tick, a sweep over all symbols, a compilation, a switch; for a hundred, a thousand and ten
thousand of them. Processor time, so that others at work on the machine matter little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from bench.figures import Board
from bench.offline import Lane, lanes, switch_to, together
from bench.rule_sets import compiled, entries_and_bodies, file_bytes
from bench.stages import stage_seconds
from engine.firing import Moment
from engine.partition import STEP_TICKS, Partition
from engine.rules.plan import Plan, compile_rule_set
from engine.timeframes import MINUTE_NS
from engine.view import View
from schemas.batch import TickBatch
from schemas.rule import RuleBody, RuleEntry, rule_set_hash

COUNTS: Final = (100, 1_000, 10_000)
SWEEPS: Final = 5
"""A round."""
Tell = Callable[[str], object]


@dataclass
class _Run:
    """What engines needed to go through batches."""

    ticks: int = 0
    seconds: float = 0.0
    alerts: int = 0

    @property
    def us(self) -> float:
        return 1e6 * self.seconds / self.ticks


async def measure_rules(board: Board, symbols: int, rate: float, ticks: int, runs: int, tell: Tell) -> None:
    """The market is made once; each run has fresh engines at the beginning of the part that counts. `ticks`: of all
    partitions."""
    files = {count: file_bytes(count) for count in COUNTS}
    plans = {count: compiled(file) for count, file in files.items()}
    tell(f"six hours of {symbols:,} symbols")
    market = await lanes(symbols, rate, ticks, plans[100])
    for number in range(1, runs + 1):
        tell(f"rules, round {number} of {runs}")
        await asyncio.to_thread(_round, board, market, files, plans, tell)


def _round(board: Board, market: list[Lane], files: dict[int, bytes], plans: dict[int, Plan], tell: Tell) -> None:
    board.add("compile", _seconds(lambda: compiled(files[10_000])))
    board.add("rules 100", _through(market, plans, 100, None).us)
    partition = together(market, plans[100])
    board.add("sweep anew", 1e3 * _sweep(partition))
    for _ in range(SWEEPS):
        board.add("sweep", 1e3 * _sweep(partition))
    steps = {count: _through(market, plans, count, 1) for count in COUNTS}
    tell("alerts a thousand ticks: " + ", ".join(f"{1e3 * run.alerts / run.ticks:.1f}" for run in steps.values()))
    matching = {count: stage_seconds("rules", partial(_through, market, plans, count, 1)) for count in COUNTS}
    for count in COUNTS[1:]:
        board.add(f"rules {count} / rules 100", steps[count].us / steps[100].us)
        board.add(f"match {count} / match 100", matching[count] / matching[100])
    for key, begins_with in (("switch", plans[100]), ("switch new", None)):
        partitions = [lane.partition(number, begins_with) for number, lane in enumerate(market)]
        board.add(key, 1e3 * _seconds(partial(_switch, partitions, *entries_and_bodies(files[1_000]))))


def _switch(partitions: list[Partition], entries: list[RuleEntry], bodies: dict[str, RuleBody]) -> None:
    """What a worker does at the record of a switch."""
    plan = compile_rule_set(rule_set_hash(entries), entries, bodies)
    for partition in partitions:
        switch_to(partition, plan)


def _through(market: list[Lane], plans: dict[int, Plan], count: int, most: int | None) -> _Run:
    """So many rules over the first `most` batches of each partition (None: all)."""
    run, plan = _Run(), plans[count]
    for number, lane in enumerate(market):
        partition = lane.partition(number, plans[100])
        if plan is not plans[100]:
            switch_to(partition, plan)
        for part in _parts(lane.batches[:most]):
            begun = time.process_time()
            run.alerts += len(partition.step(part, {plan.set_hash: plan}).alerts)
            run.seconds += time.process_time() - begun
            run.ticks += len(part.trades)
    return run


def _parts(batches: Iterable[TickBatch]) -> Iterable[TickBatch]:
    for batch in batches:
        yield from batch.parts(STEP_TICKS)


def _sweep(partition: Partition) -> float:
    """Seconds to try each rule once at the newest row of every symbol."""
    state, symbol = partition.state, partition.state.symbol
    members = np.flatnonzero(symbol.row_ts[: state.known] >= 0)
    row_ts, ordinal = symbol.row_ts[members], symbol.row_ordinal[members] + 1
    minutes = row_ts // MINUTE_NS
    info = state.clock.info(minutes, symbol.market[members])

    def sweep() -> None:
        with np.errstate(all="ignore"):
            view = View(state, members, minutes, info, row_ts, ordinal, None)
            partition.scanner.evaluate(view, Moment(partition.position, -1))

    return _seconds(sweep)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
