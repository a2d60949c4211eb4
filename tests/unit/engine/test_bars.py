"""One-minute bars and roll-ups: what each trade does to them, and when they close."""

import pytest

from schemas.tick import Eligibility
from tests.support.lab import DAY, HOUR, MINUTE, SECOND, SYMBOL, Lab, ohlc, utc, watch

TEN = utc("2025-11-05T10:00:00")
LAST, HIGH_LOW, VOLUME = int(Eligibility.LAST), int(Eligibility.HIGH_LOW), int(Eligibility.VOLUME)


def test_a_bar_holds_the_trades_of_its_minute() -> None:
    lab = Lab()
    for second, price, size in ((0, 10.0, 1), (20, 12.5, 2), (40, 9.25, 3), (59, 11.0, 4)):
        lab.trade(TEN + second * SECOND, price, size)
    assert lab.bars == []
    lab.trade(TEN + MINUTE, 50.0)
    (bar,) = lab.bars
    assert (bar.symbol, bar.timeframe, bar.start, bar.session, bar.rev) == (SYMBOL, "1m", TEN, "regular", 0)
    assert (*ohlc(bar), bar.volume, bar.trades) == (10.0, 12.5, 9.25, 11.0, 10, 4)
    assert bar.vwap == (10 * 1 + 12.5 * 2 + 9.25 * 3 + 11 * 4) / 10


def test_the_last_nanosecond_belongs_to_the_minute_and_the_next_does_not() -> None:
    lab = Lab()
    lab.trade(TEN + MINUTE - 1, 10)
    lab.trade(TEN + MINUTE, 20)
    lab.beat(TEN + 2 * MINUTE)
    assert [(bar.start, bar.close) for bar in lab.bars_of("1m")] == [(TEN, 10), (TEN + MINUTE, 20)]


def test_open_and_close_go_by_time_and_by_the_log_among_equals() -> None:
    lab = Lab()
    for second, price in ((30, 3.0), (10, 1.0), (10, 2.0), (50, 5.0), (50, 6.0), (20, 4.0)):
        lab.trade(TEN + second * SECOND, price)
    lab.beat(TEN + MINUTE)
    assert ohlc(lab.bars[0]) == (1, 6, 1, 6)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (LAST, (10, 20, 10, 20, 5, 1, 10)),
        (HIGH_LOW, (10, 20, 10, 10, 5, 1, 10)),
        (VOLUME, (10, 10, 10, 10, 12, 2, 10)),
        (LAST | VOLUME, (10, 20, 10, 20, 12, 2, (10 * 5 + 20 * 7) / 12)),
        (HIGH_LOW | VOLUME, (10, 20, 10, 10, 12, 2, 10)),
        (0, (10, 10, 10, 10, 5, 1, 10)),
    ],
)
def test_flags_say_what_a_trade_may_do(flags: int, expected: tuple[float, ...]) -> None:
    lab = Lab()
    lab.trade(TEN, 10, 5)
    lab.trade(TEN + SECOND, 20, 7, flags=flags)
    lab.beat(TEN + MINUTE)
    (bar,) = lab.bars
    assert (*ohlc(bar), bar.volume, bar.trades, bar.vwap) == expected


def test_a_minute_without_a_price_has_no_bar_whatever_its_volume() -> None:
    lab = Lab(watch("volume_day"))
    lab.trade(TEN, 10, 5)
    lab.trade(TEN + MINUTE, 11, 7, flags=VOLUME | HIGH_LOW)
    lab.trade(TEN + 2 * MINUTE, 12, 9)
    lab.beat(TEN + 3 * MINUTE)
    assert [bar.start for bar in lab.bars_of("1m")] == [TEN, TEN + 2 * MINUTE]
    assert lab.newest("volume_day") == 21


def test_a_bar_whose_only_price_has_no_volume_has_no_vwap() -> None:
    lab = Lab()
    lab.trade(TEN, 10, 5, flags=LAST)
    lab.beat(TEN + MINUTE)
    assert (lab.bars[0].volume, lab.bars[0].trades, lab.bars[0].vwap) == (0, 0, None)


def test_sums_of_decimals_are_exact() -> None:
    lab = Lab()
    for second in range(10):
        lab.trade(TEN + second * SECOND, 0.1, 0.1)
    lab.trade(TEN + 10 * SECOND, 0.3, 0.00000001)
    lab.beat(TEN + MINUTE)
    assert lab.bars[0].volume == 1.00000001
    assert lab.bars[0].vwap == 100000003 / 100000001 / 10


def test_a_high_beyond_what_a_later_scale_holds_stays_as_it_is() -> None:
    lab = Lab()
    for second, price in enumerate((9e14, 1.123456789, 2.0)):
        lab.trade(TEN + second * SECOND, price, 0.001)
    lab.beat(TEN + MINUTE)
    (bar,) = lab.bars_of("1m")
    assert (bar.high, bar.low, bar.close) == (9e14, 1.123456789, 2.0)


def test_roll_ups_start_at_multiples_and_hold_the_minutes_inside() -> None:
    lab = Lab()
    prices = {3: 10.0, 4: 14.0, 5: 8.0, 9: 9.0, 16: 20.0}
    for minute, price in prices.items():
        lab.trade(TEN + minute * MINUTE, price, minute)
    lab.beat(TEN + HOUR)
    assert [((bar.start - TEN) // MINUTE, ohlc(bar), bar.volume) for bar in lab.bars_of("5m")] == [
        (0, (10, 14, 10, 14), 7),
        (5, (8, 9, 8, 9), 14),
        (15, (20, 20, 20, 20), 16),
    ]
    assert [((bar.start - TEN) // MINUTE, ohlc(bar), bar.trades) for bar in lab.bars_of("15m")] == [
        (0, (10, 14, 8, 9), 4),
        (15, (20, 20, 20, 20), 1),
    ]
    (hour,) = lab.bars_of("1h")
    assert (hour.start, ohlc(hour), hour.volume) == (TEN, (10, 20, 8, 20), 37)
    assert hour.vwap == (10 * 3 + 14 * 4 + 8 * 5 + 9 * 9 + 20 * 16) / 37


def test_bars_that_end_together_close_by_length() -> None:
    lab = Lab()
    midnight = utc("2025-11-06T00:00:00")
    lab.trade(midnight - 1, 10)
    lab.beat(midnight)
    assert [bar.timeframe for bar in lab.bars] == ["1m", "2m", "5m", "10m", "15m", "30m", "1h", "2h", "4h", "1d"]
    assert [(midnight - bar.start) // MINUTE for bar in lab.bars] == [1, 2, 5, 10, 15, 30, 60, 120, 240, 1440]


def test_bars_close_by_their_end_when_time_leaps() -> None:
    lab = Lab()
    lab.trade(TEN + 4 * MINUTE, 10)
    lab.trade(TEN + 5 * MINUTE, 11)
    lab.trade(TEN + 3 * HOUR, 12)
    assert [(bar.timeframe, (bar.start - TEN) // MINUTE) for bar in lab.bars] == [
        ("1m", 4),
        ("5m", 0),
        ("1m", 5),
        ("2m", 4),
        ("5m", 5),
        ("10m", 0),
        ("15m", 0),
        ("30m", 0),
        ("1h", 0),
        ("2h", 0),
        ("4h", -120),
    ]


def test_a_day_of_a_market_round_the_clock_is_that_of_utc() -> None:
    lab = Lab()
    midnight = utc("2025-11-06T00:00:00")
    for ts, price in ((midnight - DAY, 5.0), (midnight - 1, 6.0), (midnight, 7.0)):
        lab.trade(ts, price)
    (day,) = lab.bars_of("1d")
    assert (day.start, ohlc(day), day.volume, day.session) == (midnight - DAY, (5, 6, 5, 6), 2, "regular")


def test_symbols_do_not_touch_one_another() -> None:
    lab = Lab()
    lab.trade(TEN, 10)
    lab.trade(TEN + 5 * MINUTE, 20, symbol="B-USD")
    assert lab.bars == []
    lab.trade(TEN + MINUTE, 11)
    assert [(bar.symbol, bar.close) for bar in lab.bars] == [(SYMBOL, 10)]
