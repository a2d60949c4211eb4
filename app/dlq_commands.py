"""`tapewatch dlq`: what could not be processed and why, one of them whole, and sending them to where they came from."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.settings import Settings
from infra.kafka.reader import Range, Reader
from infra.kafka.topic_admin import partition_count
from infra.kafka_clients import make_producer
from schemas.batch import UNKNOWN_TIME, Chunk
from schemas.dead_letter import reason_of
from schemas.decode import decode_chunk
from schemas.partitioning import partition_of
from schemas.symbols import SymbolTable
from schemas.topics import TICKS

CONNECT: Final = "__connect.errors."
SENT_AGAIN: Final = "tapewatch.sent.again"
"""Header of a record that stands in the dead-letter topic for others before it: their offsets by comma, which have been
sent again. It is kept as long as they are, wherever the command runs."""
OFFSETS_AT_ONCE: Final = 1_000
SHOWN_BYTES: Final = 120
SEND_LIMIT_S: Final = 60.0


Place = tuple[int, int]


class DeadLetterError(LookupError):
    """There is no such dead letter, or it cannot be sent back; the text says why."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record of a dead-letter topic, set aside at `time_ms`. `topic`, `source_partition`, `source_offset`, `index`:
    where it came from."""

    partition: int
    offset: int
    time_ms: int
    topic: str
    source_partition: int
    source_offset: int
    index: int
    reason: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

    @property
    def place(self) -> Place:
        """Its partition and offset."""
        return self.partition, self.offset


def show_list(topic: str | None, most: int, settings: Settings) -> int:
    """The newest dead letters of a topic, a line each, oldest first."""
    topic = topic or TICKS.name
    letters, again = asyncio.run(_newest(topic, most, settings.bootstrap))
    for one in letters:
        place = f"{one.topic}/{one.source_partition}/{one.source_offset}"
        frame = f" tick {one.index}" if one.index >= 0 else ""
        sent = "  sent again" if one.place in again else ""
        print(f"{one.partition}/{one.offset}  from {place}{frame}  {one.reason}  {_short(one.value)}{sent}")
    if not letters:
        print(f"{dead_letter_topic(topic)} holds nothing")
    return 0


def show_one(topic: str | None, place: str, settings: Settings) -> int:
    """One dead letter: its headers, then the original bytes."""
    one = asyncio.run(_one(topic or TICKS.name, place, settings.bootstrap))
    print(f"key: {one.key!r}")
    for name, value in one.headers:
        print(f"{name}: {_text(value)}")
    sys.stdout.flush()
    sys.stdout.buffer.write((one.value or b"") + b"\n")
    return 0


def retry(topic: str | None, places: list[str], repeat: bool, settings: Settings) -> int:
    """Send dead letters, original bytes and key, to the partition they came from. If `places` is empty all that were
    not sent again before, and with `repeat` those as well."""
    topic = topic or TICKS.name
    count = asyncio.run(_retry(topic, places, repeat, settings.bootstrap))
    print(f"{count} sent to {topic} again; they stay in {dead_letter_topic(topic)} until they are too old")
    return 0


def dead_letter_topic(topic: str) -> str:
    """Where the dead letters of `topic` are."""
    return f"{topic}.dlq"


async def _newest(topic: str, most: int, bootstrap: str) -> tuple[list[DeadLetter], set[Place]]:
    """The newest, and the places of those that were sent again."""
    found, again = list[DeadLetter](), set[Place]()
    async with Reader(bootstrap, dead_letter_topic(topic)) as reader:
        for whole in await reader.ranges():
            letters, sent = await _newest_of(reader, whole, most)
            found += letters
            again |= sent
    found.sort(key=lambda one: (one.time_ms, one.partition, one.offset))
    return found[-most:], again


async def _newest_of(reader: Reader, whole: Range, most: int) -> tuple[list[DeadLetter], set[Place]]:
    """The same of one partition, where not every record is a dead letter."""
    begin = whole.end
    while True:
        begin = max(whole.begin, min(begin, whole.end - most))
        records = [one async for one in _read(reader, Range(whole.partition, begin, whole.end, whole.log_begin))]
        told = [(one, _sent_again(one)) for one in records]
        letters = [one for one, sent in told if sent is None]
        if len(letters) >= most or begin == whole.begin:
            return letters, {(whole.partition, offset) for _, sent in told for offset in sent or ()}
        begin -= most + len(records)


async def _one(topic: str, place: str, bootstrap: str) -> DeadLetter:
    partition, offset = _parsed(place)
    async with Reader(bootstrap, dead_letter_topic(topic)) as reader:
        whole = next((one for one in await reader.ranges() if one.partition == partition), None)
        if whole is not None and whole.begin <= offset < whole.end:
            wanted = Range(partition, offset, offset + 1, whole.log_begin)
            async for one in _read(reader, wanted):
                if _sent_again(one) is None:
                    return one
    raise DeadLetterError(f"{dead_letter_topic(topic)} has no record {place}")


async def _retry(topic: str, places: list[str], repeat: bool, bootstrap: str) -> int:
    letters = [await _one(topic, place, bootstrap) for place in places]
    if not places:
        letters, again = await _newest(topic, sys.maxsize, bootstrap)
        letters = [one for one in letters if repeat or one.place not in again]
    partitions = await partition_count(bootstrap, topic)
    for one in letters:
        if one.topic != topic or not 0 <= one.source_partition < partitions:
            raise DeadLetterError(f"{one.partition}/{one.offset} does not say from which partition of {topic} it came")
    await _send(topic, letters, partitions, bootstrap)
    return len(letters)


async def _send(topic: str, letters: Sequence[DeadLetter], partitions: int, bootstrap: str) -> None:
    """First the letters, then that they were sent: should this stop in between, they are sent twice rather than
    never."""
    async with asyncio.timeout(SEND_LIMIT_S):
        producer: Any = make_producer(bootstrap, "tapewatch-dlq")
        try:
            await producer.start()
            sent = [
                await producer.send(
                    one.topic, one.value, key=one.key, partition=_partition(one, partitions), headers=_own_headers(one)
                )
                for one in letters
            ]
            await asyncio.gather(*sent)
            for partition, offsets in _by_partition(letters):
                header = (SENT_AGAIN, ",".join(map(str, offsets)).encode())
                await producer.send_and_wait(dead_letter_topic(topic), b"", partition=partition, headers=[header])
        finally:
            await producer.stop()


def _by_partition(letters: Iterable[DeadLetter]) -> Iterator[tuple[int, list[int]]]:
    """Offsets of each partition, so many at a time."""
    by_partition: dict[int, list[int]] = {}
    for one in letters:
        by_partition.setdefault(one.partition, []).append(one.offset)
    for partition, offsets in by_partition.items():
        for begin in range(0, len(offsets), OFFSETS_AT_ONCE):
            yield partition, offsets[begin : begin + OFFSETS_AT_ONCE]


def _sent_again(one: DeadLetter) -> list[int] | None:
    """The offsets that a record says were sent again; None for a dead letter."""
    told = next((value or b"" for name, value in one.headers if name == SENT_AGAIN), None)
    return None if told is None else [int(offset) for offset in told.split(b",") if offset.isdigit()]


def _partition(one: DeadLetter, partitions: int) -> int:
    """Where it came from, or where its symbol belongs: in another partition it would become a dead letter again."""
    symbols = SymbolTable()
    if one.topic == TICKS.name:
        decode_chunk(Chunk([0], [one.value], [UNKNOWN_TIME]), symbols)
    return partition_of(symbols.names[0], partitions) if len(symbols.names) == 1 else one.source_partition


def _own_headers(one: DeadLetter) -> list[tuple[str, bytes | None]]:
    """Those it had before it became a dead letter."""
    return [(name, value) for name, value in one.headers if not name.startswith(CONNECT)]


async def _read(reader: Reader, wanted: Range) -> AsyncIterator[DeadLetter]:
    async for records in reader.read(wanted):
        for record in records:
            yield _letter(record)


def _letter(record: Any) -> DeadLetter:
    headers = list(record.headers)
    ours = {name.removeprefix(CONNECT): _text(value) for name, value in headers if name.startswith(CONNECT)}
    return DeadLetter(
        record.partition,
        record.offset,
        record.timestamp,
        ours.get("topic", ""),
        _number(ours.get("partition", "")),
        _number(ours.get("offset", "")),
        _number(ours.get("index", "")),
        reason_of(headers),
        record.key,
        record.value,
        headers,
    )


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="backslashreplace")


def _number(text: str) -> int:
    """-1 where a record that somebody else put there says none."""
    return int(text) if text.isascii() and text.isdecimal() else -1


def _parsed(place: str) -> tuple[int, int]:
    partition, _, offset = place.partition("/")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise DeadLetterError(f"{place!r} is no place: write PARTITION/OFFSET, as `tapewatch dlq list` shows it")
    return int(partition), int(offset)


def _short(value: bytes | None) -> str:
    return repr((value or b"")[:SHOWN_BYTES])[1:]
