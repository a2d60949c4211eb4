"""Closed bars of the timeframes that are held only while a rule uses them: made anew when one begins to."""

from __future__ import annotations

from itertools import groupby

from tests.support.twin.bars import Figures, figures
from tests.support.twin.symbol import Symbol

BASES = {"2m": "1m", "10m": "5m", "30m": "15m", "2h": "1h", "4h": "1h"}
RETAINED = {"1m": 256, "1d": 256}
OTHERS = 208


def retained(timeframe: str) -> int:
    """How many closed bars a newly used metric begins with, at most."""
    return RETAINED.get(timeframe, OTHERS)


def use(symbol: Symbol, timeframes: set[str]) -> None:
    """These timeframes are used from now on."""
    for timeframe in timeframes - symbol.in_use:
        if timeframe in BASES:
            symbol.closed[timeframe] = _rolled(symbol, timeframe)
    symbol.in_use = timeframes


def _rolled(symbol: Symbol, timeframe: str) -> list[Figures]:
    """Its bars, as far as the bars of its base are retained: whole ones alone."""
    base = symbol.closed[BASES[timeframe]]
    kept = base[-retained(BASES[timeframe]) :]
    groups = groupby(kept, lambda bar: symbol.bounds(timeframe, bar.start))
    bars = [_joined(list(group), bounds) for bounds, group in groups]
    if len(base) > len(kept):
        bars = bars[1:]
    running, newest = symbol.rolls.get(timeframe), symbol.newest.get(timeframe)
    if bars and running is not None and running.start == bars[-1].start:
        bars.pop()
    if bars and newest is not None and newest.start == bars[-1].start:
        bars[-1] = figures(newest, symbol.size_scale)
    return bars


def _joined(parts: list[Figures], bounds: tuple[int, int]) -> Figures:
    volume = trades = 0.0
    for part in parts:
        volume += part.volume
        trades += part.trades
    high, low = max(part.high for part in parts), min(part.low for part in parts)
    return Figures(*bounds, parts[0].open, high, low, parts[-1].close, volume, trades)
