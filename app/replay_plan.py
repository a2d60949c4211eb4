"""From what was asked for to offsets: both ends of each partition, where reading begins, and what is in force there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from app.replay_answer import ReplayError
from app.replay_request import Request, Span
from app.replay_search import LogSearch, Place
from app.replay_state import SavedPartition, read_about, read_state
from app.replay_time import time_text
from engine.pieces import Header
from infra.kafka.reader import Range, Reader
from schemas.partitioning import partition_of

SEARCH_BYTES: Final = 524_288
"""Of a fetch: a look at some place ends at the next heartbeat."""


@dataclass(frozen=True)
class Stretch:
    """Of a partition [begin, end) is told; what stands from `read_from` on is read before it. `header`: in force where
    reading begins; with `saved` the state file says so. `exact`: nothing before `begin` is missing."""

    partition: int
    partitions: int
    read_from: int
    begin: int
    end: int
    log_begin: int
    exact: bool
    header: Header = field(default_factory=Header)
    saved: bool = False


async def plan_topic(bootstrap: str, request: Request) -> list[Stretch]:
    """The stretches of a topic that was asked for, in the order of partitions.

    Raises ReplayError where it begins before the log, TopicError, ReadError.
    """
    async with Reader(bootstrap, str(request.topic), "tapewatch-replay", SEARCH_BYTES) as reader:
        wholes = await reader.ranges()
        _check(request, len(wholes))
        searches = {whole.partition: LogSearch(reader, whole, request.engine.future_bound_ns) for whole in wholes}
        span = await _resolved(request.span, wholes, searches)
        wanted = [whole for whole in wholes if _is_wanted(request, span, whole.partition, len(wholes))]
        return [await _stretch(request, span, whole, len(wholes), searches[whole.partition]) for whole in wanted]


def _check(request: Request, partitions: int) -> None:
    unknown = [number for number in request.span.offsets or () if number >= partitions]
    if unknown:
        raise ReplayError(f"{request.topic} has {partitions} partitions, there is no {unknown[0]}")
    if request.state is not None:
        about = read_about(request.state)
        if about.topic != request.topic:
            raise ReplayError(f"{request.state} is of {about.topic}, not of {request.topic}")
        if about.partitions != partitions:
            raise ReplayError(f"{request.state} is of {about.partitions} partitions, {request.topic} has {partitions}")


async def _resolved(span: Span, wholes: list[Range], searches: dict[int, LogSearch]) -> Span:
    """`last_ns` as a time: so long before the newest watermark of all partitions."""
    if span.last_ns is None:
        return span
    newest = max([(await searches[whole.partition].at(whole.end)).watermark_ns for whole in wholes])
    if not newest:
        raise ReplayError("the log has no heartbeats, so that nobody knows what its last hours are; ask by offsets")
    return Span(from_ns=newest - span.last_ns, to_ns=span.to_ns)


def _is_wanted(request: Request, span: Span, partition: int, partitions: int) -> bool:
    if span.offsets is not None and partition not in span.offsets:
        return False
    return request.symbols is None or any(partition_of(name, partitions) == partition for name in request.symbols)


async def _stretch(request: Request, span: Span, whole: Range, partitions: int, search: LogSearch) -> Stretch:
    saved = SavedPartition() if request.state is None else read_state(request.state, whole.partition)
    begin, end = await _ends(request, span, whole, search, saved)
    header, exact = Header(), False
    if request.state is not None:
        read_from, exact = saved.header.position + 1, True
    elif request.warmup_ns:
        place = await _warmup(request, whole, begin, search)
        read_from, header = place.offset, await _header(request, place, whole, search)
    else:
        read_from = begin
        if begin > 0:
            header = await _header(request, await search.at(begin), whole, search)
    _require_held(request, whole, read_from)
    return Stretch(
        whole.partition,
        partitions,
        read_from,
        begin,
        max(begin, end),
        whole.log_begin,
        exact or read_from == 0,
        header,
        request.state is not None,
    )


async def _ends(
    request: Request, span: Span, whole: Range, search: LogSearch, saved: SavedPartition
) -> tuple[int, int]:
    begin, end = saved.ready if request.state is not None else whole.log_begin, whole.end
    if span.offsets is not None:
        first, last = span.offsets[whole.partition]
        begin, end = begin if first is None else first, end if last is None else min(last, end)
    if span.from_ns is not None:
        begin = (await _reached(request, span.from_ns, whole, search)).offset
    if span.to_ns is not None:
        end = (await search.reached(span.to_ns)).offset
    _require_held(request, whole, begin)
    if begin > whole.end:
        raise ReplayError(f"{_name(request, whole)} ends at {whole.end}, before the {begin} where this begins")
    if request.state is not None and begin < saved.ready:
        raise ReplayError(f"{request.state} is of {saved.ready} in {_name(request, whole)}, after {begin}")
    return begin, end


def _require_held(request: Request, whole: Range, offset: int) -> None:
    if offset < whole.log_begin:
        raise ReplayError(f"{_name(request, whole)} begins at {whole.log_begin}: what stood from {offset} on is gone")


async def _reached(request: Request, ts_ns: int, whole: Range, search: LogSearch) -> Place:
    """The place of a time, which the log must not have forgotten."""
    place = await search.reached(ts_ns)
    if place.before_log and whole.log_begin > 0:
        raise ReplayError(
            f"{_name(request, whole)} begins at {whole.log_begin}, where {time_text(ts_ns)} has long passed: what it "
            "held before is gone"
        )
    if not place.watermark_ns and not place.before_log and whole.end > whole.log_begin:
        raise ReplayError(f"{_name(request, whole)} has no heartbeats, so that nobody knows its times; ask by offsets")
    return place


async def _warmup(request: Request, whole: Range, begin: int, search: LogSearch) -> Place:
    now = await search.at(begin)
    if not now.watermark_ns:
        return Place(whole.log_begin, 0, {})
    place = await _reached(request, now.watermark_ns - request.warmup_ns, whole, search)
    return place if place.offset <= begin else now


async def _header(request: Request, place: Place, whole: Range, search: LogSearch) -> Header:
    """What is in force at a place, the rules of the log included where they are obeyed."""
    if place.offset == 0:
        return Header()
    if request.rules is not None:
        return place.header(None)
    switch = await search.rule_set_at(place.offset)
    if switch is None and whole.log_begin > 0:
        raise ReplayError(
            f"{_name(request, whole)} no longer says which rules were in force at {place.offset}; name them with "
            "--ruleset or --rules"
        )
    return place.header(switch)


def _name(request: Request, whole: Range) -> str:
    return f"{request.topic}/{whole.partition}"
