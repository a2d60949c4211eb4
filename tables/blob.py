"""A piece of the engine's state as bytes: what a checkpoint stores, checked when it is read back."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import lz4.block
import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.pieces import Header, Piece

VERSION: Final = 3
_MAGIC: Final = b"TWS"
_HEAD: Final = len(_MAGIC) + 1 + 4


class BlobError(ValueError):
    """Bytes that are no blob of this version, or that were changed on the way."""


class StoredHeader(msgspec.Struct, array_like=True, frozen=True):
    """See `engine.pieces.Header`."""

    position: int
    watermark_ns: int
    heartbeats: dict[str, int]
    rule_set: str | None
    rule_set_seq: int

    @classmethod
    def of(cls, header: Header) -> StoredHeader:
        """The same figures."""
        return cls(header.position, header.watermark_ns, header.heartbeats, header.rule_set, header.rule_set_seq)

    def header(self) -> Header:
        """The same figures."""
        return Header(self.position, self.watermark_ns, self.heartbeats, self.rule_set, self.rule_set_seq)


@dataclass(frozen=True, slots=True)
class Blob:
    """A piece as it was stored. `needs`: the records that it is to be put back with, and the position that each must
    at least have; only live figures need any."""

    piece: Piece
    needs: dict[str, int]


class _Column(msgspec.Struct, array_like=True, frozen=True):
    name: str
    dtype: str
    shape: tuple[int, ...]


class _Index(msgspec.Struct, array_like=True, frozen=True):
    key: str
    header: StoredHeader
    symbols: list[str]
    columns: list[_Column]
    needs: dict[str, int]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Index)


def encode_blob(piece: Piece, needs: Mapping[str, int]) -> bytes:
    """Magic, version, CRC-32 of the rest, then compressed: length of the index, the index (msgpack), the columns."""
    columns = [_Column(name, values.dtype.str, values.shape) for name, values in piece.columns.items()]
    index = _ENCODER.encode(_Index(piece.key, StoredHeader.of(piece.header), piece.symbols, columns, dict(needs)))
    parts = [
        len(index).to_bytes(4, "little"),
        index,
        *(np.ascontiguousarray(v).tobytes() for v in piece.columns.values()),
    ]
    body = bytes(lz4.block.compress(b"".join(parts)))
    return _MAGIC + bytes([VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body


def decode_blob(blob: bytes) -> Blob:
    """Raises BlobError; the piece's columns may be written to."""
    body = _body(blob)
    size = int.from_bytes(body[:4], "little")
    index = _DECODER.decode(memoryview(body)[4 : 4 + size])
    at = 4 + size
    columns: dict[str, NDArray[Any]] = {}
    for column in index.columns:
        values = np.frombuffer(body, column.dtype, int(np.prod(column.shape)), at).reshape(column.shape)
        columns[column.name] = values.copy()
        at += values.nbytes
    return Blob(Piece(index.key, index.header.header(), index.symbols, columns), index.needs)


def _body(blob: bytes) -> bytes:
    if blob[: len(_MAGIC)] != _MAGIC or len(blob) < _HEAD:
        raise BlobError("these bytes are no piece of state")
    version = blob[len(_MAGIC)]
    if version != VERSION:
        raise BlobError(
            f"a piece of state of version {version}; this program reads version {VERSION}. Run the one that wrote it, "
            "or start under another application id and read the log again"
        )
    if zlib.crc32(blob[_HEAD:]).to_bytes(4, "little") != blob[len(_MAGIC) + 1 : _HEAD]:
        raise BlobError("a piece of state was changed on the way: its checksum is wrong")
    return bytes(lz4.block.decompress(blob[_HEAD:]))
