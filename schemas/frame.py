"""Many trades of one partition as columns in one record: the fast form of the tick log.

Layout, little-endian: magic u8, version u8, optional columns u16, trades u32, symbols u32, bytes of names u32, CRC-32
of the rest u32; then the
names joined by newlines and the columns symbol u16, ts i64, price f64, size f64, and, where their bit is set, flags
u8, ts_recv i64, id 2 x u64.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.batch import F64, I64, U8, U64
from schemas.tick import REGULAR_TRADE

FRAME_MAGIC = 0xF7
FRAME_VERSION = 1
MAX_FRAME_TRADES = 65_535

_HEADER = struct.Struct("<BBHIIII")
_HAS_FLAGS, _HAS_TS_RECV, _HAS_ID = 1, 2, 4


class FrameError(ValueError):
    """The bytes are no whole, undamaged frame of a known version."""


@dataclass(frozen=True, slots=True)
class FrameColumns:
    """Columns of a frame, one element a trade; `symbol` counts into the frame's names."""

    symbol: NDArray[np.uint16]
    ts: I64
    price: F64
    size: F64
    flags: U8
    ts_recv: I64
    id_high: U64
    id_low: U64


def encode_frame(names: Sequence[str], columns: FrameColumns) -> bytes:
    """The frame; columns that hold nothing but defaults are left out. Raises FrameError for more than 65,535 trades or
    symbols."""
    count = len(columns.ts)
    if count > MAX_FRAME_TRADES or len(names) > MAX_FRAME_TRADES:
        raise FrameError(f"{count} trades of {len(names)} symbols are more than a frame holds")
    text = "\n".join(names).encode()
    optional = 0
    parts = [text, columns.symbol.astype("<u2").tobytes()]
    parts += [c.astype(d).tobytes() for c, d in ((columns.ts, "<i8"), (columns.price, "<f8"), (columns.size, "<f8"))]
    if (columns.flags != REGULAR_TRADE).any():
        optional |= _HAS_FLAGS
        parts.append(columns.flags.astype("u1").tobytes())
    if columns.ts_recv.any():
        optional |= _HAS_TS_RECV
        parts.append(columns.ts_recv.astype("<i8").tobytes())
    if columns.id_low.any():
        optional |= _HAS_ID
        parts += [columns.id_high.astype("<u8").tobytes(), columns.id_low.astype("<u8").tobytes()]
    body = b"".join(parts)
    return _HEADER.pack(FRAME_MAGIC, FRAME_VERSION, optional, count, len(names), len(text), zlib.crc32(body)) + body


def decode_frame(value: bytes) -> tuple[list[str], FrameColumns]:
    """Names and columns (read-only views of `value` where possible). Raises FrameError."""
    if len(value) < _HEADER.size:
        raise FrameError(f"{len(value)} bytes are less than a header")
    magic, version, optional, count, name_count, text_size, checksum = _HEADER.unpack_from(value)
    if magic != FRAME_MAGIC or version != FRAME_VERSION or optional > 7:
        raise FrameError(f"unknown version {version} or columns {optional:#x}")
    widths = 26 + bool(optional & _HAS_FLAGS) + 8 * bool(optional & _HAS_TS_RECV) + 16 * bool(optional & _HAS_ID)
    if len(value) != _HEADER.size + text_size + widths * count:
        raise FrameError(f"{len(value)} bytes, but {count} trades take {_HEADER.size + text_size + widths * count}")
    if zlib.crc32(memoryview(value)[_HEADER.size :]) != checksum:
        raise FrameError("checksum does not match")
    columns = _columns(value, _HEADER.size + text_size, optional, count)
    if count and int(columns.symbol.max()) >= name_count:
        raise FrameError("a trade names a symbol that the frame does not have")
    return _names(value, text_size, name_count), columns


def _names(value: bytes, text_size: int, name_count: int) -> list[str]:
    try:
        text = value[_HEADER.size : _HEADER.size + text_size].decode("ascii")
    except UnicodeDecodeError:
        raise FrameError("names are not ASCII") from None
    names = text.split("\n") if name_count else []
    if len(names) != name_count:
        raise FrameError(f"{len(names)} names, but {name_count} were announced")
    return names


def _columns(value: bytes, at: int, optional: int, count: int) -> FrameColumns:
    def read(dtype: str, present: int = 1, default: int = 0) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
        nonlocal at
        if not present:
            return np.full(count, default, dtype)
        column = np.frombuffer(value, dtype, count, at)
        at += column.nbytes
        return column

    symbol, ts, price, size = read("<u2"), read("<i8"), read("<f8"), read("<f8")
    flags = read("u1", optional & _HAS_FLAGS, REGULAR_TRADE)
    ts_recv = read("<i8", optional & _HAS_TS_RECV)
    id_high, id_low = read("<u8", optional & _HAS_ID), read("<u8", optional & _HAS_ID)
    return FrameColumns(symbol, ts, price, size, flags, ts_recv, id_high, id_low)  # type: ignore[arg-type]  # dtypes as read
