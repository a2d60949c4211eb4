"""The simulated market as batches, without a broker: for measuring the engine alone where it needs a long history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Final

import numpy as np

from bench.brokers import PARTITIONS
from bench.engine_alone import CHUNK_TICKS
from engine.partition import STEP_TICKS, Partition
from engine.pieces import Header, Piece
from engine.rules.plan import Plan
from infra.calendars import load_calendars
from ingest.batch import Placed
from ingest.heartbeats import NOT_STARTED, heartbeats
from ingest.provider import EVERYTHING
from ingest.sim import SimProvider
from ingest.sim_options import SimOptions
from schemas.batch import UNKNOWN_TIME, Chunk, TickBatch, Trades
from schemas.control import Heartbeat, Mark, RuleSetSwitch
from schemas.decode import decode_chunk
from schemas.partitioning import partition_of

HISTORY_DAYS: Final = 21
HISTORY_SHARE: Final = 0.005
"""Of the rate, before the part that counts."""
START: Final = time(9, 30)
LIVE: Final = time(15, 30)
"""Six hours of bars: enough for 14 bars of 15m and 5 of 1h."""


@dataclass
class Lane:
    """One partition's way through the market: `names` in order of their numbers, its state where the part that counts
    begins, and the batches of that part."""

    names: list[str]
    pieces: list[Piece]
    header: Header
    batches: list[TickBatch]

    def partition(self, number: int, plan: Plan | None) -> Partition:
        """An engine at the beginning of the part that counts, with `plan`, that of the history, in force, or none."""
        made = Partition(number, PARTITIONS, load_calendars())
        for name in self.names:
            assert made.symbols[name] >= 0
        for piece in self.pieces:
            made.import_piece(piece)
        if plan is None:
            made.begin_at(replace(self.header, rule_set=None), {})
            made.scanner.forget_imports()
        else:
            made.begin_at(self.header, {plan.set_hash: plan})
        return made


def together(market: Sequence[Lane], plan: Plan) -> Partition:
    """All symbols in one engine, at the beginning of the part that counts."""
    made = Partition(0, None, load_calendars())
    for piece in sorted((piece for lane in market for piece in lane.pieces), key=lambda piece: piece.key, reverse=True):
        made.import_piece(piece)
    made.begin_at(market[0].header, {plan.set_hash: plan})
    return made


def switch_to(partition: Partition, plan: Plan) -> None:
    """Bring a rule set into force, as a record of the log does."""
    offset = partition.position + 1
    mark = Mark(0, offset, RuleSetSwitch(plan.set_hash, partition.rule_set_seq + 1), UNKNOWN_TIME)
    partition.step(TickBatch(Trades.empty(), [mark], [], 1, offset), {plan.set_hash: plan})


async def lanes(symbols: int, rate: float, ticks: int, plan: Plan) -> list[Lane]:
    """The market of so many symbols: a history of days and hours worked on with the rules of `plan`, then `ticks` at
    `rate` a second of event time, in chunks as a worker gets them that has to catch up."""
    options = SimOptions(
        symbols=symbols,
        rate=rate,
        history_rate=HISTORY_SHARE * rate,
        start=START,
        live=LIVE,
        history_days=HISTORY_DAYS,
        plain=True,
    )
    provider = SimProvider(options)
    await provider.subscribe([EVERYTHING])
    cutter = _Cutter(await provider.universe(), plan)
    async for batch in provider.batches():
        if batch.paced and not cutter.live:
            cutter.begin()
        cutter.add(batch.trades, batch.placed)
        if batch.paced:
            ticks -= len(batch.trades)
            if ticks <= 0:
                break
    return cutter.end()


class _Cutter:
    """Shares trades out among the partitions, with heartbeats, and steps those through that come before what counts."""

    def __init__(self, names: Sequence[str], plan: Plan) -> None:
        self.live, self._plans = False, {plan.set_hash: plan}
        self._partitions = [Partition(number, PARTITIONS, load_calendars()) for number in range(PARTITIONS)]
        self._of_symbol = np.array([partition_of(name, PARTITIONS) for name in names])
        self._number = np.array([self._partitions[p].symbols[n] for p, n in zip(self._of_symbol, names, strict=True)])
        for partition in self._partitions:
            switch_to(partition, plan)
        self._held = [_Held() for _ in self._partitions]
        self._lanes: list[Lane] = []
        self._newest_ns = NOT_STARTED

    def add(self, trades: Trades, placed: Sequence[Placed]) -> None:
        for number, partition in enumerate(self._partitions):
            values = [one.value for one in placed if one.symbol in partition.symbols]
            if values:
                self._held[number].offset = _history(partition, values, self._held[number].offset)
        rows, times, self._newest_ns = heartbeats(trades.ts, self._newest_ns)
        of_row = self._of_symbol[trades.symbol]
        trades = replace(trades, symbol=self._number[trades.symbol].astype(np.int32))
        for number, held in enumerate(self._held):
            mine = np.flatnonzero(of_row == number)
            held.add(trades.take(mine), np.searchsorted(mine, rows).tolist(), times.tolist())
            if held.trades >= CHUNK_TICKS:
                self._cut(number)

    def begin(self) -> None:
        """What comes from here on counts."""
        for number, partition in enumerate(self._partitions):
            self._cut(number)
            pieces = [partition.export_piece(key) for key in sorted(partition.all_pieces(), reverse=True)]
            self._lanes.append(Lane(list(partition.symbols.names), pieces, partition.header, []))
        self.live = True

    def end(self) -> list[Lane]:
        for number in range(len(self._partitions)):
            self._cut(number)
        return self._lanes

    def _cut(self, number: int) -> None:
        batch = self._held[number].take()
        if self.live:
            self._lanes[number].batches.append(batch)
            return
        for part in batch.parts(STEP_TICKS):
            self._partitions[number].step(part, self._plans)


@dataclass
class _Held:
    """Trades and heartbeats of one partition until there is a chunk of them. Offsets number both."""

    offset: int = 0
    trades: int = 0
    parts: list[Trades] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def add(self, trades: Trades, rows: Sequence[int], times: Sequence[int]) -> None:
        marks_before = np.searchsorted(np.array(rows), np.arange(len(trades)), side="right")
        trades.offset = self.offset + np.arange(len(trades)) + marks_before
        for count, (row, ts) in enumerate(zip(rows, times, strict=True)):
            self.marks.append(Mark(self.trades + row, self.offset + row + count, Heartbeat("sim", ts), UNKNOWN_TIME))
        self.parts.append(trades)
        self.trades += len(trades)
        self.offset += len(trades) + len(rows)

    def take(self) -> TickBatch:
        batch = TickBatch(
            Trades.concatenate(self.parts), self.marks, [], self.trades + len(self.marks), self.offset - 1
        )
        self.trades, self.parts, self.marks = 0, [], []
        return batch


def _history(partition: Partition, values: Sequence[bytes], offset: int) -> int:
    """Step through records of finished days; the next offset."""
    offsets = range(offset, offset + len(values))
    partition.step(decode_chunk(Chunk(offsets, values, [UNKNOWN_TIME] * len(values)), partition.symbols), {})
    return offsets.stop
