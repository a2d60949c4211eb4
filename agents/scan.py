"""The scanner's agent: a chunk of ticks in, the engine's step, bars and alerts out; state and offsets by
checkpoints."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import faust
from faust.types import TP

from agents.scan_checkpoint import Checkpointer
from agents.scan_guards import DeadLetterLimit, RestoreWatch
from agents.scan_output import Output
from agents.scan_pause import PauseGuard
from agents.scan_stats import PartitionStats, ScanStats
from engine.calendar import Calendars
from engine.partition import STEP_TICKS, EngineConfig, Partition
from engine.rules.plan import Asked, Plan, compile_rule_set
from infra import metrics
from infra.allocator import give_back_memory
from infra.kafka.block import pieces
from infra.kafka.chunk import Chunk, ChunkSchema
from infra.kafka.fatal import end_process
from infra.kafka.outbox import Outbox
from infra.kafka.reader import chunk_of
from infra.kafka.rules import RuleLog
from schemas.batch import TickBatch
from schemas.decode import decode_chunk
from schemas.topics import TICKS
from tables.state import StateTable

logger = logging.getLogger(__name__)

RELEASE_LIMIT_S: Final = 20.0
LOOK_S: Final = 0.5
GIVE_BACK_S: Final = 10.0
PIECE_BYTES: Final = 800_000
"""Of frames are decoded at a time: about what a step takes where a tick has nothing but time, price and size."""
TURNS: Final = 6
"""So many turns has whatever else waits after a step: from a record to its acknowledgement it takes that many, and a
checkpoint waits for acknowledgements."""
FROM_THE_BEGINNING: Final = -1


@dataclass(frozen=True)
class ScanConfig:
    """`partitions` of the tick topic. `rules_limit_s`: how long the bodies of a rule set may be late. `pause_limit_s`:
    how long the process may stand still, well below the group's session time-out. `backlog` bounds the records that
    wait for the broker's acknowledgement; a worker reads on only below it. `heartbeat_s`: between heartbeats that the
    worker writes itself, 0: none. `asked`: figures that are published at closes, and about `live_values` of them at a
    time as they run. Of the other limits see `agents.scan_guards`."""

    partitions: int
    run_id: str
    engine: EngineConfig = field(default_factory=EngineConfig)
    checkpoint_s: float = 1.5
    checkpoint_limit_s: float = 120.0
    live_s: float = 0.3
    rules_limit_s: float = 30.0
    pause_limit_s: float = 5.0
    backlog: int = 25_000
    heartbeat_s: float = 0.0
    heartbeat_delay_s: float = 1.0
    dead_letter_share: float = 0.5
    dead_letter_window: int = 10_000
    restore_limit_s: float = 180.0
    asked: Asked = field(default_factory=lambda: Asked(of_rules=True))
    live_values: int = 6_000


class Scan:
    """One worker's partitions and their tasks; it is also the lifecycle of the transport (see
    `infra.kafka.consumer`)."""

    def __init__(
        self,
        app: faust.App,
        config: ScanConfig,
        calendars: Calendars,
        rules: RuleLog,
        outbox: Outbox,
        state: StateTable,
        fail: Callable[[str, BaseException], Any] = end_process,
    ) -> None:
        """`fail` is given what must not happen; it ends the process."""
        self.stats = ScanStats()
        self._app, self._config, self._calendars = app, config, calendars
        self._rules, self._outbox, self._state, self._fail = rules, outbox, state, fail
        self._output = Output(outbox, config.run_id)
        self._plans: dict[str, Plan] = {}
        self._partitions: dict[int, Partition] = {}
        self._restored = False
        self._assigned_at = time.perf_counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._guard = PauseGuard(config.pause_limit_s, fail)
        self._dead_letters = DeadLetterLimit(config.dead_letter_share, config.dead_letter_window)
        self._checkpointer = Checkpointer(
            outbox, state, self._commit, self._guard.check, self.stats, config.checkpoint_limit_s
        )

    def register(self) -> None:
        """Put the agent on the application, which must have our transport."""
        topic = self._app.topic(TICKS.name, schema=ChunkSchema())
        self._app.agent(topic, name="scan")(self._scan)
        self._app.on_partitions_assigned.connect(self._assigned)

    def open(self) -> None:
        """Begin the work that is not driven by ticks."""
        works = [
            (self._rules.read_new, "reading rules ahead"),
            (self._checkpoints, "checkpoints"),
            (self._live, "live figures"),
            (self._memory, "memory"),
            (self._guard.watch, "pause guard"),
            (self._watch_restore, "restore"),
        ]
        if self._config.heartbeat_s:
            works.append((self._heartbeats, "heartbeats"))
        for work, name in works:
            self._tasks.append(asyncio.create_task(self._guarded(work, name), name=name))

    async def close(self) -> None:
        """End it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def ready(self) -> list[str]:
        """Why no ticks are worked on now."""
        if self._restored:
            return []
        left = self._recovery.active_remaining_total()
        return [f"the state is not restored yet{f', {left} records to go' if left > 0 else ''}"]

    # --- ticks -------------------------------------------------------------------------------------------------

    async def _scan(self, chunks: Any) -> None:
        async for chunk in chunks:
            try:
                await self._work(chunk)
            except Exception as error:  # noqa: BLE001  # state may be half changed: nothing of it may be stored
                self._fail(f"working on {chunk.tp.topic}/{chunk.tp.partition} from {chunk.begin} on failed", error)

    async def _work(self, chunk: Chunk) -> None:
        partition = self._partitions.get(chunk.tp.partition)
        if partition is None:
            return  # given up while the chunk was on its way; it is read again by whoever has the partition next
        if 0 <= partition.position != chunk.begin - 1:
            raise RuntimeError(f"a chunk from {chunk.begin} on came for a partition at {partition.position}")
        for records in pieces(chunk.records, STEP_TICKS, PIECE_BYTES):
            begun = time.perf_counter()
            batch = decode_chunk(chunk_of(records), partition.symbols)
            self.stats.stage("decode", begun)
            for name in partition.switches(batch):
                await self._plan(name)
            for part in batch.parts(STEP_TICKS):
                await asyncio.sleep(0)
                if self._partitions.get(chunk.tp.partition) is not partition:
                    return  # given up meanwhile; the rest is read again as well
                self._step(chunk, partition, part)
                await self._outbox.wait_below(self._config.backlog)
                for _ in range(TURNS):
                    await asyncio.sleep(0)

    def _step(self, chunk: Chunk, partition: Partition, batch: TickBatch) -> None:
        begun = time.perf_counter()
        result = partition.step(batch, self._plans)
        begun = self.stats.stage("step", begun)
        dead = len(batch.rejected) + len(result.rejected)
        self._dead_letters.note(len(batch.trades) + len(batch.rejected), dead)
        self._output.put(chunk, batch.rejected, result)
        self.stats.stage("output", begun)
        self.stats.step(chunk.tp.partition, partition, result, len(batch.rejected))
        self._note_lag(chunk.tp.partition, partition)

    def _note_lag(self, number: int, partition: Partition) -> None:
        consumer: Any = self._app.consumer
        self.stats.lag(number, max(0, (consumer.highwater(TP(TICKS.name, number)) or 0) - 1 - partition.position))

    async def _plan(self, set_hash: str) -> Plan:
        plan = self._plans.get(set_hash)
        if plan is None:
            entries, bodies = await self._rules.load(set_hash, self._config.rules_limit_s)
            begun = time.perf_counter()
            plan = self._plans[set_hash] = compile_rule_set(set_hash, entries, bodies, self._config.asked)
            self.stats.stage("compile", begun)
            logger.info("rule set %s with %d rules is compiled", set_hash, len(entries))
        return plan

    # --- partitions --------------------------------------------------------------------------------------------

    async def start_offsets(self, committed: Mapping[TP, int | None]) -> Mapping[TP, int]:
        """Called once the tables are restored: put the state together, and say where to read on."""
        try:
            starts = {tp: await self._restore(tp, offset) for tp, offset in committed.items() if tp.topic == TICKS.name}
        except Exception as error:
            self._fail("the state cannot be restored", error)
            raise
        give_back_memory()
        self._restored = True
        self.stats.restore_s = time.perf_counter() - self._assigned_at
        return starts

    async def _assigned(self, *_: Any, **__: Any) -> None:
        """Faust's signal: partitions were assigned, their state is read now."""
        self._assigned_at = time.perf_counter()

    async def _restore(self, tp: TP, committed: int | None) -> int:
        begun = time.perf_counter()
        changelog = TP(self._state.topic.name, tp.partition)
        self._state.require_restored(tp.partition, self._recovery.active_highwaters.get(changelog, -1))
        found = await asyncio.to_thread(self._state.read, tp.partition)
        config = self._config
        without_rules = compile_rule_set("", (), {}, config.asked)
        partition = Partition(tp.partition, config.partitions, self._calendars, config.engine, without_rules)
        count = len(found.pieces)
        partition.expect(name for piece in found.pieces for name in piece.symbols)
        found.pieces.reverse()
        while found.pieces:  # each is let go of as soon as it is put back: together they are as large as the state
            partition.import_piece(found.pieces.pop())
            await asyncio.sleep(0)
        plans = {}
        if found.header.rule_set is not None:
            plans[found.header.rule_set] = await self._plan(found.header.rule_set)
        header = found.header
        if committed and header.position < 0:
            logger.warning("%s/%d: no state for the committed offset %d; the log is read anew", *tp, committed)
        partition.begin_at(header, plans)
        self._partitions[tp.partition] = partition
        stats = self.stats.partitions[tp.partition] = PartitionStats()
        stats.position, stats.rule_set, stats.rule_set_seq = header.position, header.rule_set, header.rule_set_seq
        consumer: Any = self._app.consumer
        stats.restore_records, stats.restore_s = consumer.restored[changelog], time.perf_counter() - begun
        metrics.RESTORE.labels(tp.partition).set(stats.restore_s)
        logger.info(
            "%s/%d: %d pieces of state restored in %.2f s, %d records of the changelog read, %d shards older than they "
            "should be; reading from %d",
            *tp,
            count,
            stats.restore_s,
            stats.restore_records,
            len(found.stale),
            header.position + 1,
        )
        # What lost state stood for can only be had from the very first record on.
        return header.position + 1 if header.position >= 0 or found.stale or committed else FROM_THE_BEGINNING

    async def release(self) -> None:
        """Called before the partitions are given up: one last checkpoint of each, as far as there is time."""
        partitions, self._partitions, self._restored = self._partitions, {}, False  # from here on no step is made
        try:
            async with asyncio.timeout(RELEASE_LIMIT_S):
                for number, partition in partitions.items():
                    await self._checkpointer.checkpoint(number, partition)
        except TimeoutError:
            logger.warning("no last checkpoint within %.0f s; what it lacks is read again", RELEASE_LIMIT_S)
        for number in partitions:
            self._state.forget(number)
            self.stats.forget(number)

    @property
    def _recovery(self) -> Any:
        tables: Any = self._app.tables
        return tables.recovery

    async def _watch_restore(self) -> None:
        watch = RestoreWatch(self._config.restore_limit_s)
        while True:
            await asyncio.sleep(LOOK_S)
            recovery = self._recovery
            restoring = not self._restored and bool(recovery.active_tps)
            left = {f"{tp.topic}/{tp.partition}": n for tp, n in recovery.active_remaining().items() if n > 0}
            watch.look(restoring, f"records to go in {left}" if left else "nothing to read")

    async def _commit(self, number: int, next_offset: int) -> bool:
        consumer: Any = self._app.consumer
        done: bool = await consumer.commit_position(TP(TICKS.name, number), next_offset)
        return done

    # --- beside the ticks --------------------------------------------------------------------------------------

    async def _guarded(self, work: Callable[[], Any], name: str) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # outputs or state are not safe any more
            self._fail(f"{name} failed", error)

    async def _checkpoints(self) -> None:
        while True:
            await asyncio.sleep(self._config.checkpoint_s)
            for number, partition in list(self._partitions.items()):
                if self._partitions.get(number) is partition:
                    await self._checkpointer.checkpoint(number, partition)

    async def _memory(self) -> None:
        while True:
            await asyncio.sleep(GIVE_BACK_S)
            give_back_memory()

    async def _heartbeats(self) -> None:
        """Time for topics whose sources give none. It passes where the heartbeats stand in the log, not here."""
        while True:
            await asyncio.sleep(self._config.heartbeat_s)
            for number in self._partitions:
                self._output.put_heartbeat(number, time.time_ns() - round(self._config.heartbeat_delay_s * 1e9))

    async def _live(self) -> None:
        """Each partition in its turn, evenly spread."""
        while True:
            partitions = list(self._partitions.items())
            for number, partition in partitions:
                await asyncio.sleep(self._config.live_s / len(partitions))
                if self._partitions.get(number) is partition:  # and not given up meanwhile
                    self._output.put_live(number, partition, self._config.live_values)
                    self._note_lag(number, partition)
            if not partitions:
                await asyncio.sleep(self._config.live_s)
