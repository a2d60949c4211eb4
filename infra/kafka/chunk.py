"""What an agent is handed: a whole fetched chunk of one partition instead of one record at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from faust import Schema
from faust.types import TP, AppT, Message


class Chunk(list[Any]):
    """The records of one poll of one partition, as the client gives them, in log order and never empty.

    `begin` is where reading stood before: the chunk holds every record from there up to its last one, so that
    `begin` of the next chunk is `end` of this one. Offsets may have gaps (compaction, transaction markers).
    """

    __slots__ = ("begin", "tp")

    def __init__(self, tp: TP, begin: int, records: Iterable[Any]) -> None:
        super().__init__(records)
        self.tp = tp
        self.begin = begin

    @property
    def end(self) -> int:
        """The offset right after the last record."""
        return int(self[-1].offset) + 1


class ChunkSchema(Schema[Any, Any]):
    """Hands a chunk to the agent untouched; every topic that an agent reads is declared with it."""

    def compile(self, app: AppT, **options: Any) -> Any:
        """The decoder Faust calls for each chunk; it cannot fail."""
        create_event = app.create_event

        async def decode(message: Message, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, None, message)

        return decode
