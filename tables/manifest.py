"""What a checkpoint consists of: the offset it holds for, and for each piece the offset that it must at least have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from engine.pieces import Header, Piece
from tables.blob import BlobError, StoredHeader

KEY: Final = b"manifest"
VERSION: Final = 1


class Manifest(msgspec.Struct, frozen=True):
    """`header`: position, time and rule set that the checkpoint holds for. `pieces`: position of each by key. `shards`:
    into how many the symbols are divided. `writer` names who wrote it, for people."""

    version: int
    shards: int
    header: StoredHeader
    pieces: dict[str, int]
    writer: str


@dataclass(frozen=True, slots=True)
class Resumption:
    """The pieces to put back, in that order, and what is in force where reading begins, behind `header.position`.
    `stale`: pieces that were older than they should be."""

    pieces: list[Piece]
    header: Header
    stale: list[str]


def encode_manifest(manifest: Manifest) -> bytes:
    """The record's value."""
    return msgspec.msgpack.encode(manifest)


def decode_manifest(value: bytes, shards: int) -> Manifest:
    """Raises BlobError for bytes that are no manifest, or one of a state that is divided otherwise."""
    try:
        manifest = msgspec.msgpack.decode(value, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BlobError(f"the manifest of the state cannot be read: {error}") from None
    if manifest.version != VERSION:
        raise BlobError(f"the state's manifest is of version {manifest.version}; this program reads version {VERSION}")
    if manifest.shards != shards:
        raise BlobError(f"the state is kept in {manifest.shards} shards, the setting says {shards}; it must not change")
    return manifest


def resume(manifest: Manifest | None, pieces: Mapping[str, Piece]) -> Resumption:
    """Where to go on, given what is there. A piece that the manifest does not name is of a checkpoint that did not end;
    it may be newer than the manifest, as its records are then skipped."""
    if manifest is None:
        return Resumption([], Header(), [])
    begin, stale = manifest.header.header(), []
    for key, required in manifest.pieces.items():
        found = pieces[key].header if key in pieces else Header()
        if found.position < required:
            stale.append(key)
            if found.position < begin.position:
                begin = found
    return Resumption(_in_order(pieces.values()), begin, stale)


def _in_order(pieces: Iterable[Piece]) -> list[Piece]:
    """Live figures before closed bars, as the engine wants them."""
    return sorted(pieces, key=lambda piece: (not piece.key.startswith("live/"), piece.key))
