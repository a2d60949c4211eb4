"""Late trades: what they amend within the window, and that nothing else moves."""

import pytest

from engine.partition import EngineConfig
from schemas.tick import Eligibility
from tests.support.lab import HOUR, MINUTE, SECOND, Lab, ohlc, utc, watch
from tests.support.markets import new_york

TEN = utc("2025-11-05T10:00:00")
LAST, HIGH_LOW, VOLUME = int(Eligibility.LAST), int(Eligibility.HIGH_LOW), int(Eligibility.VOLUME)


def with_two_minutes(rules: dict[str, tuple[str, int]] | None = None) -> Lab:
    """Trades at 10:00:10 (10.0) and 10:00:50 (12.0), and one at 10:01:00 that closes their minute."""
    lab = Lab(rules)
    lab.trade(TEN + 10 * SECOND, 10, 1)
    lab.trade(TEN + 50 * SECOND, 12, 1)
    lab.trade(TEN + MINUTE, 11, 1)
    return lab


def test_a_late_trade_within_the_window_is_published_as_a_revision() -> None:
    lab = with_two_minutes()
    result = lab.trade(TEN + 30 * SECOND, 20, 3)
    assert (result.counts.amended, result.late) == (1, [])
    (bar,) = result.bars
    assert (bar.start, bar.rev, *ohlc(bar), bar.volume, bar.trades) == (TEN, 1, 10, 20, 10, 12, 5, 3)
    assert bar.vwap == (10 + 12 + 60) / 5
    assert [bar.rev for bar in lab.trade(TEN + 31 * SECOND, 21, 1).bars] == [2]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (5, (20, 20, 10, 12)),
        (10, (10, 20, 10, 12)),
        (49, (10, 20, 10, 12)),
        (50, (10, 20, 10, 20)),
        (55, (10, 20, 10, 20)),
    ],
)
def test_a_late_trade_sets_open_only_if_older_and_close_only_if_not_older(
    second: int, expected: tuple[float, ...]
) -> None:
    lab = with_two_minutes()
    assert ohlc(lab.trade(TEN + second * SECOND, 20).bars[0]) == expected


@pytest.mark.parametrize(("after", "amends"), [(30 * SECOND, True), (30 * SECOND + 1, False)])
def test_the_window_ends_thirty_seconds_after_the_minute(after: int, amends: bool) -> None:
    lab = with_two_minutes()
    lab.beat(TEN + MINUTE + after)
    result = lab.trade(TEN + 59 * SECOND, 20)
    assert (result.counts.amended, len(result.late), len(result.bars)) == ((1, 0, 1) if amends else (0, 1, 0))


@pytest.mark.parametrize(("after", "amends"), [(0, True), (1, False)])
def test_the_window_is_a_setting(after: int, amends: bool) -> None:
    lab = Lab(config=EngineConfig(amend_window_ns=0))
    lab.trade(TEN, 10)
    lab.beat(TEN + MINUTE + after)
    assert bool(lab.trade(TEN + SECOND, 20).counts.amended) is amends


@pytest.mark.parametrize("window", [-1, MINUTE])
def test_a_window_of_a_minute_or_more_is_refused(window: int) -> None:
    with pytest.raises(ValueError, match="amend_window_ns: must be from 0 to below a minute"):
        EngineConfig(amend_window_ns=window)


def test_a_trade_too_late_is_reported_and_does_nothing() -> None:
    lab = with_two_minutes(watch("volume_day", "day_high"))
    lab.beat(TEN + 2 * MINUTE)
    result = lab.trade(TEN + 55 * SECOND, 99, 5, id="x")
    (late,) = result.late
    assert (late.symbol, late.ts, late.price, late.size) == ("A-USD", TEN + 55 * SECOND, 99, 5)
    assert (result.bars, result.alerts, result.counts.rows) == ([], [], 0)
    lab.trade(TEN + 2 * MINUTE, 10)
    assert (lab.newest("volume_day"), lab.newest("day_high")) == (4, 12)


def test_only_a_trade_whose_minute_has_ended_is_late() -> None:
    lab = Lab()
    lab.trade(TEN + 50 * SECOND, 10)
    result = lab.trade(TEN + 10 * SECOND, 9)
    assert (result.counts.rows, result.counts.amended) == (1, 0)
    lab.beat(TEN + MINUTE)
    assert ohlc(lab.bars[0]) == (9, 10, 9, 10)


def test_a_heartbeat_alone_makes_a_trade_late() -> None:
    lab = Lab()
    lab.beat(TEN + MINUTE)
    lab.trade(TEN + MINUTE, 10)
    result = lab.trade(TEN + MINUTE - 1, 9)
    assert result.counts.amended == 1
    assert [(bar.start, bar.rev, bar.close) for bar in result.bars] == [(TEN, 0, 9)]


def test_a_minute_that_had_no_bar_gets_one() -> None:
    lab = Lab()
    lab.trade(TEN, 10)
    lab.trade(TEN + 2 * MINUTE, 12)
    bar = lab.trade(TEN + MINUTE, 11, 4).bars[0]
    assert (bar.timeframe, bar.start, bar.rev, *ohlc(bar), bar.volume) == ("1m", TEN + MINUTE, 0, 11, 11, 11, 11, 4)


def test_volume_alone_makes_no_bar_but_counts_for_the_day() -> None:
    lab = Lab(watch("volume_day"))
    lab.trade(TEN, 10)
    lab.trade(TEN + 2 * MINUTE, 12)
    result = lab.trade(TEN + MINUTE, 11, 4, flags=VOLUME)
    assert (result.counts.amended, result.bars) == (1, [])
    lab.trade(TEN + 2 * MINUTE, 12)
    assert lab.newest("volume_day") == 7
    bar = lab.trade(TEN + MINUTE + 1, 11, 2).bars[0]
    assert (bar.timeframe, bar.rev, bar.volume, bar.trades) == ("1m", 0, 6, 2)


def test_closed_roll_ups_are_published_again_and_running_ones_take_the_values() -> None:
    lab = Lab()
    lab.trade(TEN + 4 * MINUTE, 10, 1)
    lab.trade(TEN + 5 * MINUTE, 11, 1)
    result = lab.trade(TEN + 4 * MINUTE + SECOND, 30, 2)
    assert [(bar.timeframe, bar.rev, *ohlc(bar), bar.volume) for bar in result.bars] == [
        ("1m", 1, 10, 30, 10, 30, 3),
        ("5m", 1, 10, 30, 10, 30, 3),
    ]
    lab.beat(TEN + HOUR)
    assert [(ohlc(bar), bar.volume, bar.rev) for bar in lab.bars_of("15m")] == [((10, 30, 10, 11), 4, 0)]
    assert [(ohlc(bar), bar.volume, bar.rev) for bar in lab.bars_of("1h")] == [((10, 30, 10, 11), 4, 0)]


def test_three_roll_ups_change_shortest_first() -> None:
    lab = Lab()
    lab.trade(TEN + 59 * MINUTE, 10)
    lab.trade(TEN + HOUR, 11)
    result = lab.trade(TEN + HOUR - 1, 9)
    assert [(bar.timeframe, bar.rev) for bar in result.bars] == [
        (timeframe, 1) for timeframe in ("1m", "2m", "5m", "10m", "15m", "30m", "1h")
    ]
    assert {ohlc(bar) for bar in result.bars} == {(10, 10, 9, 9)}


def test_a_late_trade_is_no_row_and_sets_no_price() -> None:
    lab = with_two_minutes(watch("price", "day_open"))
    before = len(lab.alerts)
    result = lab.trade(TEN + 59 * SECOND, 30)
    assert (result.counts.rows, len(lab.alerts)) == (0, before)
    lab.trade(TEN + MINUTE + SECOND, 1, flags=VOLUME)
    assert (lab.newest("price"), lab.newest("day_open")) == (11, 10)


def test_metrics_on_closed_bars_are_computed_again() -> None:
    lab = with_two_minutes(watch("sma(2, 1m)", "ema(2, 1m)", "volume_last(2m)", "day_high"))
    assert lab.newest("sma(2, 1m)") == (12 + 11) / 2
    lab.trade(TEN + 59 * SECOND, 20, 3)
    lab.trade(TEN + MINUTE + SECOND, 11, 1)
    assert lab.newest("sma(2, 1m)") == (20 + 11) / 2
    assert lab.newest("ema(2, 1m)") == (20 + 11) / 2
    assert lab.newest("volume_last(2m)") == 5 + 2
    assert lab.newest("day_high") == 20


@pytest.mark.parametrize(("flags", "high"), [(VOLUME, 12), (HIGH_LOW, 50), (LAST, 50)])
def test_the_high_of_the_day_takes_a_late_trade_that_may_set_it(flags: int, high: float) -> None:
    lab = with_two_minutes(watch("day_high"))
    lab.trade(TEN + 59 * SECOND, 50, 3, flags=flags)
    lab.trade(TEN + MINUTE + SECOND, 11, 1)
    assert lab.newest("day_high") == high


def test_a_late_trade_of_an_earlier_phase_stays_out_of_the_sessions_vwap() -> None:
    nine_thirty = new_york("2025-11-05T09:30:00")
    lab = Lab(watch("vwap", "volume_day"))
    lab.trade(nine_thirty - MINUTE, 10, 1, symbol="X")
    lab.trade(nine_thirty, 20, 1, symbol="X")
    lab.trade(nine_thirty - SECOND, 10, 5, symbol="X")
    lab.trade(nine_thirty + SECOND, 30, 1, symbol="X")
    assert (lab.newest("vwap"), lab.newest("volume_day")) == (25, 8)


def test_a_late_trade_of_the_day_before_is_too_late() -> None:
    midnight = utc("2025-11-06T00:00:00")
    lab = Lab()
    lab.trade(midnight - MINUTE, 10)
    lab.trade(midnight, 11)
    result = lab.trade(midnight - SECOND, 9)
    assert (len(result.late), result.counts.amended) == (1, 0)
