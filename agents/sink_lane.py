"""The way of one topic into one table: many waiting chunks in one insert, poison set aside, then the commit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import faust
import msgspec
from faust.types import TP

from infra import metrics
from infra.clickhouse import ClickHouse, patiently
from infra.kafka.chunk import Chunk
from schemas.dead_letter import error_headers
from schemas.topics import Topic

logger = logging.getLogger(__name__)

STAGE: Final = "sink"
SEND_LIMIT_S: Final = 300.0
# Below the limit of the dead-letter topics by what the added headers may take.
MAX_DEAD_BYTES: Final = 900_000

Row = TypeVar("Row")


@dataclass(frozen=True)
class SinkLimits:
    """`insert_rows` bounds one insert, `waiting_rows` what is read ahead (one chunk more may come). What is less than
    an insert's worth waits `interval_s` for more: ClickHouse likes few and large ones, and the bars of a minute are
    stored when its alerts have been told. `away_s`: how long ClickHouse may be away before the process gives up."""

    insert_rows: int = 20_000
    waiting_rows: int = 50_000
    interval_s: float = 0.5
    away_s: float = 600.0


@dataclass(frozen=True)
class Destination(Generic[Row]):
    """What a topic's records are and where they go. `decode` raises ValueError or msgspec.MsgspecError for poison."""

    topic: Topic
    dead_letters: Topic
    table: str
    decode: Callable[[bytes], Row]
    insert: Callable[[ClickHouse, Sequence[Row]], Awaitable[None]]


@dataclass
class LaneStats:
    """Figures of one table; `lag` in records by partition."""

    rows: int = 0
    inserts: int = 0
    dead_letters: int = 0
    waiting_rows: int = 0
    lag: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Poison:
    record: Any
    reason: str


class Lane(Generic[Row]):
    """A bounded queue of chunks, and the one task that empties it."""

    def __init__(self, destination: Destination[Row], database: ClickHouse, app: faust.App, limits: SinkLimits) -> None:
        self._to, self._database, self._app, self._limits = destination, database, app, limits
        self._waiting: deque[Chunk] = deque()
        self._changed = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.stats = LaneStats()
        self.away = ""

    @property
    def table(self) -> str:
        """Its table's name."""
        return self._to.table

    async def put(self, chunk: Chunk) -> None:
        """Queue a chunk, waiting while there is no room."""
        await self._room.wait()
        self._waiting.append(chunk)
        self._count(len(chunk))

    async def run(self) -> None:
        """Store what waits until cancelled. Raises what must end the process."""
        while True:
            await self._changed.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.interval_s):
                    await self._full.wait()
            await self._store(self._take())

    def _take(self) -> list[Chunk]:
        chunks = [self._waiting.popleft()]
        rows = len(chunks[0])
        while self._waiting and rows + len(self._waiting[0]) <= self._limits.insert_rows:
            chunks.append(self._waiting.popleft())
            rows += len(chunks[-1])
        self._count(-rows)
        return chunks

    def _count(self, rows: int) -> None:
        self.stats.waiting_rows += rows
        metrics.QUEUE.labels(f"sink {self.table}").set(self.stats.waiting_rows)
        for event, is_so in (
            (self._changed, bool(self._waiting)),
            (self._full, self.stats.waiting_rows >= self._limits.insert_rows),
            (self._room, self.stats.waiting_rows < self._limits.waiting_rows),
        ):
            (event.set if is_so else event.clear)()

    async def _store(self, chunks: list[Chunk]) -> None:
        rows, poison = self._decode(chunks)
        if rows:
            with metrics.INSERT.labels(self.table).time():
                await patiently(lambda: self._to.insert(self._database, rows), self._limits.away_s, self._hear)
            self.stats.rows += len(rows)
            self.stats.inserts += 1
            metrics.INSERTED.labels(self.table).inc(len(rows))
        await self._set_aside(poison)
        await self._commit({chunk.tp: chunk.end for chunk in chunks})

    def _decode(self, chunks: list[Chunk]) -> tuple[list[Row], list[_Poison]]:
        rows: list[Row] = []
        poison: list[_Poison] = []
        for chunk in chunks:
            for record in chunk:
                try:
                    rows.append(self._to.decode(record.value or b""))
                except (ValueError, msgspec.MsgspecError) as error:
                    poison.append(_Poison(record, f"{type(error).__name__}: {error}"))
        return rows, poison

    def _hear(self, reason: str) -> None:
        self.away = reason

    async def _set_aside(self, poison: list[_Poison]) -> None:
        async with asyncio.timeout(SEND_LIMIT_S):
            await asyncio.gather(*(self._send(one) for one in poison))
        self.stats.dead_letters += len(poison)
        metrics.DEAD_LETTERS.labels(self._to.topic.name).inc(len(poison))

    async def _send(self, poison: _Poison) -> None:
        record, reason, value = poison.record, poison.reason, poison.record.value or b""
        if len(value) > MAX_DEAD_BYTES:
            reason += f" (the first {MAX_DEAD_BYTES} of {len(value)} bytes are kept)"
        headers = error_headers(record.topic, record.partition, record.offset, -1, reason, STAGE)
        logger.warning("%s/%d at %d set aside: %s", record.topic, record.partition, record.offset, reason)
        await self._app.producer.send_and_wait(
            self._to.dead_letters.name,
            record.key,
            value[:MAX_DEAD_BYTES],
            record.partition,
            None,
            [*record.headers, *headers],
        )

    async def _commit(self, ends: dict[TP, int]) -> None:
        consumer: Any = self._app.consumer
        for tp, end in ends.items():
            if not await consumer.commit_position(tp, end):
                logger.info("%s/%d is another's now; its rows up to %d are stored twice, as one", *tp, end)
                self.stats.lag.pop(tp.partition, None)
                continue
            lag = max(0, (consumer.highwater(tp) or 0) - end)
            self.stats.lag[tp.partition] = lag
            metrics.LAG.labels(tp.topic, tp.partition).set(lag)
