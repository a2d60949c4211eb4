"""Event times are found in a log by halving exactly where reading all of it finds them."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest

from app import replay_search
from app.replay_search import LogSearch, is_control
from engine.clock import Watermark
from infra.kafka.block import Block
from infra.kafka.reader import Range, Reader
from schemas.control import RuleSetSwitch, encode_heartbeat, encode_rule_set_switch, encode_source_end
from schemas.frame import FRAME_MAGIC
from schemas.values import Values

SECOND_NS = 1_000_000_000
START_NS = 1_767_600_000 * SECOND_NS
NO_BOUND_NS = 2**63
TICK = b'{"symbol":"A","ts":1767600000000000000,"price":1,"size":1}'


@dataclass(frozen=True)
class Record:
    offset: int
    value: bytes
    timestamp: int = 0


class MemoryReader:
    """A log in memory that counts what is read of it. `as_blocks`: it is given as columns."""

    def __init__(self, records: list[Record], as_blocks: bool = False) -> None:
        self.records, self.as_blocks = records, as_blocks
        self.read_records = 0

    async def read(self, wanted: Range, most: int = 64) -> AsyncIterator[list[Record] | Block]:
        found = [one for one in self.records if wanted.begin <= one.offset < wanted.end]
        for start in range(0, len(found), most):
            some = found[start : start + most]
            self.read_records += len(some)
            yield block_of(some) if self.as_blocks else some


def block_of(records: list[Record]) -> Block:
    offsets = np.array([one.offset for one in records])
    nothing = np.zeros(len(records), np.int64)
    return Block(
        offsets,
        np.array([one.timestamp for one in records]),
        Values.of([one.value for one in records]),
        np.zeros(len(records), np.bool_),
        (nothing, nothing - 1),
        np.zeros(len(records), np.uint8),
    )


def search_of(
    records: list[Record],
    begin: int = 0,
    read_whole: int = 0,
    as_blocks: bool = False,
    future_bound_ns: int = NO_BOUND_NS,
) -> tuple[LogSearch, MemoryReader]:
    reader = MemoryReader([one for one in records if one.offset >= begin], as_blocks)
    whole = Range(0, begin, len(records), begin)
    return LogSearch(cast(Reader, cast(Any, reader)), whole, future_bound_ns, read_whole), reader


def market(seed: int, seconds: int) -> list[Record]:
    """Up to three sources, each a little apart, one of them silent for minutes, with ticks between."""
    rng = random.Random(seed)
    values: list[bytes] = []
    quiet = {source: rng.randrange(seconds) for source in ("a", "b", "c")[: rng.randint(1, 3)]}
    behind = {source: rng.randrange(20) for source in quiet}
    second = 0
    while second < seconds:
        for source, since in quiet.items():
            if since <= second < since + 200 and source != "a":
                continue
            values.append(encode_heartbeat(source, START_NS + (second - behind[source]) * SECOND_NS))
        values += [TICK] * rng.randrange(12)
        second += rng.choice((1, 1, 1, 1, 2, 90 if rng.random() < 0.05 else 1))
    values.append(encode_source_end("a"))
    return [Record(offset, value, offset) for offset, value in enumerate(values)]


def expected(records: list[Record], ts_ns: int) -> int:
    """Behind the first record that takes the watermark there."""
    search, _ = search_of(records, read_whole=len(records))
    return asyncio.run(search.reached(ts_ns)).offset


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_search, "BLOCK", 64)
    monkeypatch.setattr(replay_search, "SAMPLE_RECORDS", 32)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("as_blocks", [False, True])
def test_halving_finds_what_reading_all_finds(seed: int, as_blocks: bool) -> None:
    records = market(seed, 3_000)
    rng = random.Random(seed)
    for _ in range(12):
        ts_ns = START_NS + rng.randrange(1, 3_000) * SECOND_NS
        search, _ = search_of(records, as_blocks=as_blocks)
        place = asyncio.run(search.reached(ts_ns))
        assert place.offset == expected(records, ts_ns)
        at = asyncio.run(search.at(place.offset))
        assert (at.offset, at.watermark_ns) == (place.offset, place.watermark_ns)


@pytest.mark.usefixtures("small_blocks")
def test_little_of_the_log_is_read() -> None:
    records = [
        Record(i, encode_heartbeat("a", START_NS + i * SECOND_NS // 10) if i % 10 == 0 else TICK) for i in range(60_000)
    ]
    search, reader = search_of(records)
    assert asyncio.run(search.reached(START_NS + 4_321 * SECOND_NS)).offset == 43_211
    assert reader.read_records < 10_000


@pytest.mark.usefixtures("small_blocks")
def test_a_heartbeat_that_is_a_dead_letter_tells_no_time() -> None:
    append_ms = START_NS // 10**6
    times = [START_NS, START_NS + 100 * SECOND_NS, START_NS + SECOND_NS]
    records = [Record(n, encode_heartbeat("a", ts_ns), append_ms) for n, ts_ns in enumerate(times)]
    search, _ = search_of(records, future_bound_ns=60 * SECOND_NS)
    assert asyncio.run(search.reached(START_NS + SECOND_NS)).offset == 3
    assert asyncio.run(search.at(3)).watermark_ns == START_NS + SECOND_NS


def test_a_log_whose_time_goes_back_is_read_whole() -> None:
    values = [encode_heartbeat("a", START_NS + i * SECOND_NS) for i in range(1_000)] * 2
    records = [Record(offset, value) for offset, value in enumerate(values)]
    search, _ = search_of(records)
    place = asyncio.run(search.reached(START_NS + 700 * SECOND_NS))
    assert place.offset == 701, "the first time it is reached, and not the second"


def test_a_time_before_the_log_is_told_and_one_behind_it_is_its_end() -> None:
    records = [Record(i, encode_heartbeat("a", START_NS + i * SECOND_NS)) for i in range(100)]
    search, _ = search_of(records, begin=50, read_whole=1_000)
    before = asyncio.run(search.reached(START_NS + 10 * SECOND_NS))
    assert (before.offset, before.before_log) == (50, True)
    behind = asyncio.run(search.reached(START_NS + 1_000 * SECOND_NS))
    assert (behind.offset, behind.before_log) == (100, False)
    assert asyncio.run(search.at(80)).watermark_ns == START_NS + 79 * SECOND_NS


def test_the_rule_set_in_force_is_the_one_with_the_greatest_seq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_search, "BLOCK", 16)
    now_ms = 1_788_000_000_000
    values = [TICK] * 4_000
    values[100] = encode_rule_set_switch("first", now_ms + 100_000)
    values[2_000] = encode_rule_set_switch("second", now_ms + 2_000_000)
    values[2_010] = encode_rule_set_switch("too late", now_ms + 1_900_000)
    records = [Record(i, value, now_ms + i * 1_000) for i, value in enumerate(values)]
    search, reader = search_of(records)
    for offset, name in ((3_900, "second"), (1_500, "first"), (50, None)):
        switch = asyncio.run(search.rule_set_at(offset))
        assert (switch and switch.rule_set_hash) == name
    reader.read_records = 0
    assert asyncio.run(search.rule_set_at(2_100)) == RuleSetSwitch("second", now_ms + 2_000_000)
    assert reader.read_records < 1_500, "what is older than the set by more than clocks differ is not read"


def test_control_records_are_known_by_their_fields() -> None:
    assert is_control(b'{ "source": "a", "hb": 1 }')
    assert is_control(encode_source_end("a"))
    assert not is_control(TICK)
    assert not is_control(bytes([FRAME_MAGIC]) + b'"hb"')
    assert not is_control(None)


def test_the_watermark_at_a_place_knows_its_sources() -> None:
    values = [encode_heartbeat("a", START_NS + 5), encode_heartbeat("b", START_NS + 3), TICK]
    search, _ = search_of([Record(i, value) for i, value in enumerate(values)], read_whole=10)
    place = asyncio.run(search.at(3))
    assert place.heartbeats == {"a": START_NS + 5, "b": START_NS + 3}
    assert place.watermark_ns == START_NS + 5
    assert Watermark(place.watermark_ns, place.heartbeats).ts_ns == START_NS + 5
