"""The state table: pieces and manifests of all partitions of this worker, in RocksDB, with a changelog in Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, Protocol

import faust
from faust.types import TP
from rocksdict import WriteBatch

from engine.pieces import Header, Piece
from schemas.topics import Topic, state_changelog
from tables.blob import BlobError
from tables.ledger import Ledger, Records, Resumption, Shard

NAME: Final = "state"
ROCKSDB: Final = {
    "driver": "rocksdict",
    "block_cache_size": 4 * 1024 * 1024,
    "write_buffer_size": 4 * 1024 * 1024,
    "max_write_buffer_number": 2,
    "max_open_files": 64,
}
"""Of each partition. Faust's defaults are 2 GB of cache and 192 MB of buffers."""


class BatchProducer(Protocol):
    """The part of aiokafka's producer that writes whole batches."""

    def create_batch(self) -> Any:
        """An empty batch; its `append(timestamp, key, value)` gives None where it is full."""

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Awaitable[Any]:
        """Hand the batch over; the result, once awaited, has the `offset` of its first record."""


class StateError(RuntimeError):
    """State could not be stored; the text says where."""


class StateTable:
    """Writes go to the changelog first and to RocksDB once the broker has them, so that the disk is never ahead."""

    def __init__(self, app: faust.App, producer: BatchProducer, partitions: int, shards: int, writer: str) -> None:
        """Declares the table on `app`, before it starts. `producer`: for the changelog, with batches as large as a
        shard. `writer`: of this process alone."""
        self.topic = changelog_of(app.conf.id)
        self._table: Any = app.Table(
            NAME,
            key_type=bytes,
            value_type=bytes,
            partitions=partitions,
            standby_buffer_size=1,
            options=dict(ROCKSDB),
            default=None,
        )
        self._producer, self._shards, self._writer = producer, shards, writer
        self._ledgers: dict[int, Ledger] = {}
        self._on_disk: dict[int, int] = {}

    def encode(self, partition: int, pieces: Sequence[Piece]) -> Shard:
        """The pieces of one shard, taken at the same position."""
        return self._ledgers[partition].encode(pieces)

    async def write(self, partition: int, shards: Sequence[Shard], header: Header, check: Callable[[], None]) -> None:
        """Store the shards, then the manifest that makes them the checkpoint for `header`, then delete what that
        makes needless. Raises StateError.

        `check` is called before each; it raises where nothing may be written any more.
        """
        ledger = self._ledgers[partition]
        check()
        await self._keep(partition, [shard.records for shard in shards])
        check()
        await self._keep(partition, [[ledger.manifest(header)]])
        superseded = ledger.take_superseded()
        if superseded:
            check()
            await self._keep(partition, [superseded])

    def read(self, partition: int) -> Resumption:
        """What is stored of a partition, and where to go on. Raises BlobError, StateError."""
        end = self._table.data.persisted_offset(TP(self.topic.name, partition))
        self._on_disk[partition] = -1 if end is None else end
        ledger = self._ledgers[partition] = Ledger(self._writer, self._shards)
        database = self._database(partition)
        stored = {key: value for key, value in database.items() if not key.startswith(b"__faust")}
        try:
            return ledger.restore(stored)
        except BlobError as error:
            raise BlobError(f"partition {partition}: {error}") from error

    def require_restored(self, partition: int, last_offset: int) -> None:
        """Raises StateError unless the disk has the changelog through `last_offset`."""
        end = self._table.data.persisted_offset(TP(self.topic.name, partition))
        if (-1 if end is None else end) < last_offset:
            raise StateError(f"{self.topic.name}/{partition} was restored through {end}, not through {last_offset}")

    def forget(self, partition: int) -> None:
        """The partition is another's now."""
        self._ledgers.pop(partition, None)
        self._on_disk.pop(partition, None)

    async def _keep(self, partition: int, groups: Sequence[Records]) -> None:
        """Each group into as few batches as it fits into, in order; on disk once the broker has all of them."""
        sent = []
        for records in groups:
            for batch, count in self._filled(records):
                sent.append((await self._producer.send_batch(batch, self.topic.name, partition=partition), count))
        spans = []
        for future, count in sent:
            metadata = await future
            spans.append((metadata.offset, metadata.offset + count - 1))
        await asyncio.to_thread(self._store, partition, [one for records in groups for one in records], spans)

    def _filled(self, records: Records) -> Iterator[tuple[Any, int]]:
        """As few batches as they fit into, and how many records each holds. Kafka takes a batch as a whole or not at
        all."""
        batch, count = self._producer.create_batch(), 0
        for key, value in records:
            if batch.append(timestamp=None, key=key, value=value) is None:
                yield batch, count
                batch, count = self._producer.create_batch(), 0
                if batch.append(timestamp=None, key=key, value=value) is None:
                    size = len(value or b"")
                    raise StateError(f"a piece of state of {size} bytes does not fit a batch; use more shards")
            count += 1
        yield batch, count

    def _store(self, partition: int, records: Records, spans: Sequence[tuple[int, int]]) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in records:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self._database(partition).write(batch)
        self._advance(partition, spans)

    def _advance(self, partition: int, spans: Sequence[tuple[int, int]]) -> None:
        """Note how far the disk follows the changelog. What somebody else wrote in between is not on it, so that the
        next restore has to begin there."""
        end = self._on_disk.get(partition)
        if end is None:
            return  # given up meanwhile
        for first, last in spans:
            if first == end + 1:
                end = last
        if end > self._on_disk[partition]:
            self._on_disk[partition] = end
            self._table.data.set_persisted_offset(TP(self.topic.name, partition), end)

    def _database(self, partition: int) -> Any:
        return self._table.data._db_for_partition(partition)


def changelog_of(app_id: str) -> Topic:
    """The changelog topic of the state of that application."""
    return state_changelog(app_id, NAME)
