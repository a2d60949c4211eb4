"""Alert types of the moment: volume, blocks, runs, the opening range, gaps, halts."""

from __future__ import annotations

from typing import Final

from engine.rules.templates.declare import REGULAR, Template, bars, minutes, number, timeframe, window
from schemas.rule import EACH_ROW, ONCE_PER_SESSION

_RUN: Final = (number("percent", 0.5, 0.1, 100), window())
_RUN_DOLLARS: Final = (number("dollars", 0.5, 0.01, 1e6), window())
_OPENING: Final = (minutes("minutes", 5, 60),)
_GAP: Final = (number("percent", 3, 0.1, 1_000),)

TEMPLATES: Final = (
    Template(
        "volume_spike",
        "The running bar has `ratio` times the mean volume of the bars before it.",
        "volume_ratio({bars}, {timeframe}) >= {ratio}",
        (timeframe(), bars("bars", 10), number("ratio", 2, 0.1, 1_000)),
        volume=10_000,
    ),
    Template(
        "block_trade",
        "One trade of so many shares, or of so many dollars.",
        "trade_size >= {shares} or trade_value >= {dollars}",
        (number("shares", 10_000, 1, 1e9), number("dollars", 200_000, 1, 1e12)),
        EACH_ROW,
    ),
    Template(
        "running_up",
        "The price has risen by `percent` within a short time.",
        "change_pct({window}) >= {percent}",
        _RUN,
        volume=1_000,
        mirror="running_down",
    ),
    Template(
        "running_down",
        "The price has fallen by `percent` within a short time.",
        "change_pct({window}) <= -{percent}",
        _RUN,
        volume=10_000,
        mirror="running_up",
    ),
    Template(
        "running_up_dollars",
        "The price has risen by `dollars` within a short time.",
        "change({window}) >= {dollars}",
        _RUN_DOLLARS,
        volume=1_000,
        mirror="running_down_dollars",
    ),
    Template(
        "running_down_dollars",
        "The price has fallen by `dollars` within a short time.",
        "change({window}) <= -{dollars}",
        _RUN_DOLLARS,
        volume=10_000,
        mirror="running_up_dollars",
    ),
    Template(
        "opening_range_breakout",
        "The price crosses the high of the first minutes of the regular session upwards.",
        "crosses_above(price, opening_range_high({minutes}))",
        _OPENING,
        volume=75_000,
        during=REGULAR,
        mirror="opening_range_breakdown",
    ),
    Template(
        "opening_range_breakdown",
        "The price crosses the low of the first minutes of the regular session downwards.",
        "crosses_below(price, opening_range_low({minutes}))",
        _OPENING,
        volume=75_000,
        during=REGULAR,
        mirror="opening_range_breakout",
    ),
    Template(
        "gap_up",
        "The regular session opened `percent` or more above the prior close.",
        'session == "regular" and gap_pct >= {percent}',
        _GAP,
        ONCE_PER_SESSION,
        during=REGULAR,
        mirror="gap_down",
    ),
    Template(
        "gap_down",
        "The regular session opened `percent` or more below the prior close.",
        'session == "regular" and gap_pct <= -{percent}',
        _GAP,
        ONCE_PER_SESSION,
        during=REGULAR,
        mirror="gap_up",
    ),
    Template(
        "gap_filled",
        "The price has been back at the prior close after a gap.",
        "gap_fill_pct >= 100",
        during=REGULAR,
    ),
    Template("halt", "Trading was halted.", "halted > prev(halted)", trigger=EACH_ROW, mirror="resume"),
    Template("resume", "Trading goes on after a halt.", "halted < prev(halted)", trigger=EACH_ROW, mirror="halt"),
)
