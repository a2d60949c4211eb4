"""The same engine without Faust: a file or the tick topic in, bars and alerts out, in one order that digests agree
on."""

from __future__ import annotations

import asyncio
import gzip
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from engine.partition import EngineConfig, Partition
from engine.result import StepResult
from engine.rules.plan import Plan, compile_rule_set
from engine.rules.seed import rule_set
from infra.calendars import load_calendars
from infra.kafka.reader import Range, Reader, chunk_of
from infra.kafka.rules import RuleLog
from ingest.heartbeats import NOT_STARTED, heartbeats
from schemas.alert import AlertBody
from schemas.bar import Bar
from schemas.batch import Chunk, TickBatch, Trades
from schemas.control import Heartbeat, Mark, RuleSetSwitch
from schemas.decode import decode_chunk
from schemas.rule import SeedRule, rule_set_hash

LINES: Final = 32_768
HEARTBEAT: Final = b'"hb"'
SOURCE: Final = "replay"
_OVERRIDES_ALL: Final = 2**62
"""A sequence number above that of any rule set in the log."""

Tell = Callable[[str], object]


def say_nothing(_: str) -> None:
    """For a caller who does not want to hear."""


class ReplayError(RuntimeError):
    """The input cannot be replayed; the text says why."""


@dataclass
class Answer:
    """What the engine gives over an input. `refused` counts by reason, without figures in it."""

    bars: list[Bar] = field(default_factory=list)
    alerts: list[AlertBody] = field(default_factory=list)
    ticks: int = 0
    records: int = 0
    late: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    rule_set: str | None = None

    def add(self, batch: TickBatch, result: StepResult) -> None:
        """Take in a step."""
        self.bars += result.bars
        self.alerts += [fired.body for fired in result.alerts]
        self.ticks += result.counts.trades
        self.records += batch.records
        self.late += len(result.late)
        self.duplicates += result.counts.duplicates
        for one in (*batch.rejected, *result.rejected):
            self.refused[one.reason.partition(":")[0]] += 1


@dataclass(frozen=True)
class Read:
    """A part of the log that was read."""

    topic: str
    partition: int
    begin: int
    end: int
    log_begin: int


def compiled(rules: list[SeedRule]) -> Plan:
    """The plan of a file's rules. Raises RuleError."""
    entries, bodies = rule_set(rules)
    return compile_rule_set(rule_set_hash(entries), entries, bodies)


class _Stretch:
    """One partition on its way through a log, with rules that may override those in the log."""

    def __init__(self, number: int, partitions: int | None, override: Plan | None, answer: Answer) -> None:
        self.partition = Partition(number, partitions, load_calendars(), EngineConfig())
        self.plans: dict[str, Plan] = {}
        self._override, self._answer = override, answer
        if override is not None:
            self.plans[override.set_hash] = override
            switch = Mark(0, -1, RuleSetSwitch(override.set_hash, _OVERRIDES_ALL))
            self.partition.step(TickBatch(Trades.empty(), [switch], [], 0, -1), self.plans)

    def decode(self, chunk: Chunk) -> TickBatch:
        """A chunk, without the rule sets of the log where they are overridden."""
        batch = decode_chunk(chunk, self.partition.symbols)
        if self._override is not None:
            batch.marks = [mark for mark in batch.marks if not isinstance(mark.event, RuleSetSwitch)]
        return batch

    def step(self, batch: TickBatch) -> None:
        """Go on by a batch."""
        self._answer.add(batch, self.partition.step(batch, self.plans))
        self._answer.rule_set = self.partition.rule_set


# --- files -----------------------------------------------------------------------------------------------------------


def replay_file(path: Path, rules: Plan | None, tell: Tell = say_nothing) -> Answer:
    """Canonical JSON lines, plain or .gz. A file without heartbeats is given those that ingest would make of it.

    A rule set that stands in a file can only be had from the log, so `rules` override it; without them no rule is
    active.
    Raises ReplayError.
    """
    answer = Answer()
    stretch = _Stretch(0, None, rules or compile_rule_set(rule_set_hash([]), [], {}), answer)
    try:
        makes_time = not _has_heartbeats(path)
        newest_ns, begun = NOT_STARTED, time.monotonic()
        for chunk in _chunks(path):
            batch = stretch.decode(chunk)
            if makes_time:
                newest_ns = _add_heartbeats(batch, newest_ns)
            stretch.step(batch)
            tell(f"{answer.ticks:,} ticks, {answer.ticks / max(time.monotonic() - begun, 1e-3):,.0f}/s")
    except (OSError, EOFError) as error:
        raise ReplayError(f"{path}: {error}") from error
    return answer


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _has_heartbeats(path: Path) -> bool:
    with _open(path) as lines:
        return any(HEARTBEAT in part for part in iter(lambda: b"".join(islice(lines, LINES)), b""))


def _chunks(path: Path) -> Iterator[Chunk]:
    """Offsets are line numbers, from 0."""
    first = 0
    with _open(path) as lines:
        while part := list(islice(lines, LINES)):
            values: list[bytes | None] = [line.strip() for line in part]
            numbers = [first + i for i, value in enumerate(values) if value]
            yield Chunk(numbers, [value for value in values if value], [-1] * len(numbers))
            first += len(part)


def _add_heartbeats(batch: TickBatch, newest_ns: int) -> int:
    rows, times, newest_ns = heartbeats(batch.trades.ts, newest_ns)
    beats = [
        Mark(row, int(batch.trades.offset[row]), Heartbeat(SOURCE, ts))
        for row, ts in zip(rows.tolist(), times.tolist(), strict=True)
    ]
    batch.marks = sorted([*batch.marks, *beats], key=lambda mark: mark.row)
    return newest_ns


# --- topics ----------------------------------------------------------------------------------------------------------


async def replay_topic(
    bootstrap: str, topic: str, rules: Plan | None, tell: Tell = say_nothing
) -> tuple[Answer, list[Read]]:
    """All that stands in the topic now, with the rule sets that were in force, or with `rules` all the way.

    Raises TopicError, ReadError, RuleSetMissingError, aiokafka's errors.
    """
    answer, log, reads = Answer(), RuleLog(bootstrap), []
    begun = time.monotonic()
    async with Reader(bootstrap, topic, "tapewatch-replay") as reader:
        ranges = await reader.ranges()
        for wanted in ranges:
            stretch = _Stretch(wanted.partition, len(ranges), rules, answer)
            async for records in reader.read(wanted):
                batch = stretch.decode(chunk_of(records))
                await _load(batch, stretch.plans, log)
                await asyncio.to_thread(stretch.step, batch)
                tell(f"{answer.ticks:,} ticks, {answer.ticks / max(time.monotonic() - begun, 1e-3):,.0f}/s")
            reads.append(_read(topic, wanted))
    return answer, reads


async def _load(batch: TickBatch, plans: dict[str, Plan], log: RuleLog) -> None:
    for mark in batch.marks:
        if isinstance(mark.event, RuleSetSwitch) and mark.event.rule_set_hash not in plans:
            entries, bodies = await log.load(mark.event.rule_set_hash)
            plans[mark.event.rule_set_hash] = compile_rule_set(mark.event.rule_set_hash, entries, bodies)


def _read(topic: str, wanted: Range) -> Read:
    return Read(topic, wanted.partition, max(wanted.begin, wanted.log_begin), wanted.end, wanted.log_begin)


def describe(answer: Answer, reads: list[Read]) -> Mapping[str, Any]:
    """What the manifest says of the input and of counts. `exact`: nothing of the log is missing before the ranges."""
    return {
        "ranges": [asdict(read) for read in reads],
        "exact": all(read.log_begin == 0 for read in reads),
        "rule_set": answer.rule_set,
        "counts": {
            "records": answer.records,
            "ticks": answer.ticks,
            "bars": len(answer.bars),
            "alerts": len(answer.alerts),
            "late": answer.late,
            "duplicates": answer.duplicates,
            "refused": sum(answer.refused.values()),
        },
        "refused": dict(answer.refused.most_common()),
    }


class ProgressLine:
    """One line on stderr that is written over, where stderr is a terminal; at most five times a second."""

    def __init__(self) -> None:
        """Nothing shown yet."""
        self._shown_at, self._terminal = 0.0, sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        """Show this."""
        now = time.monotonic()
        if self._terminal and now - self._shown_at > 0.2:
            self._shown_at = now
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line as it is."""
        if self._terminal and self._shown_at:
            print(file=sys.stderr)
