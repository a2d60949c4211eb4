"""What a checkpoint consists of: the offset it holds for, and for each shard the offset that it must at least have."""

from __future__ import annotations

from typing import Final

import msgspec

from tables.blob import BlobError, StoredHeader

VERSION: Final = 2


class Manifest(msgspec.Struct, frozen=True):
    """`header`: position, time and rule set that the checkpoint holds for. `live`: position of each shard's live
    figures, by their key. `shards`: into how many the symbols are divided. `writer` names who wrote it, for people."""

    version: int
    shards: int
    header: StoredHeader
    live: dict[str, int]
    writer: str


class _Version(msgspec.Struct):
    version: int


def encode_manifest(manifest: Manifest) -> bytes:
    """The record's value."""
    return msgspec.msgpack.encode(manifest)


def decode_manifest(value: bytes, shards: int) -> Manifest:
    """Raises BlobError for bytes that are no manifest, or one of a state that is divided otherwise."""
    try:
        version = msgspec.msgpack.decode(value, type=_Version).version
        if version != VERSION:
            raise BlobError(
                f"the state's manifest is of version {version}; this program reads version {VERSION}. Run the one that "
                "wrote it, or start under another application id and read the log again"
            )
        manifest = msgspec.msgpack.decode(value, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BlobError(f"the manifest of the state cannot be read: {error}") from None
    if manifest.shards != shards:
        raise BlobError(f"the state is kept in {manifest.shards} shards, the setting says {shards}; it must not change")
    return manifest
