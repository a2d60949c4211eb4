"""Runs what was planned: partition after partition, several at a time in processes of their own, or at a pace."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.replay_answer import Counts, ReplayError, Taker
from app.replay_exactness import TOLD, needs
from app.replay_lane import Lane, feed
from app.replay_plan import Stretch
from app.replay_progress import Meter, Pace, Tell
from app.replay_request import Request
from app.replay_search import is_control
from app.replay_spill import Spills
from app.replay_state import read_state
from engine.pieces import Header
from infra.allocator import keep_memory_small
from infra.collector import collect_rarely
from infra.kafka.reader import Range, Reader, ReadError, chunk_of
from infra.kafka.records import give_plain_records
from infra.kafka.rules import RuleLog, RuleSetMissingError
from infra.kafka_clients import KafkaError
from schemas.alert import AlertBody
from schemas.rule import RuleEntry, RuleError

LOOK_S: Final = 0.2
Reached = Callable[[int, int], object]
"""Called with records done and ticks so far."""


@dataclass
class Part:
    """What a stretch gave: files of sorted lines (`told`: figures at closes), counts, the rule sets that were in force
    with what their metrics need of the log before them, the symbols asked for that had no trade, and its event time at
    both ends."""

    counts: Counts = field(default_factory=Counts)
    bars: list[Path] = field(default_factory=list)
    alerts: list[Path] = field(default_factory=list)
    told: list[Path] = field(default_factory=list)
    rule_sets: dict[str, list[RuleEntry]] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    without_trades: set[str] = field(default_factory=set)
    begin_watermark_ns: int = 0
    end_watermark_ns: int = 0

    def keep(self, spills: Spills) -> None:
        """All that was taken; it is on disk then."""
        self.bars, self.alerts, self.told = spills.bars.close(), spills.alerts.close(), spills.metrics.close()

    def note(self, lane: Lane) -> None:
        """Symbols without trades, and the rules that the lane has obeyed."""
        self.without_trades = lane.without_trades()
        for plan in (lane.without_rules, *lane.plans.values()):
            self.metrics |= {call.text: needs(call.name, call.arguments) for call in plan.metrics}
            if any(universe.is_by_tags for universe in plan.universes):
                self.metrics["tags"] = TOLD
        for name, plan in lane.plans.items():
            self.rule_sets[name] = [RuleEntry(rule.id, rule.hash, rule.name, rule.version) for rule in plan.rules]


@dataclass(frozen=True)
class Printed:
    """Hands on, and tells alerts as they are found."""

    to: Taker
    tell: Callable[[AlertBody], object]

    def take(self, bars: list[Any], alerts: list[AlertBody], metrics: list[Any]) -> None:
        """Keep and tell them."""
        for body in alerts:
            self.tell(body)
        self.to.take(bars, alerts, metrics)


def settle_process(topic: str | None) -> None:
    """As a scan worker is, for the same work. `topic`: what is replayed, where it is one."""
    keep_memory_small()
    give_plain_records([] if topic is None else [topic])
    collect_rarely()


async def run_topic(
    bootstrap: str,
    request: Request,
    stretches: Sequence[Stretch],
    folder: Path,
    progress: Tell,
    tell_alert: Callable[[AlertBody], object],
) -> list[Part]:
    """A part for each stretch; their files are below `folder`. `tell_alert` hears alerts where there is a pace.

    Raises ReplayError, ReadError, RuleSetMissingError, aiokafka's errors.
    """
    meter = Meter(sum(one.end - one.read_from for one in stretches), progress)
    if request.parallel > 1 and len(stretches) > 1:
        return await asyncio.to_thread(_in_processes, bootstrap, request, stretches, folder, meter)

    def reached(one: Stretch) -> Reached:
        return lambda records, ticks: meter.reached(one.partition, records, ticks)

    log = RuleLog(bootstrap)  # what one stretch has read of it, the next need not read
    if request.speed is None:
        return [await run_stretch(bootstrap, log, request, one, folder, reached(one)) for one in stretches]
    pace = Pace(request.speed)
    running = [run_stretch(bootstrap, log, request, one, folder, reached(one), pace, tell_alert) for one in stretches]
    return list(await asyncio.gather(*running))


async def run_stretch(
    bootstrap: str,
    log: RuleLog,
    request: Request,
    stretch: Stretch,
    folder: Path,
    reached: Reached,
    pace: Pace | None = None,
    tell_alert: Callable[[AlertBody], object] = lambda _: None,
) -> Part:
    """One partition through the engine."""
    spills = Spills(folder, str(stretch.partition))
    taker: Taker = spills if pace is None else Printed(spills, tell_alert)
    lane = Lane(stretch.partition, stretch.partitions, taker, request.engine, request.symbols, request.asked)
    await _prepare(lane, request, stretch, log)
    part = Part(lane.counts)
    async with Reader(bootstrap, str(request.topic), "tapewatch-replay") as reader:
        lane.told = False
        await _go(lane, reader, stretch, (stretch.read_from, stretch.begin), log, reached, None)
        part.begin_watermark_ns = lane.partition.header.watermark_ns
        if stretch.saved and request.rules is not None:
            lane.override(request.rules.plan(request.asked), stretch.begin)
        lane.told = True
        await _go(lane, reader, stretch, (stretch.begin, stretch.end), log, reached, pace)
    part.end_watermark_ns = lane.partition.header.watermark_ns
    await asyncio.to_thread(part.keep, spills)
    part.note(lane)
    return part


async def _prepare(lane: Lane, request: Request, stretch: Stretch, log: RuleLog) -> None:
    """State and rules as they are where reading begins. Other rules than those of a saved state come into force where
    the telling begins, as if somebody had applied them there."""
    header, pieces = stretch.header, []
    if stretch.saved and request.state is not None:
        saved = await asyncio.to_thread(read_state, request.state, stretch.partition)
        header, pieces = saved.header, saved.pieces
    if header.rule_set is not None:
        await lane.load_rule_set(header.rule_set, log)
    if header != Header() or pieces:
        lane.begin(header, pieces)
    if request.rules is not None and not stretch.saved:
        lane.override(request.rules.plan(request.asked), stretch.read_from)


async def _go(
    lane: Lane,
    reader: Reader,
    stretch: Stretch,
    span: tuple[int, int],
    log: RuleLog,
    reached: Reached,
    pace: Pace | None,
) -> None:
    if span[0] >= span[1]:
        return
    wanted = Range(stretch.partition, *span, stretch.log_begin)
    steps = feed(lane, reader, wanted, log) if pace is None else _paced(lane, reader, wanted, log, pace)
    async for offset in steps:
        reached(offset - stretch.read_from, lane.counts.ticks + lane.counts.warmup_ticks)


async def _paced(lane: Lane, reader: Reader, wanted: Range, log: RuleLog, pace: Pace) -> Any:
    """As `feed`, a step after each record that tells the time."""
    waiting: list[Any] = []
    async for records in reader.read(wanted):
        for record in records:
            waiting.append(record)
            if is_control(record.value) or record.offset == wanted.end - 1:
                batch = lane.decode(chunk_of(waiting))
                await lane.load_rules(batch, log)
                lane.step(batch)
                waiting = []
                yield record.offset + 1
                await pace.wait(lane.partition.header.watermark_ns)
    if waiting:
        lane.step(lane.decode(chunk_of(waiting)))


# --- processes -------------------------------------------------------------------------------------------------------

_shared: Any = None
"""In a process: records and ticks done, by number of the stretch."""


def _in_processes(
    bootstrap: str, request: Request, stretches: Sequence[Stretch], folder: Path, meter: Meter
) -> list[Part]:
    context = multiprocessing.get_context("spawn")
    done = context.Array("q", 2 * len(stretches), lock=False)
    with ProcessPoolExecutor(min(request.parallel, len(stretches)), context, _share, (done, request.topic)) as pool:
        futures = [
            pool.submit(_in_process, bootstrap, request, one, folder, number) for number, one in enumerate(stretches)
        ]
        try:
            parts = []
            for future in futures:
                while not wait([future], LOOK_S).done:
                    _look(done, meter)
                parts.append(future.result())
        except BrokenProcessPool as error:
            raise ReplayError("a process of the replay was killed") from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return parts


def _look(done: Any, meter: Meter) -> None:
    for number in range(len(done) // 2):
        meter.reached(number, done[2 * number], done[2 * number + 1])


def _share(done: Any, topic: str | None) -> None:
    global _shared  # noqa: PLW0603  # what a process is given at its start
    _shared = done
    settle_process(topic)


def _in_process(bootstrap: str, request: Request, stretch: Stretch, folder: Path, number: int) -> Part:
    def reached(records: int, ticks: int) -> None:
        _shared[2 * number], _shared[2 * number + 1] = records, ticks

    try:
        return asyncio.run(run_stretch(bootstrap, RuleLog(bootstrap), request, stretch, folder, reached))
    except (KafkaError, ReadError, RuleSetMissingError, RuleError) as error:
        # Not every error survives the way to the parent.
        raise ReplayError(f"partition {stretch.partition}: {error}") from None
