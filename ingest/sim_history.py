"""The days before the simulated one, so that prior close and daily averages are there from the first tick on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Final

import numpy as np

from ingest.batch import Placed
from ingest.sim_day import new_york_ns
from ingest.sim_universe import Universe
from schemas.batch import F64
from schemas.tick import TickRecord, encode_tick

_HISTORY_STREAM: Final = 5
_LAST_MINUTE: Final = time(15, 59)


def daily_records(seed: int, universe: Universe, days: Sequence[date], volume: F64) -> list[Placed]:
    """A finished day's bar per symbol and day, oldest first. The last close is the universe's price; `volume`: a usual
    day's, per symbol."""
    rng = np.random.default_rng([seed, _HISTORY_STREAM])
    change = 1 + np.clip(0.012 * rng.standard_normal((len(days), len(universe.names))), -0.1, 0.1)
    close = universe.price * np.cumprod(change[::-1], axis=0)[::-1]
    close = _cents(np.concatenate((close[1:], universe.price[None])))
    start = _cents(close * (1 + 0.01 * (rng.random(close.shape) - 0.5)))
    high = _cents(np.maximum(start, close) * (1 + 0.01 * rng.random(close.shape)) + 0.01)
    low = _cents(np.minimum(start, close) * (1 - 0.01 * rng.random(close.shape)))
    shares = np.rint(volume * (0.7 + 0.6 * rng.random(close.shape))) + 1
    placed = []
    for number, day in enumerate(days):
        ts_ns = new_york_ns(day, _LAST_MINUTE)
        columns = (column[number].tolist() for column in (start, high, low, close, shares))
        for name, o, h, lowest, c, v in zip(universe.names, *columns, strict=True):
            record = TickRecord(kind="daily", symbol=name, ts=ts_ns, open=o, high=h, low=lowest, close=c, volume=v)
            placed.append(Placed(0, name, encode_tick(record)))
    return placed


def _cents(values: F64) -> F64:
    return np.maximum(np.rint(values * 100), 1) / 100
