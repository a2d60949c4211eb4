"""Extremes by hand: of a year, of days, of the day by its minutes; and swings against a plain search."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from schemas.batch import F64
from tests.support.lab import MINUTE, Lab, utc, watch
from tests.unit.engine_indicators.runs import Candle, Run, Seen, log_of, tape
from tests.unit.engine_indicators.series import plateaus, spikes, walk
from tests.unit.engine_metrics.story import Story

TODAY = date(2025, 11, 3)


def year_story(metric: str, highs: list[float], symbol: str = "BTC-USD") -> Story:
    """A day for each high, its low half of that, and a trade at 50 on the day after the last."""
    story = Story(metric, symbol)
    for ago, high in zip(range(len(highs), 0, -1), highs, strict=True):
        story.daily(f"{TODAY - timedelta(ago)}T12:00:00", high, high, high / 2, high)
    story.trade(f"{TODAY}T12:00:00", 50)
    return story


@pytest.mark.parametrize(
    ("highs", "expected"),
    [
        ([90.0] * 19, None),
        ([90.0, *[80.0] * 19], 90),
        ([90.0, *[80.0] * 251], 90),
        ([90.0, *[80.0] * 252], 80),
    ],
)
def test_the_high_of_a_year_is_of_252_closed_days_and_needs_20(highs: list[float], expected: float | None) -> None:
    assert year_story("high_52w", highs).at(f"{TODAY}T12:00:00") == expected


def test_the_low_of_a_year() -> None:
    assert year_story("low_52w", [90.0, 20.0, *[80.0] * 250]).at(f"{TODAY}T12:00:00") == 10
    assert year_story("low_52w", [20.0, *[80.0] * 252]).at(f"{TODAY}T12:00:00") == 40


def test_a_year_ends_with_the_day_before() -> None:
    story = year_story("high_52w", [80.0] * 20)
    story.trade(f"{TODAY}T13:00:00", 99)
    story.time(f"{TODAY + timedelta(1)}T01:00:00")
    story.trade(f"{TODAY + timedelta(1)}T12:00:00", 50)
    assert story.at(f"{TODAY}T13:00:00") == 80
    assert story.at(f"{TODAY + timedelta(1)}T12:00:00") == 99


def test_more_days_than_the_old_rings_held_survive_a_restart() -> None:
    lab = Lab(watch("high_52w", "sma(200, 1d)"))
    for day in range(255):
        ts = utc("2024-01-01T12:00:00") + day * 1_440 * MINUTE
        figures = {"open": 10, "high": 20 + (day == 10), "low": 5, "close": 10, "volume": 1}
        lab.send({"symbol": "A-USD", "kind": "daily", "ts": ts, **figures})
        if day in (100, 250):
            lab.restart()
    lab.trade(ts + 1_440 * MINUTE, 10)
    assert lab.newest("high_52w") == 21
    assert lab.newest("sma(200, 1d)") == 10


@pytest.mark.parametrize(("metric", "expected"), [("biggest_range_pct(2d)", 25), ("biggest_range_pct(3d)", 50)])
def test_the_largest_day_counts_closed_days_alone(metric: str, expected: float) -> None:
    story = Story(metric)
    story.daily("2025-10-29T12:00:00", 10, 15, 10, 10)
    story.daily("2025-10-30T12:00:00", 8, 10, 8, 8)
    story.daily("2025-10-31T12:00:00", 8, 9, 8, 8)
    story.trade("2025-11-03T10:00:00", 10)
    story.trade("2025-11-03T10:00:01", 30)
    assert story.at("2025-11-03T10:00:01") == expected


@pytest.mark.parametrize(
    ("metric", "pre", "regular"),
    [("range_days(2d)", 6, 8), ("range_pct_days(2d)", 75, 80), ("position_in_range(2d)", 50, 87.5)],
)
def test_days_end_with_the_running_one_once_it_has_opened(metric: str, pre: float, regular: float) -> None:
    """Two days of 8 to 12 and 10 to 14; then 11 before the open, and 17 to 18 after it."""
    story = Story(metric)
    story.daily("2025-10-30T12:00:00", 8, 12, 8, 12)
    story.daily("2025-10-31T12:00:00", 10, 14, 10, 14)
    story.trade("2025-11-03T08:00:00", 11)
    story.trade("2025-11-03T09:30:00", 18)
    story.trade("2025-11-03T09:30:01", 17)
    assert story.at("2025-11-03T08:00:00") == pre
    assert story.at("2025-11-03T09:30:01") == regular


def since_story(metric: str) -> Story:
    """101 at 09:31, again at 09:40, and 102 at 09:50; lows of 99 at 09:30 and 98.5 at 09:45."""
    story = Story(metric)
    for at, price in (
        ("09:29:00", 150),
        ("09:30:10", 99),
        ("09:31:50", 101),
        ("09:40:00", 101),
        ("09:45:00", 98.5),
        ("09:49:59", 100),
        ("09:50:00", 102),
        ("09:50:30", 101),
        ("15:59:59", 100),
        ("16:30:00", 160),
        ("20:30:00", 170),
    ):
        story.trade(f"2025-11-03T{at}", price)
    story.trade("2025-11-04T04:00:00", 100)
    story.trade("2025-11-04T09:30:00", 100)
    return story


def test_minutes_count_from_the_first_minute_at_the_extreme() -> None:
    expected = {
        "09:29:00": (None, None),
        "09:30:10": (0, 0),
        "09:31:50": (0, 1),
        "09:40:00": (9, 10),
        "09:45:00": (14, 0),
        "09:49:59": (18, 4),
        "09:50:00": (0, 5),
        "09:50:30": (0, 5),
        "15:59:59": (369, 374),
        "16:30:00": (400, 405),
        "20:30:00": (None, None),
    }
    high, low = since_story("minutes_since_day_high"), since_story("minutes_since_day_low")
    assert {at: (high.at(f"2025-11-03T{at}"), low.at(f"2025-11-03T{at}")) for at in expected} == expected
    assert [high.at(f"2025-11-04T{at}") for at in ("04:00:00", "09:30:00")] == [None, 0]


def test_an_extreme_from_before_the_kept_bars_has_no_minute() -> None:
    lab, start = Lab({"r": ("price > 1e9", 0)}), utc("2025-11-05T00:00:00")
    for minute in range(300):
        lab.trade(start + minute * MINUTE, 101 if minute == 5 else 100)
    lab.switch(watch("minutes_since_day_high", "minutes_since_day_low"))
    lab.trade(start + 300 * MINUTE, 99)
    assert lab.newest("minutes_since_day_high") is None
    assert lab.newest("minutes_since_day_low") == 0
    lab.trade(start + 303 * MINUTE, 102)
    lab.trade(start + 305 * MINUTE, 100)
    assert lab.newest("minutes_since_day_high") == 2


def plain_swings(values: F64, sides: int) -> F64:
    """At each bar the newest swing in the bars before it."""
    found = np.full(len(values), np.nan)
    for place, window in enumerate(sliding_window_view(values, 2 * sides + 1)):
        others = np.delete(window, sides)
        if window[sides] > others.max():
            found[place + 2 * sides + 1 :] = window[sides]
    return found


def as_bars_close(seen: Seen, text: str) -> F64:
    """What a metric says at the close of each 1m bar, just before it."""
    first = dict(reversed(seen.rows))
    return np.array([first[bar.start + MINUTE - 1][text] for bar in seen.bars if bar.timeframe == "1m"])


@pytest.mark.parametrize("sides", [1, 2, 7])
@pytest.mark.parametrize("series", [walk, spikes, plateaus])
def test_swings_are_what_a_plain_search_finds(sides: int, series: Callable[[int, int], list[Candle]]) -> None:
    candles = series(5, 160)
    high, low = f"swing_high({sides}, 1m)", f"swing_low({sides}, 1m)"
    run, log = Run([high, low]), log_of(candles)
    run.feed(log[:201], cut=30)
    run.restart()
    seen, bars = run.feed(log[201:], cut=50), tape(candles)
    found = as_bars_close(seen, high)
    assert not np.isnan(found[-1])
    np.testing.assert_array_equal(found, plain_swings(bars.high, sides))
    np.testing.assert_array_equal(as_bars_close(seen, low), -plain_swings(-bars.low, sides))


def test_two_bars_alike_are_no_swing() -> None:
    candles = [Candle(price, price, price, price, 1.0) for price in (1.0, 2.0, 2.0, 1.0, 1.0, 3.0, 1.0, 1.0)]
    seen = Run(["swing_high(1, 1m)"]).feed(log_of(candles))
    np.testing.assert_array_equal(as_bars_close(seen, "swing_high(1, 1m)"), [*[np.nan] * 7, 3])
