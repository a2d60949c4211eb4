"""A fetched chunk as numpy columns: the unit of work of the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from schemas.control import Heartbeat, Mark
from schemas.values import Values

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

UNKNOWN_TIME = -1
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
FEW = 8
"""A part for which nothing but a close is the reason has at least an eighth of the trades."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one partition in log order, as fetched: offsets, values (None = tombstone) and append times in ns
    (`UNKNOWN_TIME`)."""

    offsets: Sequence[int] | I64
    values: Sequence[bytes | None] | Values
    append_ts_ns: Sequence[int] | I64


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record, or one tick of a frame, that is a dead letter. `index` is its place in the frame, 0 for JSON, -1 for a
    whole record."""

    offset: int
    index: int
    reason: str


@dataclass(slots=True)
class Trades:
    """Columns of equal length, one element a trade, in log order."""

    symbol: I32
    ts: I64
    price: F64
    size: F64
    flags: U8
    offset: I64
    index: I32
    append_ts: I64
    ts_recv: I64
    id_high: U64
    id_low: U64

    def __len__(self) -> int:
        return len(self.ts)

    @classmethod
    def concatenate(cls, parts: Sequence[Trades]) -> Trades:
        """The parts one after the other."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.empty()
        columns: list[NDArray[Any]] = [np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)]
        return cls(*columns)

    @classmethod
    def empty(cls) -> Self:
        """No trades."""
        dtypes = (
            np.int32,
            np.int64,
            np.float64,
            np.float64,
            np.uint8,
            np.int64,
            np.int32,
            np.int64,
            np.int64,
            np.uint64,
            np.uint64,
        )
        columns: list[NDArray[Any]] = [np.empty(0, dtype) for dtype in dtypes]
        return cls(*columns)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Trades:
        """The trades at `rows`, in that order."""
        columns = (getattr(self, f.name) for f in fields(self))
        if isinstance(rows, slice) or rows.dtype == np.bool_:
            return Trades(*(column[rows] for column in columns))
        return Trades(*(column.take(rows) for column in columns))  # two thirds of the time of an index


@dataclass(slots=True)
class TickBatch:
    """What a chunk holds: trades as columns, other events at their places between them, and what was set aside."""

    trades: Trades
    marks: list[Mark]
    rejected: list[Rejected]
    records: int
    last_offset: int

    def parts(self, most_trades: int) -> Iterator[TickBatch]:
        """The batch in parts of about so many trades, cut between records; `records` are counted with the last part.
        A heartbeat that closes bars has a part to itself, but for a few trades: that takes long enough."""
        begin, after = 0, -1
        for end, last in self._cuts(most_trades, max(1, most_trades // FEW)):
            yield self._part(slice(begin, end), after, last)
            begin, after = end, last
        rest = slice(begin, None)
        yield self if after < 0 else replace(self._part(rest, after, self.last_offset), records=self.records)

    def _cuts(self, most: int, few: int) -> Iterator[tuple[int, int]]:
        """Row that a part ends before, and the last offset that belongs to it."""
        begin, offsets = 0, self.trades.offset
        for row, next_row, offset in self._closes():
            for end in self._full(begin, row, most):
                yield end, int(offsets[end]) - 1
                begin = end
            if row - begin >= few and offsets[row - 1] < offset:
                yield row, offset - 1
                begin = row
            if next_row - row >= few and offsets[row] > offset:
                yield row, offset
                begin = row
        for end in self._full(begin, len(offsets), most):
            yield end, int(offsets[end]) - 1

    def _full(self, begin: int, end: int, most: int) -> Iterator[int]:
        """Rows where records begin, each at least `most` behind the one before, up to `end`."""
        offsets = self.trades.offset
        while end - begin > most:
            begin += int(np.searchsorted(offsets[begin:], offsets[begin + most - 1], side="right"))
            if begin >= end:
                return
            yield begin

    def _closes(self) -> list[tuple[int, int, int]]:
        """Heartbeats at the beginning of a minute: row, row of the next such one, offset. Of many at the same row the
        last."""
        found = {
            mark.row: mark.offset
            for mark in self.marks
            if isinstance(mark.event, Heartbeat) and mark.event.ts_ns % MINUTE_NS < SECOND_NS
        }
        return [(row, next_row, found[row]) for row, next_row in pairwise([*found, len(self.trades)])]

    def _part(self, rows: slice, after: int, last: int) -> TickBatch:
        """What came in records behind offset `after` up to `last`."""
        marks = [replace(one, row=one.row - rows.start) for one in self.marks if after < one.offset <= last]
        rejected = [one for one in self.rejected if after < one.offset <= last]
        return TickBatch(self.trades.take(rows), marks, rejected, 0, last)


def trade_keys(exchanges: Sequence[str | None], ids: Sequence[str | int | None]) -> tuple[U64, U64]:
    """(exchange, id) pairs as 16-byte keys in two columns; 0, 0 where there is no id.

    A key of up to 15 bytes is the text itself, so that equal keys mean equal ids; a longer one is a 120-bit BLAKE2b of
    it.
    """
    texts = [b"" if i is None else f"{e or ''}|{i}".encode() for e, i in zip(exchanges, ids, strict=True)]
    marks = np.fromiter((0 if not t else 1 if len(t) <= 15 else 2 for t in texts), np.uint64, len(texts))
    short = [t if len(t) <= 15 else hashlib.blake2b(t, digest_size=15).digest() for t in texts]
    words = np.frombuffer(b"".join(t.ljust(16, b"\0") for t in short), "<u8").reshape(-1, 2)
    return words[:, 0].copy(), words[:, 1] | (marks << np.uint64(56))
