"""Time in the log, sentence by sentence: sources that are silent, end, come back, or are behind after an outage."""

from __future__ import annotations

import msgspec

from engine.clock import SILENCE_NS
from engine.partition import Partition
from infra.calendars import load_calendars
from schemas.batch import Chunk
from schemas.control import encode_heartbeat, encode_source_end
from schemas.decode import decode_chunk

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
START_NS = 1_767_600_000 * SECOND_NS


class Log:
    """A partition that is given one record after the other; times in seconds since the start."""

    def __init__(self) -> None:
        self.partition = Partition(0, None, load_calendars())
        self.closed: list[float] = []
        self.late = 0
        self.refused: list[str] = []

    def take(self, value: bytes, append_ts: int = -1) -> Log:
        chunk = Chunk([self.partition.position + 1], [value], [append_ts])
        result = self.partition.step(decode_chunk(chunk, self.partition.symbols), {})
        self.closed += [(bar.start - START_NS) / SECOND_NS for bar in result.bars if bar.timeframe == "1m"]
        self.late += len(result.late)
        self.refused += [one.reason for one in result.rejected]
        return self

    def beat(self, source: str, second: float) -> Log:
        return self.take(encode_heartbeat(source, START_NS + round(second * SECOND_NS)))

    def end(self, source: str) -> Log:
        return self.take(encode_source_end(source))

    def trade(self, second: float, symbol: str = "BTC-USD") -> Log:
        tick = {"symbol": symbol, "ts": START_NS + round(second * SECOND_NS), "price": 1, "size": 1}
        return self.take(msgspec.json.encode(tick))

    @property
    def watermark(self) -> float:
        return (self.partition.header.watermark_ns - START_NS) / SECOND_NS


def test_time_is_the_smallest_of_what_the_sources_promise() -> None:
    log = Log().beat("a", 100).beat("b", 100).beat("a", 130)
    assert log.watermark == 100
    assert log.beat("b", 120).watermark == 120


def test_a_silent_source_holds_time_back_for_a_minute_of_the_others() -> None:
    log = Log().beat("a", 10).beat("b", 10).beat("a", 70)
    assert log.watermark == 10
    assert log.beat("a", 70 + 1e-3).watermark == 70 + 1e-3
    assert SILENCE_NS == MINUTE_NS


def test_a_source_that_ends_holds_nothing_back() -> None:
    log = Log().beat("a", 50).beat("b", 10)
    assert log.watermark == 50, "time never falls"
    log.beat("a", 55)
    assert log.watermark == 50
    assert log.end("b").watermark == 55


def test_an_unknown_source_may_end() -> None:
    assert Log().beat("a", 5).end("nobody").watermark == 5


def test_time_never_falls() -> None:
    log = Log().beat("a", 100).beat("a", 40)
    assert log.watermark == 100
    assert log.beat("new", 20).watermark == 100


def test_a_source_that_was_restarted_goes_on_under_its_name() -> None:
    log = Log().beat("a", 100).beat("b", 100)
    log.beat("a", 30)
    assert log.beat("b", 110).watermark == 100, "an older heartbeat of a source is none"
    assert log.beat("a", 105).watermark == 105


def test_a_source_that_is_behind_after_an_outage_holds_time_back_again_once_it_is_near() -> None:
    log = Log().beat("a", 0).beat("b", 0).beat("a", 300)
    assert log.watermark == 300, "b is silent"
    log.beat("b", 200)
    assert log.beat("a", 310).watermark == 310, "b is more than a minute behind"
    log.beat("b", 290)
    assert log.beat("a", 320).watermark == 310
    assert log.beat("b", 315).watermark == 315


def test_two_owners_that_write_for_one_source_are_one_source() -> None:
    """Workers write heartbeats under one name; during a rebalance the old owner's may come after the new one's."""
    log = Log().beat("scan", 100).beat("scan", 101).beat("scan", 100.5).beat("scan", 102)
    assert log.watermark == 102
    assert list(log.partition.header.heartbeats) == ["scan"]


def test_a_heartbeat_closes_the_bars_of_symbols_that_are_silent() -> None:
    log = Log().trade(10).trade(20, "ETH-USD")
    assert log.beat("a", 59.9).closed == []
    assert log.beat("a", 60).closed == [0, 0]


def test_bars_of_a_symbol_close_by_its_own_trades_whatever_the_sources_say() -> None:
    log = Log().beat("a", 0).trade(10).trade(20, "ETH-USD").trade(61)
    assert log.closed == [0], "the other symbol's minute is still open"


def test_a_trade_behind_the_watermark_is_late() -> None:
    log = Log().trade(10).beat("a", 120)
    assert log.trade(30).late == 1
    assert log.trade(121).late == 1


def test_a_step_cut_anywhere_gives_the_same_time() -> None:
    values = [encode_heartbeat(name, START_NS + at * SECOND_NS) for at in range(0, 400, 7) for name in ("a", "b")]
    whole = Partition(0, None, load_calendars())
    whole.step(decode_chunk(Chunk(list(range(len(values))), values, [-1] * len(values)), whole.symbols), {})
    log = Log()
    for value in values:
        log.take(value)
    assert log.partition.header == whole.header


def test_a_heartbeat_too_far_ahead_of_its_append_time_is_a_dead_letter_and_no_time() -> None:
    def beat(source: str, ahead_s: int) -> Log:
        return log.take(encode_heartbeat(source, START_NS + ahead_s * SECOND_NS), START_NS)

    log = Log().beat("a", -100)
    assert beat("a", 60).watermark == 60
    assert not log.refused
    ahead = START_NS + 61 * SECOND_NS
    assert beat("a", 61).refused == [f"heartbeat: {ahead} is 61.0 s ahead of the record's append time"]
    assert beat("b", 10**9).watermark == 60
    assert list(log.partition.header.heartbeats) == ["a"]
    assert log.trade(60).late == 0
