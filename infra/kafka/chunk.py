"""What an agent is handed: a whole fetched chunk of one partition instead of one record at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from faust import Schema
from faust.types import TP, AppT, Message

from infra.kafka.block import Records, record_at


class Chunk:
    """The records of one poll of one partition, as the client gives them, in log order and never empty.

    `begin` is where reading stood before: the chunk holds every record from there up to its last one, so that
    `begin` of the next chunk is `end` of this one. Offsets may have gaps (compaction, transaction markers).
    """

    __slots__ = ("begin", "records", "tp")

    def __init__(self, tp: TP, begin: int, records: Records) -> None:
        self.tp, self.begin, self.records = tp, begin, records

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.records)

    def at(self, offset: int) -> Any:
        """The record at an offset that it holds."""
        return record_at(self.records, offset)

    @property
    def end(self) -> int:
        """The offset right after the last record."""
        return int(self.records[-1].offset) + 1


class ChunkSchema(Schema[Any, Any]):
    """Hands a chunk to the agent untouched; every topic that an agent reads is declared with it."""

    def compile(self, app: AppT, **options: Any) -> Any:
        """The decoder Faust calls for each chunk; it cannot fail."""
        create_event = app.create_event

        async def decode(message: Message, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, None, message)

        return decode
