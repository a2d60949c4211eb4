"""A file of canonical JSON lines through the engine, as if it were the log of one partition."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from app.replay_answer import ReplayError
from app.replay_lane import Lane
from app.replay_progress import Meter, Pace, Tell
from app.replay_request import Request, Span
from app.replay_rules import NO_RULES
from app.replay_run import Part, Printed
from app.replay_spill import Spills
from engine.clock import Watermark
from ingest.heartbeats import NOT_STARTED, heartbeats
from ingest.json_lines import BLOCK_BYTES, has_heartbeats, unpacked, without_mark
from schemas.alert import AlertBody
from schemas.batch import Chunk, TickBatch
from schemas.control import Heartbeat, Mark, SourceEnd

LINES: Final = 32_768
PACED_LINES: Final = 256
SOURCE: Final = "replay"


async def run_file(
    path: Path, request: Request, folder: Path, progress: Tell, tell_alert: Callable[[AlertBody], object]
) -> Part:
    """JSON lines, plain or .gz. A file without heartbeats is given those that ingest would make of it.

    A rule set that stands in a file can only be had from the log, so the request's rules override it; without them no
    rule is active. A file is always read from its beginning, so that a span of it is exact. Raises ReplayError.
    """
    spills = Spills(folder, "file")
    taker = spills if request.speed is None else Printed(spills, tell_alert)
    lane = Lane(0, None, taker, request.engine, request.symbols, request.asked)
    plan = (request.rules or NO_RULES).plan(request.asked)
    lane.step_ticks = LINES  # a step's price is that of its symbols, and all of them are in this one partition
    lane.override(plan, 0)
    cutter = _Cutter(request.span)
    lane.told = cutter.inside
    pace = None if request.speed is None else Pace(request.speed)
    part = Part(lane.counts)
    try:
        async for batch in _batches(path, lane, progress, PACED_LINES if pace else LINES):
            for some, inside in cutter.cut(batch):
                if inside and not lane.told:
                    part.begin_watermark_ns = lane.partition.header.watermark_ns
                lane.told = inside
                lane.step(some)
            if cutter.done:
                break
            if pace:
                await pace.wait(lane.partition.header.watermark_ns)
    except (OSError, EOFError, zlib.error) as error:
        raise ReplayError(f"{path}: {error}") from error
    part.end_watermark_ns = lane.partition.header.watermark_ns
    part.keep(spills)
    part.note(lane)
    return part


def file_digest(path: Path) -> str:
    """SHA-256 of its bytes. Raises ReplayError."""
    sha = hashlib.sha256()
    try:
        with path.open("rb") as file:
            for part in iter(lambda: file.read(BLOCK_BYTES), b""):
                sha.update(part)
    except OSError as error:
        raise ReplayError(f"{path}: {error.strerror}") from error
    return sha.hexdigest()


class _Cutter:
    """Says which parts of batches lie in a span of event time: behind the record that reaches its beginning, through
    the one that reaches its end."""

    def __init__(self, span: Span) -> None:
        self._span, self._watermark = span, Watermark()
        self.inside, self.done = span.from_ns is None, False

    def cut(self, batch: TickBatch) -> Iterator[tuple[TickBatch, bool]]:
        """The batch in parts, each with whether it is inside; nothing behind the end."""
        for number, mark in enumerate(batch.marks):
            if not isinstance(mark.event, Heartbeat | SourceEnd):
                continue
            before, after = self._watermark.ts_ns, self._watermark.apply(mark.event)
            starts = self._span.from_ns is not None and not self.inside and after >= self._span.from_ns
            self.done = self._span.to_ns is not None and after >= self._span.to_ns
            if self.done and before == 0:
                return  # the file begins behind the end
            if starts and before == 0:
                self.inside = True  # the file begins behind the beginning
            elif starts or self.done:
                head, tail = _split(batch, number)
                yield head, self.inside
                self.inside = True
                if not self.done:
                    yield from self.cut(tail)
                return
        yield batch, self.inside


def _split(batch: TickBatch, number: int) -> tuple[TickBatch, TickBatch]:
    """Through that mark, and behind it."""
    row, offset = batch.marks[number].row, batch.marks[number].offset
    later = [Mark(mark.row - row, mark.offset, mark.event, mark.append_ts) for mark in batch.marks[number + 1 :]]
    records = min(batch.records, batch.last_offset - offset)
    first = TickBatch(
        batch.trades.take(slice(None, row)),
        batch.marks[: number + 1],
        [one for one in batch.rejected if one.offset <= offset],
        batch.records - records,
        offset - 1,
    )
    rest = [one for one in batch.rejected if one.offset > offset]
    return first, TickBatch(batch.trades.take(slice(row, None)), later, rest, records, batch.last_offset)


async def _batches(path: Path, lane: Lane, progress: Tell, lines: int) -> AsyncIterator[TickBatch]:
    makes_time = not has_heartbeats(path)
    with path.open("rb") as raw:
        newest_ns, meter = NOT_STARTED, Meter(os.fstat(raw.fileno()).st_size, progress)
        for chunk in _chunks(unpacked(path, raw), lines):
            batch = lane.decode(chunk)
            if makes_time:
                newest_ns = _add_heartbeats(batch, newest_ns)
            yield batch
            meter.reached(0, raw.tell(), lane.counts.ticks + lane.counts.warmup_ticks)


def _chunks(lines: BinaryIO, most: int) -> Iterator[Chunk]:
    """Offsets are line numbers, from 0."""
    first = 0
    while part := list(islice(lines, most)):
        if not first:
            part = without_mark(part)
        values: list[bytes | None] = list(map(bytes.strip, part))
        numbers: Sequence[int] = range(first, first + len(part))
        if not all(values):
            numbers = [first + i for i, value in enumerate(values) if value]
            values = [value for value in values if value]
        yield Chunk(numbers, values, [-1] * len(numbers))
        first += len(part)


def _add_heartbeats(batch: TickBatch, newest_ns: int) -> int:
    rows, times, newest_ns = heartbeats(batch.trades.ts, newest_ns)
    beats = [
        Mark(row, int(batch.trades.offset[row]), Heartbeat(SOURCE, ts))
        for row, ts in zip(rows.tolist(), times.tolist(), strict=True)
    ]
    batch.marks = sorted([*batch.marks, *beats], key=lambda mark: mark.row)
    return newest_ns
