"""Finds the place of an event time in the log of a partition, by its heartbeats, and what is in force there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from engine.clock import SILENCE_NS, Watermark, ahead_of_time
from engine.pieces import Header
from infra.kafka.block import Block, Records
from infra.kafka.reader import Range, Reader, chunk_of
from schemas.batch import Chunk
from schemas.control import Heartbeat, Mark, RuleSetSwitch, SourceEnd
from schemas.decode import decode_chunk
from schemas.frame import FRAME_MAGIC
from schemas.symbols import SymbolTable

READ_WHOLE: Final = 200_000
"""A log of so few records is read instead of searched."""
SAMPLES: Final = 32
SAMPLE_RECORDS: Final = 8_192
BLOCK: Final = 65_536
BEHIND_NS: Final = 2 * SILENCE_NS
"""So far before a place its sources are known: who was silent for half of that does not count there, and what the rest
has said since is all that the watermark depends on."""
CLOCKS_APART_MS: Final = 600_000
_CONTROLS: Final = (b'"hb"', b'"end"', b'"ruleset"')


@dataclass(frozen=True)
class Place:
    """Reading begins at `offset`, where the partition's time is `watermark_ns`. `before_log`: the time asked for has
    passed before the oldest record that tells any."""

    offset: int
    watermark_ns: int
    heartbeats: dict[str, int]
    before_log: bool = False

    def header(self, switch: RuleSetSwitch | None) -> Header:
        """As the engine begins there."""
        name, seq = (None, -1) if switch is None else (switch.rule_set_hash, switch.seq)
        return Header(self.offset - 1, self.watermark_ns, self.heartbeats, name, seq)


def is_control(value: bytes | None) -> bool:
    """Whether it may be a control record; a trade's own JSON is sometimes taken for one, a control record always."""
    if not value or value[0] == FRAME_MAGIC:
        return False
    return any(name in value for name in _CONTROLS)


class LogSearch:
    """Searches one partition, by halving and by reading on from a place that is certainly before."""

    def __init__(self, reader: Reader, whole: Range, future_bound_ns: int, read_whole: int = READ_WHOLE) -> None:
        """`whole`: what there is of the partition. `future_bound_ns`: as the engine has it."""
        self._reader, self._whole, self._read_whole = reader, whole, read_whole
        self._future_bound_ns = future_bound_ns
        self._samples: list[tuple[int, int]] | None = None

    async def reached(self, ts_ns: int) -> Place:
        """Behind the record that takes the watermark to `ts_ns`; the log's end if none does."""
        watermark, passed = Watermark(), None
        begin = await self._before(ts_ns - BEHIND_NS)
        async for mark in self._marks(begin, self._whole.end):
            if not isinstance(mark.event, Heartbeat | SourceEnd):
                continue
            after = watermark.apply(mark.event)
            if after >= ts_ns:
                if passed is None and begin == self._whole.log_begin:
                    return Place(begin, 0, {}, before_log=True)
                return Place(mark.offset + 1, after, dict(watermark.heartbeats))
            passed = after
        return Place(self._whole.end, watermark.ts_ns, dict(watermark.heartbeats))

    async def at(self, offset: int) -> Place:
        """What time it is before the record at `offset`."""
        newest = await self._newest_from(max(self._whole.log_begin, offset - SAMPLE_RECORDS), self._whole.end)
        begin = self._whole.log_begin if newest is None else await self._before(newest - BEHIND_NS)
        watermark = Watermark()
        async for mark in self._marks(min(begin, offset), offset):
            if isinstance(mark.event, Heartbeat | SourceEnd):
                watermark.apply(mark.event)
        return Place(offset, watermark.ts_ns, dict(watermark.heartbeats))

    async def rule_set_at(self, offset: int) -> RuleSetSwitch | None:
        """The switch in force before the record at `offset`: the one with the greatest seq.

        A seq is the time at which somebody applied the set, in ms, so that what was appended long before that time
        has a lower one and need not be read.
        """
        best: RuleSetSwitch | None = None
        high, size = offset, BLOCK
        while high > self._whole.log_begin:
            low, oldest_ms = max(self._whole.log_begin, high - size), -1
            async for records in self._reader.read(Range(self._whole.partition, low, high, self._whole.log_begin)):
                oldest_ms = records[0].timestamp if oldest_ms < 0 else oldest_ms
                for mark in _decoded(records):
                    event = mark.event
                    if isinstance(event, RuleSetSwitch) and (best is None or event.seq > best.seq):
                        best = event
            if best is not None and oldest_ms < best.seq - CLOCKS_APART_MS:
                return best
            high, size = low, 2 * size
        return best

    async def _before(self, ts_ns: int) -> int:
        """An offset at which the newest heartbeat is below `ts_ns`, not far from there where that can be known."""
        begin, end = self._whole.log_begin, self._whole.end
        if end - begin <= self._read_whole:
            return begin
        if self._samples is None:
            self._samples = await self._take_samples()
        if any(after < before - SILENCE_NS for (_, before), (_, after) in pairwise(self._samples)):
            return begin  # time goes back somewhere, so that halving could miss the first place
        below = [offset for offset, newest in self._samples if newest < ts_ns]
        low = max(below, default=begin)
        high = next((offset for offset, _ in self._samples if offset > low), end)
        while high - low > BLOCK:
            middle = (low + high) // 2
            newest = await self._newest_from(middle, high)
            low, high = (middle, high) if newest is not None and newest < ts_ns else (low, middle)
        return max(begin, low - BLOCK)

    async def _take_samples(self) -> list[tuple[int, int]]:
        begin, end = self._whole.log_begin, self._whole.end
        offsets = [begin + (end - begin) * i // SAMPLES for i in range(SAMPLES)]
        found = [(offset, await self._newest_from(offset, end)) for offset in offsets]
        return [(offset, newest) for offset, newest in found if newest is not None]

    async def _newest_from(self, begin: int, end: int) -> int | None:
        """The newest of the first heartbeats from `begin` on; None if there is none before `end`."""
        while begin < end:
            stop = min(begin + SAMPLE_RECORDS, end)
            times = [mark.event.ts_ns async for mark in self._marks(begin, stop) if isinstance(mark.event, Heartbeat)]
            if times:
                return max(times)
            begin = stop
        return None

    async def _marks(self, begin: int, end: int) -> AsyncIterator[Mark]:
        wanted = Range(self._whole.partition, begin, end, self._whole.log_begin)
        async for records in self._reader.read(wanted):
            for mark in _decoded(records):
                if ahead_of_time(mark, self._future_bound_ns) is None:
                    yield mark


def _decoded(records: Records) -> list[Mark]:
    return decode_chunk(_controls(records), SymbolTable()).marks


def _controls(records: Records) -> Chunk:
    """Those that `is_control`."""
    if not isinstance(records, Block):
        return chunk_of([record for record in records if is_control(record.value)])
    found = [records[i] for i in records.values.holding(_CONTROLS)]
    return chunk_of([record for record in found if is_control(record.value)])
