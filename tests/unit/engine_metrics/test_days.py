"""Figures of the day and of the days before, by hand: gaps, prior days, pre and post, changes over days."""

import pytest

from tests.unit.engine_metrics.story import Story

# 2025-10-31 is a Friday, 2025-11-03 the Monday after it.


def gap_story(metric: str) -> Story:
    """Friday closes at 100; Monday trades at 104 before the open, opens at 105, falls to 102 and ends at 103."""
    story = Story(metric)
    story.daily("2025-10-31T12:00:00", 98, 101, 97, 100)
    story.trade("2025-11-03T08:00:00", 104)
    story.trade("2025-11-03T09:30:01", 105)
    story.trade("2025-11-03T10:00:00", 102)
    story.trade("2025-11-03T11:00:00", 103)
    return story


def test_the_gap_follows_the_price_until_the_open_and_then_stays() -> None:
    gap = gap_story("gap")
    assert [gap.at(f"2025-11-03T{at}") for at in ("08:00:00", "09:30:01", "10:00:00")] == [4, 5, 5]
    assert gap_story("gap_pct").at("2025-11-03T11:00:00") == pytest.approx(5)


def test_a_gap_is_filled_by_the_low_not_by_the_price() -> None:
    filled = gap_story("gap_fill_pct")
    assert filled.at("2025-11-03T08:00:00") is None
    assert [filled.at(f"2025-11-03T{at}") for at in ("09:30:01", "10:00:00", "11:00:00")] == [0, 60, 60]


def test_a_gap_down_is_filled_by_the_high() -> None:
    story = Story("gap_fill_pct")
    story.daily("2025-10-31T12:00:00", 98, 101, 97, 100)
    story.trade("2025-11-03T09:30:00", 90)
    story.trade("2025-11-03T09:31:00", 92)
    assert story.at("2025-11-03T09:31:00") == 20


@pytest.mark.parametrize(("metric", "monday", "tuesday"), [("prior_high", 101, 106), ("prior_low", 97, 95)])
def test_the_prior_extremes_are_those_of_the_last_regular_session(metric: str, monday: float, tuesday: float) -> None:
    story = Story(metric)
    story.daily("2025-10-31T12:00:00", 98, 101, 97, 100)
    story.trade("2025-11-03T08:00:00", 150)
    story.trade("2025-11-03T09:30:00", 106)
    story.trade("2025-11-03T10:00:00", 95)
    story.trade("2025-11-03T17:00:00", 50)
    story.trade("2025-11-04T04:00:00", 99)
    assert story.at("2025-11-03T17:00:00") == monday
    assert story.at("2025-11-04T04:00:00") == tuesday


def extended_story(metric: str) -> Story:
    """Pre 300 shares at 99 to 104, regular 100 to 101, post 20 shares at 90, the next pre 5 shares at 91."""
    story = Story(metric)
    story.daily("2025-10-31T12:00:00", 98, 101, 97, 100)
    story.trade("2025-11-03T04:00:00", 99, 100)
    story.trade("2025-11-03T09:29:59", 104, 200)
    story.trade("2025-11-03T09:30:00", 100, 1_000)
    story.trade("2025-11-03T15:59:59", 101, 1_000)
    story.trade("2025-11-03T16:00:00", 90, 20)
    story.trade("2025-11-04T04:00:00", 91, 5)
    story.trade("2025-11-04T09:30:00", 92, 7)
    return story


@pytest.mark.parametrize(
    ("metric", "first_pre", "post", "next_pre"),
    [
        ("premarket_high", 104, 104, 91),
        ("premarket_low", 99, 99, 91),
        ("day_high_ext", 104, 104, 91),
        ("day_low_ext", 99, 90, 91),
        ("premarket_volume", 300, 300, 5),
        ("postmarket_volume", 0, 20, 20),
        ("overnight_volume", 300, 320, 25),
        ("change_from_close_premarket", 4, None, -10),
        ("change_from_close_postmarket", None, -11, None),
        ("dollar_volume_day", 30_700, 30_700 + 100_000 + 101_000 + 1_800, 455),
    ],
)
def test_pre_and_post_are_told_apart(metric: str, first_pre: float, post: float, next_pre: float) -> None:
    story = extended_story(metric)
    assert story.at("2025-11-03T09:29:59") == first_pre
    assert story.at("2025-11-03T16:00:00") == post
    assert story.at("2025-11-04T04:00:00") == next_pre


def test_a_late_trade_of_pre_counts_in_pre() -> None:
    story = Story("premarket_volume")
    story.trade("2025-11-03T09:29:50", 100, 10)
    story.trade("2025-11-03T09:30:05", 100, 1_000)
    story.trade("2025-11-03T09:29:59", 100, 3)
    story.trade("2025-11-03T09:30:06", 100, 1_000)
    assert story.at("2025-11-03T09:30:06") == 13


def test_odd_lots_are_in_the_dollar_volume_but_not_in_the_price() -> None:
    story = Story("dollar_volume_day")
    story.trade("2025-11-03T10:00:00", 10, 100)
    story.trade("2025-11-03T10:00:01", 10.5, 2, flags=4)
    assert story.at("2025-11-03T10:00:01") == 1_021


@pytest.mark.parametrize(("days", "reference"), [(1, 100), (2, 90), (3, None)])
def test_changes_over_days_count_closed_days_before_the_current_one(days: int, reference: float | None) -> None:
    story = Story(f"change({days}d)")
    story.daily("2025-10-30T12:00:00", 90, 90, 90, 90)
    story.daily("2025-10-31T12:00:00", 100, 100, 100, 100)
    story.trade("2025-11-03T10:00:00", 105)
    story.time("2025-11-03T20:00:00")
    story.trade("2025-11-03T21:00:00", 107)
    during, after = story.at("2025-11-03T10:00:00"), story.at("2025-11-03T21:00:00")
    assert during == (None if reference is None else 105 - reference)
    assert after == (None if reference is None else 107 - reference), "today has closed, and is still today"


def test_the_daily_average_leaves_today_out() -> None:
    story = Story("avg_volume_day(2d)")
    story.daily("2025-10-30T12:00:00", 90, 90, 90, 90, volume=100)
    story.daily("2025-10-31T12:00:00", 90, 90, 90, 90, volume=300)
    story.trade("2025-11-03T10:00:00", 105, 5_000)
    assert story.at("2025-11-03T10:00:00") == 200
