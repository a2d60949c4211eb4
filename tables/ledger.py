"""Which records of a partition's state belong together. Every writer has keys of its own, so that nobody, awake or just
woken, can write over what another has stored."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.pieces import Header, Piece
from tables.blob import Blob, BlobError, StoredHeader, decode_blob, encode_blob
from tables.fit import LIVE, fits
from tables.manifest import Manifest, decode_manifest, encode_manifest

logger = logging.getLogger(__name__)

MANIFEST: Final = "manifest"
SEPARATOR: Final = "@"
Records = list[tuple[bytes, bytes | None]]


@dataclass(slots=True)
class Shard:
    """Encoded pieces that belong together: stored as one, or where they are too large for that, in their order."""

    records: Records

    @property
    def size(self) -> int:
        """Bytes of the values."""
        return sum(len(value or b"") for _, value in self.records)


@dataclass(frozen=True, slots=True)
class Resumption:
    """The pieces to put back, in that order, and what is in force where reading begins, behind `header.position`.
    `stale`: shards that are older than they should be."""

    pieces: list[Piece]
    header: Header
    stale: list[str]


class Ledger:
    """The state of one partition as records, for the one process that is called `writer`.

    A record's key is the piece's key, `@` and the writer. A shard's live figures name the records of closed bars they
    were written with. On a restore each shard is taken as the writer that came furthest with it left it: any whole
    shard is right, as it follows from the log alone.
    """

    def __init__(self, writer: str, shards: int) -> None:
        """`writer`: of this process alone, letters and digits. `shards`: into how many the symbols are divided."""
        self._writer, self._shards = writer, shards
        self._places: dict[str, str] = {}
        self._positions: dict[str, int] = {}
        self._superseded: set[str] = set()

    def encode(self, pieces: Sequence[Piece]) -> Shard:
        """The pieces of one shard, taken at the same position, the live figures last."""
        records: Records = []
        for piece in pieces:
            place = f"{piece.key}{SEPARATOR}{self._writer}"
            before = self._places.get(piece.key, place)
            if before != place:
                self._superseded.add(before)
            self._superseded.discard(place)
            self._places[piece.key], self._positions[piece.key] = place, piece.header.position
            records.append((place.encode(), encode_blob(piece, self._needs(piece.key))))
        return Shard(records)

    def manifest(self, header: Header) -> tuple[bytes, bytes]:
        """The record that makes what was encoded the checkpoint for `header`."""
        live = {key: position for key, position in self._positions.items() if key.startswith(LIVE)}
        manifest = Manifest(self._shards, StoredHeader.of(header), live, self._writer)
        return f"{MANIFEST}{SEPARATOR}{self._writer}".encode(), encode_manifest(manifest)

    def take_superseded(self) -> Records:
        """Records that delete what no writer needs any more; to be stored once the manifest is."""
        gone, self._superseded = self._superseded, set()
        return [(place.encode(), None) for place in sorted(gone)]

    def restore(self, stored: Mapping[bytes, bytes]) -> Resumption:
        """Where to go on, given what is stored. Raises BlobError."""
        values = {key.decode(): value for key, value in stored.items()}
        manifests = [decode_manifest(value, self._shards) for place, value in values.items() if _key(place) == MANIFEST]
        manifest = max(manifests, key=lambda one: one.header.position, default=None)
        chosen = self._choose(values) if manifest else {}
        self._places = {blob.piece.key: place for place, blob in chosen.items()}
        self._positions = {blob.piece.key: blob.piece.header.position for blob in chosen.values()}
        own = f"{MANIFEST}{SEPARATOR}{self._writer}"
        self._superseded = values.keys() - chosen.keys() - {own}
        if manifest is None:
            return Resumption([], Header(), [])
        return self._resume(manifest, [blob.piece for blob in chosen.values()])

    def _resume(self, manifest: Manifest, pieces: list[Piece]) -> Resumption:
        begin, stale = manifest.header.header(), []
        headers = {piece.key: piece.header for piece in pieces}
        for key, required in manifest.live.items():
            found = headers.get(key, Header())
            if found.position < required:
                stale.append(key)
                if found.position < begin.position:
                    begin = found
        return Resumption(_in_order(pieces), begin, stale)

    def _choose(self, values: Mapping[str, bytes]) -> dict[str, Blob]:
        """Of each shard the newest live figures that have all their bars, with these."""
        candidates: defaultdict[str, list[tuple[str, Blob]]] = defaultdict(list)
        for place, value in values.items():
            if place.startswith(LIVE):
                candidates[_key(place)].append((place, decode_blob(value)))
        chosen: dict[str, Blob] = {}
        for key, found in candidates.items():
            for place, blob in sorted(found, key=lambda one: one[1].piece.header.position, reverse=True):
                bars = _bars_of(blob, values)
                if bars is not None and fits(blob.piece, (one.piece for one in bars.values())):
                    chosen |= {place: blob, **bars}
                    break
                logger.warning("%s at %d lacks some of its bars", place, blob.piece.header.position)
            else:
                logger.warning("nothing stored of %s can be used; the log is read anew for it", key)
        return chosen

    def _needs(self, key: str) -> dict[str, int]:
        if not key.startswith(LIVE):
            return {}
        shard = key.removeprefix(LIVE)
        return {
            place: self._positions[of]
            for of, place in self._places.items()
            if not of.startswith(LIVE) and of.rpartition("/")[2] == shard
        }


def _key(place: str) -> str:
    key, found, _ = place.partition(SEPARATOR)
    if not found:
        raise BlobError(
            f"{place!r} is a record of an older version of this program. Run that one, or start under another "
            "application id and read the log again"
        )
    return key


def _bars_of(live: Blob, values: Mapping[str, bytes]) -> dict[str, Blob] | None:
    """The records that it needs; None where one is missing or older than it must be."""
    bars = {}
    for place, position in live.needs.items():
        if place not in values:
            return None
        bars[place] = decode_blob(values[place])
        if bars[place].piece.header.position < position:
            return None
    return bars


def _in_order(pieces: Iterable[Piece]) -> list[Piece]:
    """Live figures before closed bars, as the engine wants them."""
    return sorted(pieces, key=lambda piece: (not piece.key.startswith(LIVE), piece.key))
