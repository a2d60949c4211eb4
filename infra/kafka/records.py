"""What a fetch gives, with less in between: records as the client's compiled parser makes them, or where they are small
and many as columns. Wrapping each once more, as aiokafka does, takes more time than all the rest of a fetch."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchResult, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords

from infra.kafka.block import Block, Fetched

_PLAIN_TOPICS: Final[set[str]] = set()
_one_by_one: Final = FetchResult.getall


class KeptRecords:
    """The client's parser together with the bytes it is given."""

    def __init__(self, raw: bytes) -> None:
        """`raw`: what the broker answered for one partition."""
        self.raw = raw
        parsed: Any = MemoryRecords(raw)
        self.has_next, self.next_batch, self.size_in_bytes = parsed.has_next, parsed.next_batch, parsed.size_in_bytes


class PlainRecords(PartitionRecords):  # type: ignore[misc]  # aiokafka gives no types
    """The records of one fetched partition. Those of the topics named to `give_plain_records` have an `offset`,
    `timestamp`, `timestamp_type`, `key`, `value` and `headers`, and know nothing of topic and partition."""

    next_fetch_offset: int
    is_taken = False
    """Whether all has been given as a block."""
    _is_begun = False

    def __iter__(self) -> Iterator[Any]:
        """The iterator that has stopped where reading last stopped; without a call in Python for each record."""
        self._is_begun = True
        records: Iterator[Any] | None = self._records_iterator
        return iter(()) if records is None else records

    def take_block(self, most: int | None = None) -> Block | None:
        """All records as columns. None where there is none left, and where they are to be had one by one only: then
        `is_taken` is false. So it is where there are more than `most`."""
        if not self._is_plain or self._is_begun or not isinstance(self._records, KeptRecords):
            return None
        fetched = Fetched(self._records.raw)
        if not fetched.looks_plain() or (most is not None and fetched.count > most):
            return None
        if self._check_crcs and not fetched.is_sound():
            raise fetcher.Errors.CorruptRecordException(f"Invalid CRC - {self._tp}")
        block = fetched.block()
        if block is None:
            return None
        block = block.between(self.next_fetch_offset, fetched.next_offset)
        self.next_fetch_offset, self.is_taken, self._records_iterator = fetched.next_offset, True, None
        return block

    @property
    def _is_plain(self) -> bool:
        return self._tp.topic in _PLAIN_TOPICS and self._isolation_level == READ_UNCOMMITTED

    def _unpack_records(self) -> Iterator[Any]:
        if self._is_plain:
            return self._plain_records()
        wrapped: Iterator[Any] = super()._unpack_records()
        return wrapped

    def _plain_records(self) -> Iterator[Any]:
        while self._records.has_next():
            batch = self._records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise fetcher.Errors.CorruptRecordException(f"Invalid CRC - {self._tp}")
            if not batch.is_control_batch:
                for record in batch:
                    if record.offset >= self.next_fetch_offset:
                        self.next_fetch_offset = record.offset + 1
                        yield record
            # A batch whose last records were compacted away still ends where it ended.
            self.next_fetch_offset = batch.next_offset


def _all_at_once(result: Any, max_records: int | None = None) -> Any:
    """In the place of `FetchResult.getall`: a Block where it can be, or a list of at most `max_records` records."""
    records = result._partition_records
    if not isinstance(records, PlainRecords) or not result.check_assignment(result._topic_partition):
        return _one_by_one(result, max_records)
    block = records.take_block(max_records)
    if not records.is_taken:
        return _one_by_one(result, max_records)
    result._update_position()
    result._partition_records = None
    return [] if block is None else block


def give_plain_records(topics: Collection[str]) -> None:
    """From now on all consumers of this process give plain records, or blocks of them, of these topics."""
    _PLAIN_TOPICS.update(topics)
    fetcher.PartitionRecords = PlainRecords
    fetcher.MemoryRecords = KeptRecords
    FetchResult.getall = _all_at_once
