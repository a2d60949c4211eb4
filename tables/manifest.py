"""What a checkpoint consists of: the offset it holds for, and for each shard the offset that it must at least have."""

from __future__ import annotations

import zlib
from typing import Final

import msgspec

from tables.blob import BlobError, StoredHeader

VERSION: Final = 3
_BARE: Final = 2
"""The version before, msgpack alone; it is still read."""
_MAGIC: Final = b"TWM"
_AT: Final = len(_MAGIC)
"""Of the version; the checksum follows it."""
_HEAD: Final = _AT + 1 + 4


class Manifest(msgspec.Struct, frozen=True):
    """`header`: position, time and rule set that the checkpoint holds for. `live`: position of each shard's live
    figures, by their key. `shards`: into how many the symbols are divided. `writer` names who wrote it, for people."""

    shards: int
    header: StoredHeader
    live: dict[str, int]
    writer: str


class _Version(msgspec.Struct):
    version: int


def encode_manifest(manifest: Manifest) -> bytes:
    """Magic, version, CRC-32 of the rest, then msgpack."""
    body = msgspec.msgpack.encode(manifest)
    return _MAGIC + bytes([VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body


def decode_manifest(value: bytes, shards: int | None = None) -> Manifest:
    """Raises BlobError for bytes that are no manifest or were changed on the way, or for one of a state that is not
    divided into `shards`; None: into any number."""
    try:
        manifest = msgspec.msgpack.decode(_body(value), type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BlobError(f"the manifest of the state cannot be read: {error}") from None
    if shards not in (None, manifest.shards):
        raise BlobError(f"the state is kept in {manifest.shards} shards, the setting says {shards}; it must not change")
    return manifest


def _body(value: bytes) -> bytes:
    bare = value[:_AT] != _MAGIC
    version = msgspec.msgpack.decode(value, type=_Version).version if bare else int.from_bytes(value[_AT : _AT + 1])
    if version != (_BARE if bare else VERSION):
        raise BlobError(
            f"the state's manifest is of version {version}; this program reads versions {_BARE} and {VERSION}. Run the "
            "one that wrote it, or start under another application id and read the log again"
        )
    if bare:
        return value
    body = value[_HEAD:]
    if zlib.crc32(body).to_bytes(4, "little") != value[_AT + 1 : _HEAD]:
        raise BlobError(
            "the manifest of the state was changed on the way: its checksum is wrong. If the disk did that, empty the "
            "worker's data folder: all is restored from the changelog"
        )
    return body
