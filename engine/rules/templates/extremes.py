"""Alert types around highs and lows: the day's, and those of the last bars."""

from __future__ import annotations

from typing import Final

from engine.rules.templates.declare import REGULAR, Template, bars, number, timeframe
from schemas.rule import EACH_ROW

_OF_DAY: Final = (number("percent", 0.5, 0.01, 50),)
_OF_BARS: Final = (timeframe(), bars("bars", 20))
_NEAR: Final = (*_OF_BARS, number("percent", 0.1, 0.01, 50))
_REJECTED: Final = (
    *_OF_BARS,
    bars("since", 5),
    number("near", 0.1, 0.01, 50),
    number("away", 0.5, 0.01, 50),
)

_SAME_DAY: Final = "time_of_day >= prev(time_of_day)"
"""The first price of a day is no new high, whatever the day before had. The last row of a day is the close of its 1d
bar, at the end of the day."""

TEMPLATES: Final = (
    Template(
        "near_day_high",
        "The price is within `percent` of the high of the regular session.",
        "dist_to_day_high_pct < {percent}",
        _OF_DAY,
        volume=25_000,
        during=REGULAR,
        mirror="near_day_low",
    ),
    Template(
        "near_day_low",
        "The price is within `percent` of the low of the regular session.",
        "dist_to_day_low_pct < {percent}",
        _OF_DAY,
        volume=25_000,
        during=REGULAR,
        mirror="near_day_high",
    ),
    Template(
        "near_day_high_ext",
        "The price is within `percent` of the day's high, pre and post in.",
        "100 * (day_high_ext - price) / day_high_ext < {percent}",
        _OF_DAY,
        volume=1_000,
        mirror="near_day_low_ext",
    ),
    Template(
        "near_day_low_ext",
        "The price is within `percent` of the day's low, pre and post in.",
        "100 * (price - day_low_ext) / day_low_ext < {percent}",
        _OF_DAY,
        volume=1_000,
        mirror="near_day_high_ext",
    ),
    Template(
        "new_day_high",
        "A new high of the regular session.",
        f"day_high > prev(day_high) and {_SAME_DAY}",
        trigger=EACH_ROW,
        during=REGULAR,
        mirror="new_day_low",
    ),
    Template(
        "new_day_low",
        "A new low of the regular session.",
        f"day_low < prev(day_low) and {_SAME_DAY}",
        trigger=EACH_ROW,
        during=REGULAR,
        mirror="new_day_high",
    ),
    Template(
        "new_52w_high",
        "The price is above the high of the 252 days before.",
        "price > high_52w",
        mirror="new_52w_low",
    ),
    Template(
        "new_52w_low",
        "The price is below the low of the 252 days before.",
        "price < low_52w",
        mirror="new_52w_high",
    ),
    Template(
        "near_recent_high",
        "The price comes within `percent` of the high of the last closed bars, from below.",
        "price <= highest({bars}, {timeframe})[1] and price > (1 - {percent} / 100) * highest({bars}, {timeframe})[1]",
        _NEAR,
        volume=400_000,
        during=REGULAR,
        mirror="near_recent_low",
    ),
    Template(
        "near_recent_low",
        "The price comes within `percent` of the low of the last closed bars, from above.",
        "price >= lowest({bars}, {timeframe})[1] and price < (1 + {percent} / 100) * lowest({bars}, {timeframe})[1]",
        _NEAR,
        volume=400_000,
        during=REGULAR,
        mirror="near_recent_high",
    ),
    Template(
        "broke_recent_high",
        "The price is above the high of the last closed bars.",
        "price > highest({bars}, {timeframe})[1]",
        _OF_BARS,
        volume=150_000,
        during=REGULAR,
        mirror="broke_recent_low",
    ),
    Template(
        "broke_recent_low",
        "The price is below the low of the last closed bars.",
        "price < lowest({bars}, {timeframe})[1]",
        _OF_BARS,
        volume=400_000,
        during=REGULAR,
        mirror="broke_recent_high",
    ),
    Template(
        "rejected_recent_high",
        "Within `since` bars the price came within `near` percent of the high before them, not above it, and has"
        " turned by `away` percent.",
        "highest({since}, {timeframe}) <= highest({bars}, {timeframe})[{since}]"
        " and highest({since}, {timeframe}) >= (1 - {near} / 100) * highest({bars}, {timeframe})[{since}]"
        " and price <= (1 - {away} / 100) * highest({since}, {timeframe})",
        _REJECTED,
        volume=1_000_000,
        during=REGULAR,
        mirror="rejected_recent_low",
    ),
    Template(
        "rejected_recent_low",
        "Within `since` bars the price came within `near` percent of the low before them, not below it, and has"
        " turned by `away` percent.",
        "lowest({since}, {timeframe}) >= lowest({bars}, {timeframe})[{since}]"
        " and lowest({since}, {timeframe}) <= (1 + {near} / 100) * lowest({bars}, {timeframe})[{since}]"
        " and price >= (1 + {away} / 100) * lowest({since}, {timeframe})",
        _REJECTED,
        volume=1_000_000,
        during=REGULAR,
        mirror="rejected_recent_high",
    ),
    Template(
        "consolidation_breakout",
        "The last closed bars kept within `ratio` average true ranges, and the price leaves them upwards.",
        "highest({bars}, {timeframe})[1] - lowest({bars}, {timeframe})[1] <= {ratio} * atr(14, {timeframe})[1]"
        " and price > highest({bars}, {timeframe})[1]",
        (timeframe(), bars("bars", 10), number("ratio", 2, 0.1, 100)),
        during=REGULAR,
        mirror="consolidation_breakdown",
    ),
    Template(
        "consolidation_breakdown",
        "The last closed bars kept within `ratio` average true ranges, and the price leaves them downwards.",
        "highest({bars}, {timeframe})[1] - lowest({bars}, {timeframe})[1] <= {ratio} * atr(14, {timeframe})[1]"
        " and price < lowest({bars}, {timeframe})[1]",
        (timeframe(), bars("bars", 10), number("ratio", 2, 0.1, 100)),
        during=REGULAR,
        mirror="consolidation_breakout",
    ),
)
