"""Records of a fetch as columns over the bytes that came: an object for each costs more than all that is done with it.

Where a record ends is guessed from how JSON records end, and then every length in every record is checked against the
guess; a fetch that is not wholly as guessed is left to the client's own parser.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from struct import Struct
from typing import Any, Final, NamedTuple

import numpy as np
from aiokafka.record._crecords.cutil import crc32c_cython as crc32c
from numpy.typing import NDArray

from schemas.values import I64, U8, Values

# A batch as in https://kafka.apache.org/documentation/#recordbatch: base offset, length of what follows, leader
# epoch, magic, CRC of what follows, attributes, last offset delta, first and last time, producer id, epoch and
# sequence, number of records.
_HEADER: Final = Struct(">qiibIhiqqqhii")
_LENGTH_AT: Final = 12
_CRC_FROM: Final = 21
_COMPRESSED_OR_CONTROL: Final = 0b10_0111
_APPEND_TIME: Final = 0b1000
_JSON_END: Final = ord("}")
NO_ATTRIBUTES: Final = 0
"""Of a record: the format has none yet."""
NOWHERE: Final = -(2**62)
LARGE_RECORDS: Final = 2_048
"""Records this large in the mean are few; they come as objects."""


class BlockRecord(NamedTuple):
    """One record, as the client's parser gives it."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Block:
    """Records in log order, never none. `timestamps` in ms since 1970. `keys`: (starts, ends) in the buffer of
    `values`; a missing key, or value, ends before it starts. None has headers."""

    offsets: I64
    timestamps: I64
    values: Values
    missing_values: NDArray[np.bool_]
    keys: tuple[I64, I64]
    timestamp_types: U8

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, i: int) -> Any:
        start, end = int(self.keys[0][i]), int(self.keys[1][i])
        return BlockRecord(
            int(self.offsets[i]),
            int(self.timestamps[i]),
            int(self.timestamp_types[i]),
            self.values.buffer[start:end].tobytes() if end >= start else None,
            None if self.missing_values[i] else self.values[i],
            [],
        )

    def __iter__(self) -> Iterator[Any]:
        starts, ends = (column.tolist() for column in self.keys)
        whole = self.values.buffer.data
        keys = [bytes(whole[start:end]) if end >= start else None for start, end in zip(starts, ends, strict=True)]
        values = [None if none else v for v, none in zip(self.values, self.missing_values.tolist(), strict=True)]
        numbers = (self.offsets.tolist(), self.timestamps.tolist(), self.timestamp_types.tolist())
        return (BlockRecord(*one, []) for one in zip(*numbers, keys, values, strict=True))

    def between(self, begin: int, end: int) -> Block | None:
        """The records with offsets in [begin, end), None if there are none."""
        first, last = (int(i) for i in np.searchsorted(self.offsets, (begin, end)))
        return self.rows(first, last) if first < last else None

    def rows(self, first: int, last: int) -> Block:
        """The records with numbers in [first, last), not none."""
        if last - first == len(self):
            return self
        rows = slice(first, last)
        return replace(
            self,
            offsets=self.offsets[rows],
            timestamps=self.timestamps[rows],
            values=self.values.part(first, last),
            missing_values=self.missing_values[rows],
            keys=(self.keys[0][rows], self.keys[1][rows]),
            timestamp_types=self.timestamp_types[rows],
        )


class Fetched:
    """The batches of one partition in one answer of the broker, not looked into yet."""

    def __init__(self, raw: bytes) -> None:
        """`raw`: batches one after the other, the last perhaps cut short."""
        self.raw = raw
        self._headers: list[tuple[Any, ...]] = []
        self._begins: list[int] = []
        at = 0
        while at + _HEADER.size <= len(raw):
            header = _HEADER.unpack_from(raw, at)
            if header[1] < _HEADER.size - _LENGTH_AT:
                self._headers.clear()  # no batch is as short: let the client say so
                break
            if at + _LENGTH_AT + header[1] > len(raw):
                break
            self._headers.append(header)
            self._begins.append(at)
            at += _LENGTH_AT + header[1]

    @property
    def next_offset(self) -> int:
        """What follows the last batch."""
        return int(self._headers[-1][0] + self._headers[-1][6] + 1)

    @property
    def count(self) -> int:
        """How many records the batches hold."""
        return sum(one[12] for one in self._headers)

    def looks_plain(self) -> bool:
        """Whether it is worth a `block`: there are batches, in today's format, not compressed, of small records."""
        headers = self._headers
        return (
            bool(headers)
            and all(one[3] == 2 and not one[5] & _COMPRESSED_OR_CONTROL for one in headers)
            and len(self.raw) < LARGE_RECORDS * self.count
        )

    def is_sound(self) -> bool:
        """Whether the checksum of each batch is right."""
        whole = memoryview(self.raw)
        return all(
            crc32c(whole[at + _CRC_FROM : at + _LENGTH_AT + header[1]]) == header[4]
            for at, header in zip(self._begins, self._headers, strict=True)
        )

    def block(self) -> Block | None:
        """All records, or None if they are not as guessed. It must look plain."""
        raw = np.frombuffer(self.raw, np.uint8)
        columns = np.array([(one[0], one[5], one[7], one[8], one[12]) for one in self._headers], np.int64).T
        base_offsets, attributes, first_times, last_times, counts = columns
        begins = np.array(self._begins, np.int64) + _HEADER.size
        ends = np.append(begins[1:] - _HEADER.size, self._begins[-1] + _LENGTH_AT + self._headers[-1][1])
        guess = _guess(raw, begins, ends)
        if guess is None:
            return None
        starts, batch = guess
        if not np.array_equal(np.bincount(batch, minlength=len(begins)), counts):
            return None
        nexts = np.append(starts[1:], ends[-1])
        nexts[np.cumsum(counts) - 1] = ends
        fields = _fields(raw, starts, nexts)
        if fields is None:
            return None
        time_deltas, offset_deltas, keys, values = fields
        is_appended = attributes & _APPEND_TIME != 0
        times = np.where(is_appended[batch], last_times[batch], first_times[batch] + time_deltas)
        is_missing = values[1] < values[0]
        return Block(
            base_offsets[batch] + offset_deltas,
            times,
            Values(raw, values[0], np.maximum(*values)),
            is_missing,
            keys,
            is_appended.astype(np.uint8)[batch],
        )


def _guess(raw: U8, begins: I64, ends: I64) -> tuple[I64, I64] | None:
    """Where records start and the numbers of their batches, if each ends with `}` and no headers."""
    found = np.flatnonzero((raw[:-1] == _JSON_END) & (raw[1:] == 0)) + 2
    if not len(found):
        return None
    batch = np.searchsorted(begins, found, side="right") - 1
    is_inside = (batch >= 0) & (found > begins[batch]) & (found < ends[batch])
    starts = np.concatenate((begins, found[is_inside]))
    batches = np.concatenate((np.arange(len(begins)), batch[is_inside]))
    order = np.argsort(starts, kind="stable")
    return starts[order], batches[order]


_Span = tuple[I64, I64]


def _fields(raw: U8, starts: I64, nexts: I64) -> tuple[I64, I64, _Span, _Span] | None:
    """Time deltas, offset deltas, keys and values of the records at `starts`; None unless each ends where the next one
    starts. A batch's first record starts where it does, so that each of them is one if all are."""
    length, at = _varints(raw, starts)
    is_sound = (at + length == nexts) & (raw.take(at, mode="clip") == NO_ATTRIBUTES)
    time_deltas, at = _varints(raw, at + 1)
    offset_deltas, at = _varints(raw, at)
    length, at = _varints(raw, at)
    keys = (at, at + length)
    length, at = _varints(raw, np.maximum(*keys))
    values = (at, at + length)
    headers, at = _varints(raw, np.maximum(*values))
    is_sound &= (headers == 0) & (at == nexts)
    return (time_deltas, offset_deltas, keys, values) if is_sound.all() else None


def _varints(raw: U8, at: I64) -> tuple[I64, I64]:
    """The zigzag varints at these places, and the places behind them: far before the beginning where one has more than
    5 bytes."""
    byte = raw.take(at, mode="clip").astype(np.int64)
    at = at + 1
    number = byte & 0x7F
    more = byte > 0x7F
    shift = 7
    while shift < 35 and more.any():
        byte = np.where(more, raw.take(at, mode="clip"), 0).astype(np.int64)
        at = at + more
        number |= (byte & 0x7F) << shift
        more = byte > 0x7F
        shift += 7
    return (number >> 1) ^ -(number & 1), np.where(more, NOWHERE, at)


Records = list[Any] | Block
"""Records in log order, as objects or as columns."""


def records_between(records: Records, begin: int, end: int) -> Records:
    """Those with offsets in [begin, end)."""
    if isinstance(records, Block):
        return records.between(begin, end) or []
    if not records or (begin <= records[0].offset and records[-1].offset < end):
        return records
    return [record for record in records if begin <= record.offset < end]


def pieces(records: Records, most: int, most_bytes: int) -> Iterator[Records]:
    """All of them, about `most` at a time and about `most_bytes` where they are objects, in pieces about alike."""
    if isinstance(records, Block):
        for begin, end in pairwise(_even(np.arange(1, len(records) + 1), most)):
            yield records.rows(begin, end)
        return
    shares = [max(most * len(record.value or b""), most_bytes) for record in records]
    for begin, end in pairwise(_even(np.cumsum(shares), most * most_bytes)):
        yield records[begin:end]


def _even(through: I64, most: int) -> list[int]:
    """Edges of parts alike, none empty, as many as it takes for none to be larger than `most` by more than its last
    record; `through`: the size of all up to each one."""
    total = int(through[-1]) if len(through) else 0
    number = -(-total // most)
    inner = np.searchsorted(through, [total * part // number for part in range(1, number)]) + 1
    return sorted({0, *inner.tolist(), len(through)})


def record_at(records: Records, offset: int) -> Any:
    """The record at an offset, which must be among them."""
    if isinstance(records, Block):
        return records[int(np.searchsorted(records.offsets, offset))]
    return records[bisect_left(records, offset, key=lambda record: record.offset)]
