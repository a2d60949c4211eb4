"""What makes a simulated symbol move: for a quarter of an hour it trends or keeps to a range, and now and then it
bursts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.sim_universe import Universe
from schemas.batch import F64

SLOT_NS: Final = 10 * 10**9
REGIME_NS: Final = 900 * 10**9
_LONGEST_BURST: Final = 3
_FEWEST_BURSTS: Final = 0.5
_SYMBOLS_PER_BURST: Final = 400

_REGIME_STREAM, _BURST_STREAM = 1, 2


@dataclass(frozen=True, slots=True)
class Regime:
    """Per symbol: drift as a fraction per second, and the pull back to where it began, per second of the distance."""

    drift: F64
    pull: F64


@dataclass(frozen=True, slots=True)
class Bursts:
    """Bursts, each of a symbol: how many times as busy it is, its drift as a fraction per second, and for how many
    slots."""

    symbol: NDArray[np.intp]
    busier: F64
    drift: F64
    slots: NDArray[np.int64]


class Weather:
    """Regimes and bursts by their number since 1970, so that any part of the day can be made without what went
    before."""

    def __init__(self, seed: int, universe: Universe) -> None:
        self._seed, self._universe = seed, universe
        self._drawn = lru_cache(_LONGEST_BURST + 1)(self._draw)

    def regime(self, number: int) -> Regime:
        """The regime of that quarter of an hour: three in ten rise, three fall, four keep to a range."""
        rng = np.random.default_rng([self._seed, _REGIME_STREAM, number])
        kind, strength = rng.random((2, len(self._universe.names)))
        direction = np.where(kind < 0.3, 1.0, np.where(kind < 0.6, -1.0, 0.0))
        return Regime(direction * (0.2 + strength) * self._universe.volatility / 60, np.where(kind < 0.6, 0.0, 1 / 120))

    def bursts(self, slot: int) -> Bursts:
        """The bursts that run in that slot of ten seconds."""
        parts = [self._drawn(slot - age) for age in range(_LONGEST_BURST)]
        alive = [part.slots > age for age, part in enumerate(parts)]
        columns = [
            [getattr(part, name)[live] for part, live in zip(parts, alive, strict=True)]
            for name in ("symbol", "busier", "drift", "slots")
        ]
        return Bursts(*map(np.concatenate, columns))

    def _draw(self, slot: int) -> Bursts:
        """The bursts that begin in that slot: 0.8 to 2.5 % of price within 10 to 30 seconds, on 6 to 20 times the
        activity."""
        rng = np.random.default_rng([self._seed, _BURST_STREAM, slot])
        busy = self._universe.busy
        count = int(rng.poisson(max(_FEWEST_BURSTS, len(busy) / _SYMBOLS_PER_BURST)))
        slots = rng.integers(1, _LONGEST_BURST + 1, count)
        move = (0.008 + 0.017 * rng.random(count)) * np.where(rng.random(count) < 0.5, -1.0, 1.0)
        symbol = busy[rng.integers(0, len(busy), count)]
        return Bursts(symbol, 6 + 14 * rng.random(count), move / (slots * (SLOT_NS / 1e9)), slots)
