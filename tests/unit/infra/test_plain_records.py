"""Records that come plain are the records that aiokafka gives, wherever reading begins and stops."""

from itertools import islice
from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition

from infra.kafka import records as module
from infra.kafka.records import KeptRecords, PlainRecords

TOPIC = "plain"


def batch(first: int, count: int, shift: int = 0, value: bytes = b"") -> bytes:
    """`shift`: the first records were compacted away, but the batch still begins before them. `value`: of all records,
    which then have no headers."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=100_000,
    )
    for number in range(count):
        headers = [("h", b"%d" % number)] if number % 2 and not value else []
        text = value % number if value else None if number % 5 == 4 else b"value %d" % (first + number)
        builder.append(shift + number, timestamp=1_000 + number, key=b"k", value=text, headers=headers)
    built = bytearray(builder.build())
    built[:8] = first.to_bytes(8, "big")
    return bytes(built)


LOG = batch(0, 7) + batch(7, 1) + batch(20, 5, shift=3) + batch(40, 9)


def read(kind: type[PartitionRecords], begin: int, log: bytes = LOG) -> Any:
    """Fetched records of a partition, from an offset on."""
    return kind(TopicPartition(TOPIC, 0), KeptRecords(log), [], begin, None, None, True, READ_UNCOMMITTED)


def seen(record: Any) -> tuple[Any, ...]:
    return record.offset, record.timestamp, record.timestamp_type, record.key, record.value, tuple(record.headers)


@pytest.fixture(autouse=True)
def plain_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this test's topic comes plain, and only while it runs."""
    monkeypatch.setattr(module, "_PLAIN_TOPICS", {TOPIC})


@pytest.mark.parametrize("begin", [0, 3, 7, 8, 22, 24, 48])
@pytest.mark.parametrize("at_once", [1, 2, 7, 100])
def test_they_are_those_of_the_client(begin: int, at_once: int) -> None:
    plain, usual = read(PlainRecords, begin), read(PartitionRecords, begin)
    while True:
        found, expected = list(islice(iter(plain), at_once)), list(islice(iter(usual), at_once))
        assert [seen(record) for record in found] == [seen(record) for record in expected]
        assert plain.next_fetch_offset == usual.next_fetch_offset
        if len(expected) < at_once:
            break
    assert not hasattr(next(iter(read(PlainRecords, 0))), "topic"), "they are not wrapped"


def test_a_broken_batch_is_refused() -> None:
    broken = bytearray(LOG)
    broken[80] ^= 1
    with pytest.raises(CorruptRecordException):
        list(read(PlainRecords, 0, bytes(broken)))


def test_other_topics_come_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PLAIN_TOPICS", set())
    assert next(iter(read(PlainRecords, 0))).topic == TOPIC


JSON_LOG = batch(0, 7, value=b'{"a":%d}') + batch(7, 2, value=b'{"a":%d}') + batch(20, 5, shift=3, value=b'{"b":%d}')


@pytest.mark.parametrize("begin", [0, 3, 7, 8, 9, 22, 24, 27, 40])
def test_a_whole_fetch_comes_as_a_block(begin: int) -> None:
    plain, usual = read(PlainRecords, begin, JSON_LOG), read(PartitionRecords, begin, JSON_LOG)
    expected = [seen(record) for record in usual if record.offset >= begin]  # of earlier batches it gives all
    block = plain.take_block()
    assert plain.is_taken
    assert ([] if block is None else [seen(record) for record in block]) == expected
    assert plain.next_fetch_offset == usual.next_fetch_offset
    assert list(plain) == [], "nothing comes twice"


def test_no_block_where_part_was_read_or_it_is_too_many() -> None:
    begun = read(PlainRecords, 0, JSON_LOG)
    next(iter(begun))
    for records, most in ((begun, None), (read(PlainRecords, 0, JSON_LOG), 13), (read(PlainRecords, 0), None)):
        assert records.take_block(most) is None
        assert not records.is_taken
    assert len(list(begun)) == 13


def test_a_broken_batch_gives_no_block() -> None:
    broken = bytearray(JSON_LOG)
    broken[-3] ^= 1
    with pytest.raises(CorruptRecordException):
        read(PlainRecords, 0, bytes(broken)).take_block()
