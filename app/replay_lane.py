"""One partition on its way through a log: the engine, the rules it obeys, and whether its results are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from app.replay_answer import Counts, Taker
from engine.partition import DEFAULT_CONFIG, STEP_TICKS, EngineConfig, Partition
from engine.pieces import Header, Piece
from engine.rules.plan import NOTHING_ASKED, Asked, Plan, compile_rule_set
from infra.calendars import load_calendars
from infra.kafka.block import Records
from infra.kafka.reader import Range, Reader, chunk_of
from infra.kafka.rules import RuleLog
from schemas.batch import Chunk, TickBatch, Trades
from schemas.control import DailyBar, Mark, Reference, RuleSetSwitch, Unapplied
from schemas.decode import decode_chunk
from schemas.metrics import lines_of

OVERRIDES_ALL: Final = 2**62
"""A sequence number above that of any rule set in the log."""
FEWEST_RECORDS: Final = 16_384
"""What one step takes at least, where there is so much: each step has a price of its own."""


class Lane:
    """Steps one partition, about `step_ticks` at a time. While `told` is false its results are dropped: that is how
    windows are filled."""

    def __init__(
        self,
        number: int,
        partitions: int | None,
        taker: Taker,
        config: EngineConfig = DEFAULT_CONFIG,
        symbols: Collection[str] | None = None,
        asked: Asked = NOTHING_ASKED,
    ) -> None:
        """`partitions` None: any symbol belongs here. `symbols`: only these are looked at; None: all. `asked`: what is
        told at closes."""
        self.asked = asked
        self.without_rules = compile_rule_set("", (), {}, asked)
        self.partition = Partition(number, partitions, load_calendars(), config, self.without_rules)
        self.plans: dict[str, Plan] = {}
        self.counts = Counts()
        self.told = True
        self.step_ticks = STEP_TICKS
        self._taker, self._overridden = taker, False
        self._wanted = None if symbols is None else frozenset(symbols)

    def begin(self, header: Header, pieces: Iterable[Piece] = ()) -> None:
        """Begin in the middle of a log; the header's rule set must be among `plans`."""
        held = list(pieces)
        self.partition.expect(name for piece in held for name in piece.symbols)
        for piece in held:
            self.partition.import_piece(piece)
        self.partition.begin_at(header, self.plans)

    def override(self, plan: Plan, offset: int) -> None:
        """From `offset` on these rules hold, whatever the log says."""
        self.plans[plan.set_hash] = plan
        switch = Mark(0, offset, RuleSetSwitch(plan.set_hash, OVERRIDES_ALL))
        self.partition.step(TickBatch(Trades.empty(), [switch], [], 0, offset - 1), self.plans)
        self._overridden = True

    def without_trades(self) -> set[str]:
        """The symbols that were asked for by name and have had no trade so far."""
        names, traded = self.partition.symbols.names, self.partition.state.symbol.last_ts >= 0
        return set(self._wanted or ()) - {names[number] for number in np.flatnonzero(traded[: len(names)]).tolist()}

    def decode(self, chunk: Chunk) -> TickBatch:
        """A chunk, without what is not looked at."""
        batch = decode_chunk(chunk, self.partition.symbols)
        if self._overridden:
            batch.marks = [mark for mark in batch.marks if not isinstance(mark.event, RuleSetSwitch)]
        return batch if self._wanted is None else self._only_wanted(batch, self._wanted)

    def step(self, batch: TickBatch) -> None:
        """Go on by a batch."""
        for part in batch.parts(self.step_ticks):
            self._step(part)

    def _step(self, batch: TickBatch) -> None:
        result = self.partition.step(batch, self.plans)
        if not self.told:
            self.counts.warmup_ticks += result.counts.trades
            return
        bars, alerts = result.bars, [fired.body for fired in result.alerts]
        if self._wanted is not None:
            bars = [bar for bar in bars if bar.symbol in self._wanted]
            alerts = [body for body in alerts if body.symbol in self._wanted]
            result.metrics = [record for record in result.metrics if record.symbol in self._wanted]
        metrics = [line for record in result.metrics for line in lines_of(record)]
        self.counts.add(batch, result)
        self.counts.bars += len(bars)
        self.counts.alerts += len(alerts)
        self.counts.metrics += len(metrics)
        self._taker.take(bars, alerts, metrics)

    async def load_rules(self, batch: TickBatch, log: RuleLog) -> None:
        """Have the plans of all sets that the batch switches to. Raises RuleSetMissingError."""
        for name in self.partition.switches(batch):
            await self.load_rule_set(name, log)

    async def load_rule_set(self, name: str, log: RuleLog) -> None:
        """Have the plan of a set. Raises RuleSetMissingError."""
        if name not in self.plans:
            self.plans[name] = compile_rule_set(name, *await log.load(name), self.asked)

    def _only_wanted(self, batch: TickBatch, wanted: frozenset[str]) -> TickBatch:
        names = self.partition.symbols.names
        is_wanted = np.fromiter((name in wanted for name in names), np.bool_, len(names))
        kept = is_wanted[batch.trades.symbol]
        before = np.concatenate(([0], np.cumsum(kept)))
        marks = [
            replace(mark, row=int(before[mark.row]))
            for mark in batch.marks
            if not isinstance(mark.event, DailyBar | Reference | Unapplied) or mark.event.symbol in wanted
        ]
        return TickBatch(batch.trades.take(kept), marks, batch.rejected, batch.records, batch.last_offset)


async def feed(lane: Lane, reader: Reader, wanted: Range, log: RuleLog) -> AsyncIterator[int]:
    """The range through the lane; yields after each step the offset reached. Raises ReadError,
    RuleSetMissingError."""
    async for records in _large(reader, wanted):
        batch = await asyncio.to_thread(lane.decode, chunk_of(records))
        await lane.load_rules(batch, log)
        await asyncio.to_thread(lane.step, batch)
        yield records[-1].offset + 1


async def _large(reader: Reader, wanted: Range) -> AsyncIterator[Records]:
    """What belongs together in one step: small fetches of small records are put together."""
    waiting: list[Any] = []
    async for records in reader.read(wanted):
        if not waiting and _is_enough(records):
            yield records
            continue
        waiting += records
        if _is_enough(waiting):
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _is_enough(records: Records) -> bool:
    return len(records) >= FEWEST_RECORDS or (
        isinstance(records, list) and sum(len(one.value or b"") for one in records) > FEWEST_RECORDS * 32
    )
