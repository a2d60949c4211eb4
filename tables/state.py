"""The state table: pieces and manifests of all partitions of this worker, in RocksDB, with a changelog in Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import faust
from faust.types import TP
from rocksdict import WriteBatch

from engine.pieces import Header, Piece
from schemas.topics import Topic, state_changelog
from tables.blob import StoredHeader, decode_blob, encode_blob
from tables.manifest import KEY, VERSION, Manifest, Resumption, decode_manifest, encode_manifest, resume

NAME: Final = "state"
ROCKSDB: Final = {
    "driver": "rocksdict",
    "block_cache_size": 8 * 1024 * 1024,
    "write_buffer_size": 8 * 1024 * 1024,
    "max_write_buffer_number": 2,
    "max_open_files": 64,
}
"""Of each partition. Faust's defaults are 2 GB of cache and 192 MB of buffers."""

Batch = list[tuple[bytes, bytes]]


class BatchProducer(Protocol):
    """The part of aiokafka's producer that writes whole batches."""

    def create_batch(self) -> Any:
        """An empty batch; its `append(timestamp, key, value)` gives None where it is full."""

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Awaitable[Any]:
        """Hand the batch over; the result, once awaited, has the `offset` of its first record."""


class StateError(RuntimeError):
    """State could not be stored; the text says where."""


@dataclass(slots=True)
class Shard:
    """Encoded pieces that belong together: stored as one, or where they are too large for that, in their order."""

    positions: dict[str, int]
    records: Batch

    @property
    def size(self) -> int:
        """Bytes of the values."""
        return sum(len(value) for _, value in self.records)


class StateTable:
    """Writes go to the changelog first and to RocksDB once the broker has them, so that the disk is never ahead."""

    def __init__(self, app: faust.App, producer: BatchProducer, partitions: int, shards: int, writer: str) -> None:
        """Declares the table on `app`, before it starts. `producer`: for the changelog, with batches as large as a
        shard."""
        self.topic = changelog_of(app.conf.id)
        self._table: Any = app.Table(
            NAME, key_type=bytes, value_type=bytes, partitions=partitions, options=dict(ROCKSDB), default=None
        )
        self._producer, self._shards, self._writer = producer, shards, writer
        self._required: dict[int, dict[str, int]] = {}

    def encode(self, pieces: Sequence[Piece]) -> Shard:
        """The pieces of one shard, taken at the same position."""
        return Shard(
            {piece.key: piece.header.position for piece in pieces},
            [(piece.key.encode(), encode_blob(piece)) for piece in pieces],
        )

    async def write(self, partition: int, shards: Sequence[Shard], header: Header, check: Callable[[], None]) -> None:
        """Store the shards, then the manifest that makes them the checkpoint for `header`. Raises StateError.

        `check` is called before each; it raises where nothing may be written any more.
        """
        required = self._required.setdefault(partition, {})
        for shard in shards:
            required |= shard.positions
        manifest = Manifest(VERSION, self._shards, StoredHeader.of(header), dict(required), self._writer)
        check()
        last = await self._send(partition, [shard.records for shard in shards])
        check()
        last = max(last, await self._send(partition, [[(KEY, encode_manifest(manifest))]]))
        records = [record for shard in shards for record in shard.records]
        await asyncio.to_thread(self._store, partition, [*records, (KEY, encode_manifest(manifest))], last)

    def read(self, partition: int) -> Resumption:
        """What is stored of a partition, and where to go on. Raises BlobError."""
        manifest: Manifest | None = None
        pieces: dict[str, Piece] = {}
        for key, value in self._database(partition).items():
            if key == KEY:
                manifest = decode_manifest(value, self._shards)
            elif not key.startswith(b"__faust"):
                piece = decode_blob(value)
                pieces[piece.key] = piece
        self._required[partition] = dict(manifest.pieces) if manifest else {}
        return resume(manifest, pieces)

    def forget(self, partition: int) -> None:
        """The partition is another's now."""
        self._required.pop(partition, None)

    async def _send(self, partition: int, batches: Sequence[Batch]) -> int:
        """Write in order and wait for all of it; the offset of the last record."""
        sent = []
        for records in batches:
            for batch, count in self._filled(records):
                sent.append((await self._producer.send_batch(batch, self.topic.name, partition=partition), count))
        last = -1
        for future, count in sent:
            metadata = await future
            last = max(last, metadata.offset + count - 1)
        return last

    def _filled(self, records: Batch) -> Iterator[tuple[Any, int]]:
        """As few batches as they fit into, and how many records each holds. Kafka takes a batch as a whole or not at
        all."""
        batch, count = self._producer.create_batch(), 0
        for key, value in records:
            if batch.append(timestamp=None, key=key, value=value) is None:
                yield batch, count
                batch, count = self._producer.create_batch(), 0
                if batch.append(timestamp=None, key=key, value=value) is None:
                    raise StateError(f"a piece of state of {len(value)} bytes does not fit a batch; use more shards")
            count += 1
        yield batch, count

    def _store(self, partition: int, records: Batch, last_offset: int) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in records:
            batch.put(key, value)
        self._database(partition).write(batch)
        self._table.data.set_persisted_offset(TP(self.topic.name, partition), last_offset)

    def _database(self, partition: int) -> Any:
        return self._table.data._db_for_partition(partition)


def changelog_of(app_id: str) -> Topic:
    """The changelog topic of the state of that application."""
    return state_changelog(app_id, NAME)
