"""The engine without Kafka: microseconds a tick to decode and to step, over the very records that the workers read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from bench.brokers import PARTITIONS, Filled
from engine.partition import STEP_TICKS, Partition
from engine.rules.plan import Plan
from infra.calendars import load_calendars
from infra.kafka.block import Records
from infra.kafka.reader import Reader, chunk_of
from schemas.alert import AlertBody
from schemas.batch import Chunk
from schemas.decode import decode_chunk
from schemas.symbols import SymbolTable
from schemas.topics import TICKS
from schemas.values import Values

CHUNK_TICKS: Final = 65_536
"""About what a worker that has to catch up gets with one fetch."""
LIVE_TICKS: Final = 500
"""What a partition brings within a tenth of a second at 20,000 ticks a second."""


@dataclass
class Log:
    """Chunks by partition. Those from `counted[partition]` on come after the warm-up."""

    chunks: list[list[Chunk]] = field(default_factory=list)
    counted: list[int] = field(default_factory=list)


@dataclass
class EngineRun:
    """Seconds, ticks and alerts of the part that counts."""

    ticks: int = 0
    decode_s: float = 0.0
    step_s: float = 0.0
    alerts: int = 0

    @property
    def decode_us(self) -> float:
        """Microseconds a tick."""
        return 1e6 * self.decode_s / self.ticks

    @property
    def step_us(self) -> float:
        """Microseconds a tick."""
        return 1e6 * self.step_s / self.ticks


async def read_log(filled: Filled, live_ns: int, most_ticks: int, at_once: int, chunk_ticks: int = CHUNK_TICKS) -> Log:
    """The first `most_ticks` (about) of each partition, read `at_once` records at a time, in chunks of about
    `chunk_ticks`; those of a chunk are all before or all after the warm-up, which ends at `live_ns`."""
    log = Log()
    async with Reader(filled.bootstrap, TICKS.name) as reader:
        for whole in await reader.ranges():
            cutter = _Cutter(whole.partition, live_ns, chunk_ticks)
            async for records in reader.read(whole, at_once):
                cutter.add(records)
                if cutter.ticks > most_ticks:
                    break
            cutter.cut()
            log.chunks.append(cutter.chunks)
            log.counted.append(cutter.counted)
    return log


class _Cutter:
    """Puts fetched records together to chunks of about so many ticks."""

    def __init__(self, partition: int, live_ns: int, chunk_ticks: int) -> None:
        self.chunks: list[Chunk] = []
        self.counted, self.ticks = -1, 0
        self._live_ns, self._chunk_ticks = live_ns, chunk_ticks
        self._symbols = SymbolTable(partition, PARTITIONS)
        self._records: list[Any] = []
        self._held = 0

    def add(self, records: Records) -> None:
        trades = decode_chunk(chunk_of(records), self._symbols).trades
        if self.counted < 0 and len(trades) and int(trades.ts[0]) >= self._live_ns:
            self.cut()
            self.counted = len(self.chunks)
        self._records += records
        self._held += len(trades)
        self.ticks += len(trades)
        if self._held >= self._chunk_ticks:
            self.cut()

    def cut(self) -> None:
        if self._records:
            self.chunks.append(_as_fetched(chunk_of(self._records)))
        self._records, self._held = [], 0


def _as_fetched(chunk: Chunk) -> Chunk:
    """JSON as a worker is given it: columns, the values in one buffer."""
    values = list(chunk.values)
    if not all(value and value.startswith(b"{") for value in values):
        return chunk
    return Chunk(np.array(chunk.offsets, np.int64), Values.of(values), np.array(chunk.append_ts_ns, np.int64))


def engine_run(log: Log, plans: dict[str, Plan], warm: Callable[[], object] = lambda: None) -> EngineRun:
    """Fresh engines through the whole log: all warm-ups, then `warm` is called, then what counts."""
    run = EngineRun()
    partitions = [Partition(number, PARTITIONS, load_calendars()) for number in range(len(log.chunks))]
    for partition, chunks, counted in zip(partitions, log.chunks, log.counted, strict=True):
        _through(partition, chunks[:counted], plans, EngineRun())
    warm()
    for partition, chunks, counted in zip(partitions, log.chunks, log.counted, strict=True):
        _through(partition, chunks[counted:], plans, run)
    return run


def _through(partition: Partition, chunks: Sequence[Chunk], plans: dict[str, Plan], run: EngineRun) -> None:
    for chunk in chunks:
        begun = time.perf_counter()
        batch = decode_chunk(chunk, partition.symbols)
        decoded = time.perf_counter()
        run.alerts += sum(len(partition.step(part, plans).alerts) for part in batch.parts(STEP_TICKS))
        run.step_s += time.perf_counter() - decoded
        run.decode_s += decoded - begun
        run.ticks += len(batch.trades)


async def engine_alerts(bootstrap: str, plans: dict[str, Plan]) -> list[AlertBody]:
    """Every alert that the engine finds in that tick topic."""
    alerts = []
    async with Reader(bootstrap, TICKS.name) as reader:
        for whole in await reader.ranges():
            partition = Partition(whole.partition, PARTITIONS, load_calendars())
            async for records in reader.read(whole, CHUNK_TICKS):
                result = partition.step(decode_chunk(chunk_of(records), partition.symbols), plans)
                alerts += [fired.body for fired in result.alerts]
    return alerts
