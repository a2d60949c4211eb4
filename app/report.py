"""What the alerts of a replay would have been worth: how often each rule fired, and where prices went afterwards."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from app.replay_spill import ALERT, BAR, Kind, lines_of
from schemas.alert import AlertBody
from schemas.bar import Bar
from schemas.batch import F64, I64

MINUTE_NS: Final = 60_000_000_000
DAY_NS: Final = 1_440 * MINUTE_NS
HORIZONS_MIN: Final = (1, 5, 15, 60)
MOVES_MIN: Final = 60
TOP_SYMBOLS: Final = 10
DEFINITIONS: Final = {
    "return": "close of the symbol's 1m bar that holds the moment N minutes after the alert, or of the newest one "
    "before it since the alert's own minute, against the alert's price, in percent",
    "hit rate": "share of the alerts whose return is above 0, in percent",
    "move for, against": "highest high above, and lowest low below, the alert's price in the 60 minutes after its own "
    "minute, in percent, as a buyer sees them; negative where the price never came so far",
    "n": "alerts with a price, whose N minutes lie inside the replay, with at least one bar of the symbol in them",
    "day": "UTC day of the alert's event time",
}
Item = TypeVar("Item", Bar, AlertBody)


@dataclass
class RuleFigures:
    """Of one rule. `returns`: in percent, by minutes; `moves`: (for, against) in percent, one after the other."""

    fires: int = 0
    hashes: set[str] = field(default_factory=set)
    symbols: Counter[str] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)
    returns: dict[int, array[float]] = field(default_factory=lambda: {n: array("d") for n in HORIZONS_MIN})
    moves: array[float] = field(default_factory=lambda: array("d"))


@dataclass(frozen=True)
class _Minutes:
    """The 1m bars of a symbol at their newest revision, by start in minutes since 1970."""

    start: I64
    high: F64
    low: F64
    close: F64


def report_of(bars: Path, alerts: Path, last_minute: int) -> dict[str, Any]:
    """The report of the two files of a replay, whose newest 1m bar begins `last_minute` minutes after 1970.

    One symbol is in memory at a time, besides eight bytes a figure and alert.
    """
    rules: dict[str, RuleFigures] = {}
    minutes, pending = _by_symbol(bars, BAR), None
    for symbol, bodies in _by_symbol(alerts, ALERT):
        while pending is None or pending[0] < symbol:
            pending = next(minutes, None) or ("\U0010ffff", iter(()))
        found = _minutes_of(pending[1]) if pending[0] == symbol else _minutes_of(iter(()))
        for body in bodies:
            _add(rules.setdefault(body.rule_id, RuleFigures()), body, found, last_minute)
    ordered = sorted(rules.items(), key=lambda item: (-item[1].fires, item[0]))
    return {
        "definitions": DEFINITIONS,
        "alerts": sum(one.fires for one in rules.values()),
        "rules": {name: _summary(one) for name, one in ordered},
    }


def _by_symbol(path: Path, kind: Kind[Item]) -> Iterator[tuple[str, Iterator[Item]]]:
    for symbol, lines in groupby(lines_of(path, kind), key=lambda line: line[2].symbol):
        yield symbol, (item for _, _, item in lines)


def _minutes_of(bars: Iterator[Bar]) -> _Minutes:
    newest = {bar.start // MINUTE_NS: bar for bar in bars if bar.timeframe == "1m"}
    chosen = newest.values()
    return _Minutes(
        np.fromiter(newest, np.int64),
        np.array([bar.high for bar in chosen], np.float64),
        np.array([bar.low for bar in chosen], np.float64),
        np.array([bar.close for bar in chosen], np.float64),
    )


def _add(rule: RuleFigures, body: AlertBody, minutes: _Minutes, last_minute: int) -> None:
    rule.fires += 1
    rule.hashes.add(body.rule_hash)
    rule.symbols[body.symbol] += 1
    rule.days[body.ts // DAY_NS] += 1
    if body.price is None:
        return
    first = int(np.searchsorted(minutes.start, body.ts // MINUTE_NS, "right"))
    for horizon in HORIZONS_MIN:
        over = (body.ts + horizon * MINUTE_NS) // MINUTE_NS
        end = int(np.searchsorted(minutes.start, over, "right"))
        if end > first and over <= last_minute:
            rule.returns[horizon].append(100 * (float(minutes.close[end - 1]) / body.price - 1))
            if horizon == MOVES_MIN:
                up, down = minutes.high[first:end].max(), minutes.low[first:end].min()
                rule.moves.extend((100 * (float(up) / body.price - 1), 100 * (1 - float(down) / body.price)))


def _summary(rule: RuleFigures) -> dict[str, Any]:
    moves = np.array(rule.moves).reshape(-1, 2)
    return {
        "fires": rule.fires,
        "hashes": sorted(rule.hashes),
        "symbols": len(rule.symbols),
        "top_symbols": sorted(rule.symbols.items(), key=lambda item: (-item[1], item[0]))[:TOP_SYMBOLS],
        "days": {_day(number): rule.days[number] for number in sorted(rule.days)},
        "returns": {str(horizon): _returns(values) for horizon, values in rule.returns.items()},
        "moves": {
            "n": len(moves),
            "for_mean_pct": _rounded(moves[:, 0].mean()) if len(moves) else None,
            "for_largest_pct": _rounded(moves[:, 0].max()) if len(moves) else None,
            "against_mean_pct": _rounded(moves[:, 1].mean()) if len(moves) else None,
            "against_largest_pct": _rounded(moves[:, 1].max()) if len(moves) else None,
        },
    }


def _returns(values: Sequence[float]) -> dict[str, Any]:
    if not len(values):
        return {"n": 0, "mean_pct": None, "median_pct": None, "hit_rate_pct": None}
    found = np.array(values)
    return {
        "n": len(found),
        "mean_pct": _rounded(found.mean()),
        "median_pct": _rounded(np.median(found)),
        "hit_rate_pct": _rounded(100 * np.count_nonzero(found > 0) / len(found)),
    }


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)


def _day(number: int) -> str:
    return f"{datetime.fromtimestamp(number * 86_400, UTC):%Y-%m-%d}"
