"""The watermark over several sources, and the clock of a symbol that follows from it."""

import pytest

from engine.clock import Watermark
from schemas.control import Heartbeat, SourceEnd, encode_source_end
from tests.support.lab import MINUTE, SECOND, Lab, utc

TEN = utc("2025-11-05T10:00:00")


def after(*events: tuple[str, int] | str) -> int:
    """The watermark, in s after ten, after heartbeats (source, s after ten) and sources that end."""
    watermark = Watermark(TEN)
    for event in events:
        given = SourceEnd(event) if isinstance(event, str) else Heartbeat(event[0], TEN + event[1] * SECOND)
        watermark.apply(given)
    return (watermark.ts_ns - TEN) // SECOND


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([("a", 10)], 10),
        ([("a", 10), ("a", 5)], 10),
        ([("a", 10), ("b", 4)], 10),
        ([("a", 4), ("b", 10)], 4),
        ([("a", 4), ("b", 10), ("a", 7)], 7),
        ([("a", 4), ("b", 10), ("a", 12)], 10),
        ([("a", 10), ("b", 70)], 10),
        ([("a", 10), ("b", 71)], 71),
        ([("a", 10), ("b", 71), ("a", 20)], 71),
        ([("a", 10), ("b", 71), ("a", 72)], 71),
        ([("a", 10), ("b", 71), ("a", 80)], 71),
        ([("a", 10), ("b", 71), ("a", 80), ("b", 90)], 80),
        ([("a", 10), ("b", 40), "a"], 40),
        ([("a", 10), ("b", 40), "b"], 10),
        ([("a", 10), "a"], 10),
        ([("a", 10), "a", ("b", 5)], 10),
        ([("a", 10), "a", ("a", 20)], 20),
        ([("a", 10), "nobody"], 10),
        (["nobody"], 0),
        ([("a", 0), ("b", 30), ("c", 60)], 0),
        ([("a", 0), ("b", 30), ("c", 61)], 30),
        ([("a", 0), ("b", 30), ("c", 91)], 91),
    ],
)
def test_the_slowest_source_that_is_not_far_behind_holds_time(
    events: list[tuple[str, int] | str], expected: int
) -> None:
    assert after(*events) == expected


def test_the_watermark_never_falls() -> None:
    watermark, seen = Watermark(), []
    for source, second in (("a", 100), ("b", 10), ("c", 30), ("a", 90), ("b", 130), ("c", 140)):
        seen.append(watermark.apply(Heartbeat(source, TEN + second * SECOND)))
    assert seen == sorted(seen)


@pytest.mark.parametrize(("beat", "bars"), [(MINUTE - 1, 0), (MINUTE, 1)])
def test_a_heartbeat_closes_bars_from_their_end_on(beat: int, bars: int) -> None:
    lab = Lab()
    lab.trade(TEN, 10)
    lab.beat(TEN + beat)
    assert len(lab.bars) == bars


def test_a_source_that_is_behind_holds_bars_open_until_it_ends() -> None:
    lab = Lab()
    lab.trade(TEN, 10)
    lab.beat(TEN + 50 * SECOND, "slow")
    lab.beat(TEN + 100 * SECOND, "fast")
    assert lab.bars == []
    assert len(lab.send(encode_source_end("slow")).bars) == 1


def test_a_silent_source_is_left_out_after_a_minute() -> None:
    lab = Lab()
    lab.trade(TEN, 10)
    lab.beat(TEN + 50 * SECOND, "silent")
    lab.beat(TEN + 110 * SECOND, "other")
    assert lab.bars == []
    lab.beat(TEN + 110 * SECOND + 1, "other")
    assert len(lab.bars) == 1


def test_the_clock_of_a_symbol_is_its_own_newest_trade_or_the_watermark() -> None:
    lab = Lab()
    lab.beat(TEN)
    lab.trade(TEN + MINUTE, 10)
    lab.trade(TEN, 10, symbol="B-USD")
    assert lab.trade(TEN + 1, 11).counts.amended == 1
    assert lab.trade(TEN + 1, 11, symbol="B-USD").counts.amended == 0


def test_a_refused_trade_moves_no_clock() -> None:
    lab = Lab()
    lab.trade(TEN, 10)
    lab.trade(TEN + MINUTE, 10**15)
    lab.trade(TEN + MINUTE, 10, id=1)
    lab.trade(TEN + 2 * MINUTE, 10, id=1)
    assert [bar.start for bar in lab.bars] == [TEN]


def test_heartbeats_within_a_chunk_hold_for_the_trades_behind_them() -> None:
    lab = Lab()
    tick = {"symbol": "A-USD", "ts": TEN, "price": 10, "size": 1}
    beats = [{"hb": TEN + after * SECOND, "source": "x"} for after in (59, 70, 91)]
    result = lab.send(tick, beats[0], tick, beats[1], tick, beats[2], tick)
    assert (result.counts.amended, len(result.late)) == (1, 1)
    assert [bar.trades for bar in result.bars] == [2, 3]


@pytest.mark.parametrize("bad", [{"hb": TEN}, {"hb": 5, "source": "x"}, {"hb": 42 * 10**17, "source": "x"}])
def test_a_heartbeat_without_source_or_time_is_refused(bad: dict[str, object]) -> None:
    lab = Lab()
    lab.trade(TEN, 10)
    lab.send(bad)
    assert lab.bars == []
    assert [one.reason.partition(":")[0] for one in lab.rejected] == ["heartbeat"]
