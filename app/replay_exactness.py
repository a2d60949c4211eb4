"""What a replay that begins in the middle of a log cannot know, and how much of the log before each figure needs."""

from __future__ import annotations

import math
from typing import Final

from engine.indicators import reference
from engine.indicators.catalogue import CATALOGUE
from engine.indicators.declare import Argument, Duration
from engine.indicators.year import YEAR_DAYS
from engine.timeframes import Timeframe

BARS_BEGUN: Final = "the first bar of each timeframe lacks its trades before the beginning; bars after it are exact"
TOLD: Final = "exact after a reference record that says it"
REMAINDER: Final = 1e-6
"""At what share of the first difference a recursive figure counts as converged."""

_DAY: Final = "exact after the whole day of the symbol"
_DAY_BEFORE: Final = "exact after the whole day before"
_SESSION: Final = "exact after the start of the session"
_BY_NAME: Final = {
    "price": "exact after the symbol's first trade",
    **dict.fromkeys(
        ("day_open", "day_high", "day_low", "volume_day", "change_from_open", "change_from_open_pct"), _DAY
    ),
    **dict.fromkeys(("prior_close", "change_from_close", "change_from_close_pct"), _DAY_BEFORE),
    **dict.fromkeys(("vwap", "vwap_dist_pct"), _SESSION),
    **dict.fromkeys(("minutes_since_day_high", "minutes_since_day_low"), _DAY),
    **dict.fromkeys(("high_52w", "low_52w"), f"exact after {YEAR_DAYS + 1} whole days"),
    **dict.fromkeys((one.name for one in reference.DECLARATIONS), TOLD),
    **dict.fromkeys(("swing_high", "swing_low"), "exact after the first swing in bars that are whole"),
}
_NOT_STATED: Final = "nears its figure with each bar; how far off it is at first is not stated"
_UNITS: Final = {"s": "seconds of trades", "m": "minutes", "d": "whole days"}
_RELATIVE: Final = 10
"""Bars that a relative volume compares with."""


def needs(name: str, arguments: tuple[Argument, ...]) -> str:
    """What of the log before a row a metric of these arguments depends on, in words."""
    frame = next((argument.name for argument in arguments if isinstance(argument, Timeframe)), "1m")
    if name in _BY_NAME:
        return _BY_NAME[name]
    length = next((argument for argument in arguments if isinstance(argument, Duration)), None)
    if length is not None:
        return f"exact after {length.count + 1} {_UNITS[length.unit]}"
    counts = [argument for argument in arguments if isinstance(argument, int)]
    if name in {"ema", "rsi"}:
        count = counts[0]
        step = 2 / (count + 1) if name == "ema" else 1 / count
        bars = math.ceil(math.log(REMAINDER) / math.log(1 - step)) if step < 1 else 1
        return f"within {REMAINDER:g} of the first difference after {count + bars} bars of {frame}"
    if CATALOGUE[name].recursive:
        return _NOT_STATED
    if not arguments:
        return _DAY_BEFORE
    bars = _RELATIVE if name == "relative_volume" else max(1, sum(counts))
    return f"exact after {bars} whole bars of {frame}"
