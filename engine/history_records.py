"""Finished days given as history: what windows over days and the prior close begin with."""

from __future__ import annotations

import numpy as np

from engine.calendar import CLOSED, SessionClock
from engine.scanner import Scanner
from engine.state import PartitionState
from engine.timeframes import MINUTE_NS, ONE_DAY
from schemas.control import DailyBar


def apply(state: PartitionState, scanner: Scanner, clock: SessionClock, symbol: int, event: DailyBar) -> str | None:
    """Append the day as a closed 1d bar and take its close as the prior close; a reason, and nothing done, where it
    does not fit in."""
    at = np.array([symbol], np.intp)
    info = clock.info(np.array([event.ts_ns // MINUTE_NS]), state.symbol.market[at])
    history = state.history[ONE_DAY.name]
    if info.session[0] == CLOSED:
        return f"daily: {event.ts_ns} lies in no day of the symbol's market"
    if 0 <= state.day.number[symbol] <= info.day[0]:
        return "daily: the day is not before the symbol's current day"
    if history.count[symbol] and history.newest("start", at)[0] >= info.day_start[0]:
        return "daily: the day is not after the symbol's newest one"
    bar = {
        "open": event.open,
        "high": event.high,
        "low": event.low,
        "close": event.close,
        "volume": event.volume,
        "trades": 0,
    }
    history.push(at, {"start": info.day_start, **{name: np.array([value]) for name, value in bar.items()}})
    day = state.day
    day.prior_close[symbol], day.prior_high[symbol], day.prior_low[symbol] = event.close, event.high, event.low
    state.touch(at)
    scanner.closed(ONE_DAY, at)
    return None
