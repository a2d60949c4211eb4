"""What a replay that begins in the middle of a log cannot know, and how much of the log before each figure needs."""

from __future__ import annotations

import math
from typing import Final

from engine.indicators.declare import Argument, Duration
from engine.timeframes import Timeframe

BARS_BEGUN: Final = "the first bar of each timeframe lacks its trades before the beginning; bars after it are exact"
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
}
_MINUTES: Final = frozenset({"change", "change_pct", "volume_last", "rolling_vwap"})
_RELATIVE: Final = 10
"""Bars that a relative volume compares with."""


def needs(name: str, arguments: tuple[Argument, ...]) -> str:
    """What of the log before a row a metric of these arguments depends on, in words."""
    lengths = (a.count if isinstance(a, Duration) else a for a in arguments)
    count = next((length for length in lengths if isinstance(length, int)), 1)
    frame = next((argument.name for argument in arguments if isinstance(argument, Timeframe)), "1m")
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in _MINUTES:
        return f"exact after {count + 1} minutes"
    if name in {"ema", "rsi"}:
        step = 2 / (count + 1) if name == "ema" else 1 / count
        bars = math.ceil(math.log(REMAINDER) / math.log(1 - step)) if step < 1 else 1
        return f"within {REMAINDER:g} of the first difference after {count + bars} bars of {frame}"
    bars = _RELATIVE if name == "relative_volume" else count
    return f"exact after {bars} whole bars of {frame}"
