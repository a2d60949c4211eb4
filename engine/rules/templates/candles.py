"""Alert types of one or two candles, told when the bar closes."""

from __future__ import annotations

from typing import Final

from engine.rules.templates.declare import Template, number, timeframe
from schemas.rule import BAR_CLOSE

_SHADOW: Final = (timeframe(), number("ratio", 2, 0.1, 100))

TEMPLATES: Final = (
    Template(
        "lower_shadow_candle",
        "The shadow below the body is longer than `ratio` bodies.",
        "lower_shadow({timeframe}) > {ratio} * body({timeframe})",
        _SHADOW,
        BAR_CLOSE,
        400_000,
        mirror="upper_shadow_candle",
    ),
    Template(
        "upper_shadow_candle",
        "The shadow above the body is longer than `ratio` bodies.",
        "upper_shadow({timeframe}) > {ratio} * body({timeframe})",
        _SHADOW,
        BAR_CLOSE,
        400_000,
        mirror="lower_shadow_candle",
    ),
    Template(
        "bullish_close",
        "A bar closes above its open.",
        "c > o",
        (timeframe(),),
        BAR_CLOSE,
        10_000,
        mirror="bearish_close",
    ),
    Template(
        "bearish_close",
        "A bar closes below its open.",
        "c < o",
        (timeframe(),),
        BAR_CLOSE,
        75_000,
        mirror="bullish_close",
    ),
    Template(
        "bullish_engulfing",
        "A rising body covers the falling body before it; one end may be the same.",
        "c1 < o1 and c >= o1 and o <= c1 and (c > o1 or o < c1)",
        (timeframe(),),
        BAR_CLOSE,
        400_000,
        mirror="bearish_engulfing",
    ),
    Template(
        "bearish_engulfing",
        "A falling body covers the rising body before it; one end may be the same.",
        "c1 > o1 and c <= o1 and o >= c1 and (c < o1 or o > c1)",
        (timeframe(),),
        BAR_CLOSE,
        400_000,
        mirror="bullish_engulfing",
    ),
    Template(
        "bullish_harami",
        "A rising body within the falling body before it.",
        "c1 < o1 and c > o and o > c1 and c < o1",
        (timeframe(),),
        BAR_CLOSE,
        400_000,
        mirror="bearish_harami",
    ),
    Template(
        "bearish_harami",
        "A falling body within the rising body before it.",
        "c1 > o1 and c < o and o < c1 and c > o1",
        (timeframe(),),
        BAR_CLOSE,
        400_000,
        mirror="bullish_harami",
    ),
    Template(
        "inside_bar",
        "A bar within the range of the bar before it.",
        "h < h1 and l > l1",
        (timeframe("5m"),),
        BAR_CLOSE,
        75_000,
        mirror="outside_bar",
    ),
    Template(
        "outside_bar",
        "A bar beyond the bar before it on both sides.",
        "h > h1 and l < l1",
        (timeframe("5m"),),
        BAR_CLOSE,
        75_000,
        mirror="inside_bar",
    ),
    Template(
        "doji",
        "Open and close are nearly the same: the body is at most a tenth of the range.",
        "h > l and body({timeframe}) <= 0.1 * (h - l)",
        (timeframe(),),
        BAR_CLOSE,
    ),
    Template(
        "hammer",
        "A small body at the top of the bar, a long shadow below it, at the low of five bars.",
        "h > l and lower_shadow({timeframe}) >= 2 * body({timeframe})"
        " and upper_shadow({timeframe}) <= 0.1 * (h - l) and l <= lowest(5, {timeframe})[1]",
        (timeframe(),),
        BAR_CLOSE,
        mirror="shooting_star",
    ),
    Template(
        "shooting_star",
        "A small body at the bottom of the bar, a long shadow above it, at the high of five bars.",
        "h > l and upper_shadow({timeframe}) >= 2 * body({timeframe})"
        " and lower_shadow({timeframe}) <= 0.1 * (h - l) and h >= highest(5, {timeframe})[1]",
        (timeframe(),),
        BAR_CLOSE,
        mirror="hammer",
    ),
    Template(
        "new_candle_high",
        "A bar's high is above that of the bar before.",
        "h > h1",
        (timeframe(),),
        BAR_CLOSE,
        10_000,
        mirror="new_candle_low",
    ),
    Template(
        "new_candle_low",
        "A bar's low is below that of the bar before.",
        "l < l1",
        (timeframe(),),
        BAR_CLOSE,
        10_000,
        mirror="new_candle_high",
    ),
)
