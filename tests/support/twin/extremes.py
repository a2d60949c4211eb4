"""Extremes further back as section 6 words them: of days, of a year, and of the day by its minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tests.support.twin.bars import Figures
from tests.support.twin.day import Row
from tests.support.twin.market import difference, share
from tests.support.twin.sessions import MINUTE_NS
from tests.support.twin.symbol import Symbol

if TYPE_CHECKING:
    from tests.support.twin.metrics import Call

Number = float | None
Running = Callable[[str], Figures | None]


def _before_today(symbol: Symbol) -> Sequence[Figures]:
    return [bar for bar in symbol.closed["1d"] if bar.start != symbol.day.start]


def _year(symbol: Symbol, best: Callable[[Sequence[float]], float], field: str) -> Number:
    """Of the closed days before the current one."""
    days = [getattr(bar, field) for bar in _before_today(symbol)[-252:]]
    return best(days) if len(days) >= 20 else None


def _biggest_day(symbol: Symbol, count: int) -> Number:
    """Range of a day against its low, the largest of the closed ones before the current one."""
    days = _before_today(symbol)[-count:]
    return max(100.0 * (bar.high - bar.low) / bar.low for bar in days) if len(days) == count else None


def _of_days(symbol: Symbol, call: Call, now: Figures | None) -> Number:
    """Of the 1d bars up to bar 0."""
    bars = [*symbol.closed["1d"], *([] if now is None else [now])][-call.length :]
    if len(bars) < call.length:
        return None
    high, low = max(bar.high for bar in bars), min(bar.low for bar in bars)
    if call.name != "position_in_range":
        return high - low if call.name == "range_days" else 100.0 * (high - low) / low
    above = difference(symbol.price, low)
    return share(None if above is None else 100.0 * above, high - low)


def _minutes_since(symbol: Symbol, row: Row, call: Call, now: Figures | None) -> Number:
    """From the first 1m bar with the day's extreme, of the bars since it is in use."""
    start, end, field = row.at.regular_start, row.at.regular_end, call.name.removeprefix("minutes_since_day_")
    if row.at.session == "closed":
        return None
    bars = [*symbol.closed["1m"][symbol.begun[call.text] :], *([] if now is None else [now])]
    made = [bar.start for bar in bars if start <= bar.start < end and getattr(bar, field) == getattr(symbol.day, field)]
    return float(row.t // MINUTE_NS - made[0] // MINUTE_NS) if made else None


EXTREMES: dict[str, Callable[[Symbol, Row, Call, Running], Number]] = {
    "high_52w": lambda symbol, _row, _call, _now: _year(symbol, max, "high"),
    "low_52w": lambda symbol, _row, _call, _now: _year(symbol, min, "low"),
    "biggest_range_pct": lambda symbol, _, call, _now: _biggest_day(symbol, call.length),
    "range_days": lambda symbol, _, call, now: _of_days(symbol, call, now("1d")),
    "range_pct_days": lambda symbol, _, call, now: _of_days(symbol, call, now("1d")),
    "position_in_range": lambda symbol, _, call, now: _of_days(symbol, call, now("1d")),
    "minutes_since_day_high": lambda symbol, row, call, now: _minutes_since(symbol, row, call, now("1m")),
    "minutes_since_day_low": lambda symbol, row, call, now: _minutes_since(symbol, row, call, now("1m")),
}
"""What runs on each timeframe is given."""
