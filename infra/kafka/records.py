"""Records as the client's compiled parser gives them: wrapping each once more, as aiokafka does, takes more time than
all the rest of a fetch."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, PartitionRecords

_PLAIN_TOPICS: Final[set[str]] = set()


class PlainRecords(PartitionRecords):
    """The records of one fetched partition. Those of the topics named to `give_plain_records` have an `offset`,
    `timestamp`, `timestamp_type`, `key`, `value` and `headers`, and know nothing of topic and partition."""

    def __iter__(self) -> Iterator[Any]:
        """The iterator that has stopped where reading last stopped; without a call in Python for each record."""
        records: Iterator[Any] | None = self._records_iterator
        return iter(()) if records is None else records

    def _unpack_records(self) -> Iterator[Any]:
        if self._tp.topic in _PLAIN_TOPICS and self._isolation_level == READ_UNCOMMITTED:
            return self._plain_records()
        return super()._unpack_records()  # type: ignore[no-any-return]  # aiokafka gives no types

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


def give_plain_records(topics: Collection[str]) -> None:
    """From now on all consumers of this process give plain records of these topics."""
    _PLAIN_TOPICS.update(topics)
    fetcher.PartitionRecords = PlainRecords
