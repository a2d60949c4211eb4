"""A block holds the records that the client's own parser gives; what it is not made for is left to that."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from infra.kafka.block import Block, Fetched, pieces, record_at, records_between

TICK = b'{"symbol":"AAPL","ts":1700000000000000000,"price":1.5,"size":3}'
KEYS = st.one_of(st.none(), st.binary(max_size=80))
VALUES = st.one_of(st.binary(max_size=200).map(lambda inner: b"{" + inner + b"}"), st.just(TICK))
RECORDS = st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 100_000), KEYS, VALUES), min_size=1, max_size=8)
MANY = [(1000 + number, number, b"AAPL", TICK) for number in range(40)]


Spoken = Sequence[tuple[int, int, bytes | None, bytes | None]]


def batch(first: int, records: Spoken, compression: int = 0, header: bool = False) -> bytes:
    """A batch as a producer makes it; `records`: time, place behind the batch's first offset, key, value."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 10_000_000)
    for time, place, key, value in records:
        builder.append(place, time, key, value, [("h", b"v")] if header else [])
    built = bytearray(builder.build())
    built[:8] = first.to_bytes(8, "big")
    return bytes(built)


def in_order(records: Spoken) -> list[Any]:
    places = sorted({place for _, place, _, _ in records})
    return [(time, place, key, value) for place, (time, _, key, value) in zip(places, records, strict=False)]


def by_the_client(raw: bytes) -> list[tuple[Any, ...]]:
    found, parsed = [], MemoryRecords(raw)
    while parsed.has_next():
        found += [seen(record) for record in parsed.next_batch()]
    return found


def seen(record: Any) -> tuple[Any, ...]:
    return record.offset, record.timestamp, record.timestamp_type, record.key, record.value, tuple(record.headers)


@given(st.lists(RECORDS, min_size=1, max_size=3), st.binary(max_size=60))
def test_it_holds_what_the_client_finds(batches: list[list[Any]], cut: bytes) -> None:
    raw, first = b"", 5
    for records in batches:
        kept = in_order(records)
        raw += batch(first, kept)
        first += kept[-1][1] + 1
    fetched = Fetched(raw + cut)
    block = fetched.block()
    if block is None:  # bytes within a value, or key, that look like the end of a record
        assert b"}\0" in raw
        return
    expected = by_the_client(raw)
    assert [seen(record) for record in block] == [seen(block[i]) for i in range(len(block))] == expected
    assert (fetched.next_offset, fetched.count) == (first, len(expected))


@given(st.lists(RECORDS, min_size=1, max_size=3), st.data())
def test_it_never_holds_anything_else(batches: list[list[Any]], data: st.DataObject) -> None:
    """Bytes are changed at random: it is refused, or read just as the client reads it."""
    raw, first = b"", 0
    for records in batches:
        kept = in_order(records)
        raw += batch(first, kept)
        first += kept[-1][1] + 1
    at = data.draw(st.integers(61, len(raw) - 1))
    broken = raw[:at] + bytes([data.draw(st.integers(0, 255))]) + raw[at + 1 :]
    fetched = Fetched(broken)
    if not fetched.looks_plain():
        return
    block = fetched.block()
    if block is not None:
        assert [(r.offset, r.timestamp, r.key, r.value) for r in block] == [
            (offset, time, key, value) for offset, time, _, key, value, _ in by_the_client(broken)
        ]


def test_append_time_is_that_of_the_batch() -> None:
    raw = bytearray(batch(7, MANY))
    raw[22] |= 0b1000
    block = Fetched(bytes(raw)).block()
    assert block is not None
    assert [seen(record) for record in block] == by_the_client(bytes(raw))
    assert {record.timestamp for record in block} == {1039}


def test_a_changed_byte_is_noticed() -> None:
    raw = bytearray(batch(0, MANY))
    assert Fetched(bytes(raw)).is_sound()
    raw[-10] ^= 1
    assert not Fetched(bytes(raw)).is_sound()


@pytest.mark.parametrize(
    "raw",
    [
        batch(0, MANY, compression=1),
        batch(0, [(1, 0, None, b"x" * 5_000)]),
        batch(0, MANY)[:50],
        b"",
    ],
    ids=["compressed", "large", "cut short", "empty"],
)
def test_not_worth_a_block(raw: bytes) -> None:
    assert not Fetched(raw).looks_plain()


@pytest.mark.parametrize(
    "raw",
    [
        batch(0, MANY, header=True),
        batch(0, [(1, 0, b"k", None), (1, 1, b"k", TICK)]),
        batch(0, [(1, 0, b"k", b"not json"), (1, 1, b"k", TICK)]),
        batch(0, [(1, 0, None, TICK), (2**50, 1, None, TICK)]),
        batch(0, [(1, 0, b"k", b'{"a":"}\0"}')]),
    ],
    ids=["headers", "tombstone", "other values", "a delta of more than 5 bytes", "looks like an end"],
)
def test_what_is_not_as_guessed_is_left_to_the_client(raw: bytes) -> None:
    fetched = Fetched(raw)
    assert fetched.looks_plain()
    assert fetched.block() is None


@pytest.mark.parametrize("last", [None, b"", b"not json"])
def test_the_last_of_a_batch_may_be_anything(last: bytes | None) -> None:
    raw = batch(0, [*MANY, (2000, 60, b"k", last)])
    block = Fetched(raw).block()
    assert block is not None
    assert [seen(record) for record in block] == [seen(block[i]) for i in range(41)] == by_the_client(raw)


def test_pieces_are_all_of_it() -> None:
    block = Fetched(batch(100, MANY)).block()
    assert block is not None
    objects = list(block)
    for records in (block, objects):
        for most, size, counts in (
            (100, 10**6, [40]),
            (15, 10**6, [13, 13, 14] if records is block else [14, 13, 13]),
            (20, 10**6, [20, 20]),
            (30, 10 * len(TICK), [20, 20] if records is block else [10] * 4),
        ):
            found = [list(piece) for piece in pieces(records, most, size)]
            assert [len(piece) for piece in found] == counts
            assert [record for piece in found for record in piece] == objects


@pytest.mark.parametrize("sizes", [[3000], [10, 3000], [3000, 3000, 3000], [10] * 9 + [3000, 10], []])
def test_no_piece_is_empty(sizes: list[int]) -> None:
    records = [SimpleNamespace(value=b"x" * size) for size in sizes]
    found = list(pieces(records, 100, 1000))
    assert all(found)
    assert [record for piece in found for record in piece] == records


def test_parts_of_it() -> None:
    block = Fetched(batch(100, MANY)).block()
    assert isinstance(block, Block)
    objects = list(block)
    for begin, end in ((0, 500), (100, 140), (103, 110), (139, 140)):
        assert list(records_between(block, begin, end)) == list(records_between(objects, begin, end))
    assert len(records_between(block, 0, 100)) == len(records_between(block, 140, 150)) == 0
    assert record_at(block, 117) == record_at(objects, 117) == block[17]
