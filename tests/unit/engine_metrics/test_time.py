"""Figures of time, by hand: looking back by seconds, opening ranges, the usual volume, halts, the clock."""

import pytest

from tests.unit.engine_metrics.story import Story


def test_changes_by_seconds_look_at_the_last_price_of_a_second() -> None:
    story = Story("change(60s)")
    story.trade("2025-11-03T10:00:00", 100)
    story.trade("2025-11-03T10:00:00", 101)
    story.trade("2025-11-03T10:00:30", 104)
    story.trade("2025-11-03T10:00:59", 105)
    story.trade("2025-11-03T10:01:00", 106)
    story.trade("2025-11-03T10:01:29", 107)
    story.trade("2025-11-03T10:01:30", 108)
    story.trade("2025-11-03T10:10:00", 110)
    assert story.at("2025-11-03T10:00:59") is None
    expected = {"10:01:00": 5, "10:01:29": 6, "10:01:30": 4, "10:10:00": 2}
    assert {at: story.at(f"2025-11-03T{at}") for at in expected} == expected


def test_changes_by_seconds_do_not_reach_into_yesterday() -> None:
    story = Story("change(60s)")
    story.trade("2025-11-03T19:59:59", 100)
    story.trade("2025-11-04T04:00:00", 90)
    story.trade("2025-11-04T04:01:00", 91)
    assert story.at("2025-11-04T04:00:00") is None
    assert story.at("2025-11-04T04:01:00") == 1


def test_windows_of_minutes_begin_with_the_day() -> None:
    story = Story("range_last(10m)")
    story.trade("2025-11-03T19:59:00", 50)
    story.trade("2025-11-04T04:00:00", 90)
    story.trade("2025-11-04T04:01:00", 93)
    assert story.at("2025-11-04T04:01:00") == 3


def test_where_the_price_is_in_the_range_of_minutes() -> None:
    story = Story("position_in_range(2m)")
    for at, price in (("10:00:00", 100), ("10:01:00", 110), ("10:02:00", 104), ("10:03:00", 105)):
        story.trade(f"2025-11-03T{at}", price)
    assert story.at("2025-11-03T10:00:00") is None
    assert story.at("2025-11-03T10:01:00") == 100
    assert story.at("2025-11-03T10:02:00") == 0
    assert story.at("2025-11-03T10:03:00") == 100


def test_the_opening_range_is_there_when_it_is_over() -> None:
    story = Story("opening_range_high(5m)")
    story.trade("2025-11-03T09:29:00", 120)
    story.trade("2025-11-03T09:30:00", 100)
    story.trade("2025-11-03T09:34:59", 103)
    story.trade("2025-11-03T09:35:00", 110)
    story.trade("2025-11-03T17:00:00", 111)
    story.trade("2025-11-04T10:00:00", 111)
    assert story.at("2025-11-03T09:34:59") is None
    assert story.at("2025-11-03T09:35:00") == 103
    assert story.at("2025-11-03T17:00:00") == 103
    assert story.at("2025-11-04T10:00:00") is None, "nothing traded in that day's first five minutes"


def test_the_usual_volume_grows_evenly_within_a_slot() -> None:
    """Two days with 100 and 300 shares by 04:05 and 1,000 by 04:10: 200 and 1,000 on average."""
    story = Story("relative_volume_same_time")
    for day, early in (("2025-11-03", 100), ("2025-11-04", 300)):
        story.trade(f"{day}T04:01:00", 10, early)
        story.trade(f"{day}T04:06:00", 10, 1_000 - early)
        story.trade(f"{day}T12:00:00", 10, 5_000)
        story.time(f"{day}T20:00:00")
    story.trade("2025-11-05T04:02:30", 10, 300)
    story.trade("2025-11-05T04:07:30", 10, 300)
    assert story.at("2025-11-03T12:00:00") is None
    assert story.at("2025-11-04T04:06:00") == pytest.approx(100 * 1_000 / (100 + 900 / 5))
    assert story.at("2025-11-05T04:02:30") == pytest.approx(300)
    assert story.at("2025-11-05T04:07:30") == pytest.approx(100)


def halt_story(metric: str) -> Story:
    """Halted at 10:02:10, again said so, resumed at 10:07:30."""
    story = Story(metric)
    story.trade("2025-11-03T10:00:00", 100)
    story.status("2025-11-03T10:02:10", "halted")
    story.status("2025-11-03T10:03:00", "halted")
    story.status("2025-11-03T10:07:30", "resumed")
    story.trade("2025-11-03T10:08:00", 101)
    return story


def test_halts_are_rows() -> None:
    halted = halt_story("halted")
    assert [halted.at(f"2025-11-03T{at}") for at in ("10:00:00", "10:02:10", "10:07:30", "10:08:00")] == [0, 1, 0, 0]
    assert halted.at("2025-11-03T10:03:00") is None, "nothing new, no row"
    assert halt_story("minutes_since_halt").at("2025-11-03T10:08:00") == 5
    assert halt_story("seconds_since_trade").at("2025-11-03T10:07:30") == 450


def test_a_halt_closes_what_is_due_before_its_row() -> None:
    assert halt_story("trades(1m)").at("2025-11-03T10:02:10") == 1
    story = Story("close(1m)")
    story.trade("2025-11-03T10:00:00", 100)
    story.status("2025-11-03T10:02:10", "halted")
    assert [(bar.timeframe, bar.close) for bar in story.bars()] == [("1m", 100), ("2m", 100)]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("session", 2), ("time_of_day", 620), ("minutes_in_market", 50), ("minutes_to_close", 160), ("weekday", 5)],
)
def test_the_clock_of_a_half_day(metric: str, expected: float) -> None:
    story = Story(metric)
    story.trade("2025-11-28T10:20:30", 100)
    assert story.at("2025-11-28T10:20:30") == expected


@pytest.mark.parametrize(
    ("metric", "expected"), [("session", 3), ("minutes_in_market", 300), ("minutes_to_close", None)]
)
def test_after_the_close_of_a_half_day(metric: str, expected: float | None) -> None:
    story = Story(metric)
    story.trade("2025-11-28T14:30:00", 100)
    assert story.at("2025-11-28T14:30:00") == expected


def test_a_trade_has_a_size_and_a_bar_close_has_none() -> None:
    story = Story("trade_value")
    story.trade("2025-11-03T10:00:00", 10.5, 30)
    story.time("2025-11-03T10:01:00")
    assert story.at("2025-11-03T10:00:00") == 315
    assert story.at("2025-11-03T10:00:59") is None
