"""Faust's consumer, changed in five ways: whole chunks, explicit start offsets, explicit commits, no long polls, and
back pressure that waits."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ConsumerStoppedError
from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from infra.kafka.block import Records, records_between
from infra.kafka.chunk import Chunk
from infra.kafka.fatal import end_process

logger = logging.getLogger(__name__)

POLL_S = 1.0
POLL_WHILE_REBALANCING_S = 0.05
IDLE_S = 0.02
LINGER_S = 0.002
"""After each poll: what comes meanwhile costs little more together than a record alone, and the broker answers less
often."""
# Faust asks the broker to hold an empty fetch for 1.5 s. The one still open when recovery ends would keep the first
# ticks waiting for that long, as aiokafka has one fetch a broker under way.
FETCH_MAX_WAIT_MS = 50
NO_END = 2**63 - 1


class RecordsLostError(Exception):
    """The log no longer holds records that were not read yet, or is another one; the text says which."""


class Lifecycle(Protocol):
    """What the owner of the partitions does when they come and go. Raising ends the process."""

    async def start_offsets(self, committed: Mapping[TP, int | None]) -> Mapping[TP, int]:
        """Called once the tables are restored, before anything is read: where to begin, for any of these partitions.

        A partition left out begins at its committed offset, or without one at the beginning of the log.
        """

    async def release(self) -> None:
        """Called before the partitions are given up (rebalance, stop), while commits are still accepted.

        No chunk arrives before the next `start_offsets`. Must return in limited time.
        """


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that talks to the group, with short fetches."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def put_back(self, spans: Mapping[TopicPartition, tuple[int, int]]) -> None:
        """Have records [first, end) given again, where reading stands behind them."""
        await self.call_thread(self._put_back, spans)

    async def _put_back(self, spans: Mapping[TopicPartition, tuple[int, int]]) -> None:
        consumer = self._ensure_consumer()
        subscription = consumer._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        for tp, (first, end) in spans.items():
            if assignment is None or tp not in assignment.tps:
                continue
            state = assignment.state_value(tp)
            # Behind them perhaps because somebody has sought there meanwhile; to read them once more harms nobody.
            if state.has_valid_position and state.position >= end:
                consumer.seek(tp, first)


class Consumer(driver.Consumer):
    """Hands on chunks of the topics that agents read; changelogs keep Faust's own path, record by record.

    What is committed is decided by `commit_position` alone; the acknowledgements that Faust's streams make are not
    looked at. A partition is read only after `Lifecycle.start_offsets` said from where.
    """

    _positions: dict[TP, int]
    """Where reading stands in each partition that may be read."""
    restored: Counter[TP]
    """Records of changelogs that were read since the newest assignment, until the state was whole."""

    def on_init(self) -> None:
        """Faust's hook for subclasses; also called at a restart of the service."""
        self._positions, self.restored = {}, Counter()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # --- reading -----------------------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's fetcher task: poll and hand on until stopped."""
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                records = await self._poll()
                await self._hand_on(records)
                if not self._positions.keys().isdisjoint(records):
                    await asyncio.sleep(LINGER_S)
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise
            logger.info("the consumer stopped while the application stops")

    async def _poll(self) -> Mapping[TP, Records]:
        """Records of the partitions that may be read now. None of a tick topic while the group rebalances:

        Faust empties the agents' queues when it resumes, and a chunk in them would be lost.
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # anything with an awaitable wait() will do
        rebalancing = self.app.rebalancing
        readable = {tp for tp in self._get_active_partitions() if self._may_read(tp)}
        if not readable:
            await self.sleep(IDLE_S)
            return {}
        generation = self.app.consumer_generation_id
        records = await self._getmany(readable, POLL_WHILE_REBALANCING_S if rebalancing else POLL_S) or {}
        is_stale = generation != self.app.consumer_generation_id or not self.flow_active
        taken = {} if is_stale else {tp: b for tp, b in records.items() if tp in readable and self._may_read(tp)}
        await self._put_back({tp: batch for tp, batch in records.items() if tp not in taken})
        return taken

    async def _put_back(self, records: Mapping[TP, Records]) -> None:
        """What is not taken must come again.

        A poll that a rebalance overtakes may be answered after the new generation has sought to its start offsets, with
        the very records that it begins with; and reading would go on behind them.
        """
        given = {tp: batch for tp, batch in records.items() if len(batch)}
        spans = {TopicPartition(*tp): (batch[0].offset, batch[-1].offset + 1) for tp, batch in given.items()}
        if spans:
            await self._consumer_thread.put_back(spans)

    def _may_read(self, tp: TP) -> bool:
        if self._is_changelog_tp(tp):
            # When recovery ends, Faust empties its queue. A standby's record in it would be missing on the disk, and
            # nobody would read it again.
            return not self.app.rebalancing or tp in self.app.assignor.assigned_actives()
        return tp in self._positions and not self.app.rebalancing

    async def _hand_on(self, records: Mapping[TP, Records]) -> None:
        for tp, batch in records.items():
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            if self._is_changelog_tp(tp):
                await self._hand_on_changelog(tp, batch)
            elif tp in self._positions:
                await self._hand_on_chunk(tp, batch)

    async def _hand_on_changelog(self, tp: TP, batch: Records) -> None:
        for record in batch:
            if not self.flow_active:
                return  # a rebalance; recovery seeks anew
            self.restored[tp] += self.app.rebalancing
            await self._deliver(self._to_message(tp, record))
            self._read_offset[tp] = record.offset

    async def _hand_on_chunk(self, tp: TP, batch: Records) -> None:
        begin = self._positions[tp]
        batch = records_between(batch, begin, NO_END)
        if not len(batch):
            return
        if batch[0].offset > begin:
            await self._check_nothing_lost(tp, begin)
        chunk = Chunk(tp, begin, batch)
        last = batch[-1]
        # The position moves first: should the delivery be cut short by a rebalance, this partition is sought anew.
        self._positions[tp] = chunk.end
        value: Any = chunk  # Faust hands it on without looking at it
        sizes = (None, 0, len(chunk))
        await self._deliver(
            ConsumerMessage(
                tp.topic,
                tp.partition,
                last.offset,
                last.timestamp / 1000.0,
                last.timestamp_type,
                None,
                None,
                value,
                *sizes,
                tp,
                generation_id=self.app.consumer_generation_id,
            )
        )

    async def _deliver(self, message: ConsumerMessage) -> None:
        """Put it into the agent's queue (waiting while that is full), unless the flow is suspended meanwhile."""
        await self.wait_first(self.callback(message), self.suspend_flow.wait())

    def on_buffer_full(self, tp: TP) -> None:
        """Called by Faust when the agent's queue fills up: nothing, as delivering waits for room.

        Faust would leave the partition out of the poll that follows, and that poll may last for `POLL_S` after there is
        room again.
        """

    async def _check_nothing_lost(self, tp: TP, begin: int) -> None:
        """A gap in the offsets is normal unless the log's beginning has passed the gap."""
        log_start = (await self.earliest_offsets(tp))[tp]
        if log_start > begin:
            _end(
                f"records {begin} to {log_start - 1} of {tp.topic}/{tp.partition} were deleted before they were read; "
                "what follows from them is unknown. Keep the topic longer, or begin anew under another application id."
            )

    # --- start offsets -----------------------------------------------------------------------------------------

    async def perform_seek(self) -> None:
        """Called by Faust when recovery has ended: put every partition that agents read to its start offset."""
        committed = await self._committed()
        starts = dict(await self._lifecycle.start_offsets(committed))
        for tp, offset in committed.items():
            starts.setdefault(tp, offset if offset is not None else -1)
        unknown = [tp for tp, offset in starts.items() if offset < 0]
        if unknown:
            starts |= await self.earliest_offsets(*unknown)
        if starts:
            await self._check_end(starts)
            await self.seek_wait(starts)
        self._committed_offset.update(committed)
        self._read_offset.update(starts)
        self._positions = starts

    async def _check_end(self, starts: Mapping[TP, int]) -> None:
        """A place behind the log's end is of another log: what this one gets would be skipped until it is as long."""
        for tp, end in (await self.highwaters(*starts)).items():
            if starts[tp] > end:
                _end(
                    f"{tp.topic}/{tp.partition} ends at {end}, but all before {starts[tp]} was worked on: the topic "
                    "was made anew or lost its end. Begin anew under another application id."
                )

    async def _committed(self) -> dict[TP, int | None]:
        partitions = [TopicPartition(*tp) for tp in self.assignment() if not self._is_changelog_tp(tp)]
        if not partitions:
            return {}
        offsets = await self._thread.call_thread(self._thread._ensure_consumer().seek_to_committed, *partitions)
        return {TP(tp.topic, tp.partition): offset for tp, offset in offsets.items()}

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Called by Faust when a rebalance begins."""
        await super().on_partitions_revoked(revoked)
        self._positions, self.restored = {}, Counter()

    async def wait_empty(self) -> None:
        """Called by Faust before partitions are given up, with the flow suspended and the queues emptied."""
        await self._lifecycle.release()
        self._positions = {}
        self._unacked_messages.clear()

    @property
    def _consumer_thread(self) -> ConsumerThread:
        assert isinstance(self._thread, ConsumerThread), "made by _new_consumer_thread"
        return self._thread

    @property
    def _lifecycle(self) -> Lifecycle:
        lifecycle: Lifecycle = self.transport.lifecycle  # type: ignore[attr-defined]  # our transport's own attribute
        return lifecycle

    # --- committing --------------------------------------------------------------------------------------------

    async def commit_position(self, tp: TP, next_offset: int) -> bool:
        """Commit that everything below `next_offset` is done with. False: the group has moved on without us.

        True is a proof of ownership: the group refuses commits of members it has expelled.
        """
        if tp not in self.assignment() or not await self._commit({tp: next_offset}):
            return False
        self._committed_offset[tp] = next_offset
        self.app.monitor.on_tp_commit({tp: next_offset})
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        """Nothing is committed because of acknowledgements; what Faust noted of them is dropped."""
        self._acked.clear()
        self._acked_index.clear()
        return iter(())


def _end(reason: str) -> NoReturn:
    """End the process: an exception in a task of Faust's ends it with code 0 at best, or leaves it half stopped."""
    end_process("the log is not the one that was worked on", RecordsLostError(reason))
