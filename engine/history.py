"""The newest closed bars of each symbol and timeframe: rings that look-backs, windows and newly used metrics read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL
from engine.segments import Index
from engine.timeframes import Timeframe
from schemas.batch import F64, I64

SLOTS = 16
"""Ring slots that are stored together."""
FIELDS = ("start", "open", "high", "low", "close", "volume", "trades")


class History:
    """Rings, slot by slot: element [number % ring, symbol] of each field is the symbol's closed bar with that number
    (from 0). A slot that no symbol has reached takes no memory.

    `start` in minutes since 1970; `count` = bars closed so far; `version` rises with every change, for caches of
    windows;
    `dirty` [slot // SLOTS, symbol] = changed since the checkpoint piece was taken; `held` = bars are kept at all;
    `imported` = the symbol's bars came from a checkpoint.
    """

    def __init__(self, timeframe: Timeframe, capacity: int) -> None:
        """No bars."""
        self.timeframe = timeframe
        self.count = np.zeros(capacity, np.int64)
        self.version = np.zeros(capacity, np.int64)
        self.dirty = np.zeros((timeframe.ring // SLOTS, capacity), bool)
        self.held = timeframe.base is None
        self.derived: dict[str, Callable[[Index, I64], I64]] = {}
        self.imported = np.zeros(capacity, bool)
        self._fields: dict[str, NDArray[Any]] = {name: self._fresh(name, capacity) for name in FIELDS}

    def release(self, symbols: Index) -> None:
        """Forget the bars of `symbols` and hold no more."""
        self.held = False
        self.count[symbols] = 0
        self.version[symbols] += 1
        self.dirty[:, symbols] = False
        self.imported[symbols] = False
        if not self.count.any():
            self._fields = {name: self._fresh(name, len(self.count)) for name in FIELDS}

    def _fresh(self, name: str, capacity: int) -> NDArray[Any]:
        dtype = np.int32 if name in ("start", "trades") else np.float64
        return np.zeros((self.timeframe.ring, capacity), dtype)

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` symbols."""
        old, used = len(self.count), int(min(self.count.max(), self.timeframe.ring))
        for name, ring in self._fields.items():
            self._fields[name] = self._fresh(name, capacity)
            # Slots that no symbol has reached stay untouched, so that they take no memory.
            self._fields[name][:used, :old] = ring[:used]
        self.dirty = np.append(self.dirty, np.zeros((len(self.dirty), capacity - old), bool), axis=1)
        self.count = np.append(self.count, np.zeros(capacity - old, np.int64))
        self.imported = np.append(self.imported, np.zeros(capacity - old, bool))
        self.version = np.append(self.version, np.zeros(capacity - old, np.int64))

    def push(self, symbols: Index, bars: dict[str, NDArray[Any]]) -> None:
        """Append one closed bar to each of `symbols`, if bars are held."""
        if not self.held:
            return
        slot = self.count[symbols] % self.timeframe.ring
        for name, ring in self._fields.items():
            ring[slot, symbols] = bars[name]
        self.dirty[slot // SLOTS, symbols] = True
        self.count[symbols] += 1
        self.version[symbols] += 1

    def replace_newest(self, symbols: Index, bars: dict[str, NDArray[Any]]) -> None:
        """Put other values into the newest closed bar of each of `symbols`, if bars are held."""
        if self.held:
            self.count[symbols] -= 1
            self.push(symbols, bars)

    def at(self, name: str, symbols: Index, number: I64) -> NDArray[Any]:
        """Field of the bars with these numbers, or what `derived` makes of their starts; the caller knows that they
        exist."""
        if name in self.derived:
            return self.derived[name](symbols, self.at("start", symbols, number))
        return self._fields[name][number % self.timeframe.ring, symbols]

    def newest(self, name: str, symbols: Index, back: int = 0) -> F64:
        """Field of the bar `back` before the newest closed one, null where there is none."""
        number = self.count[symbols] - 1 - back
        return np.where(number >= 0, self.at(name, symbols, number), NULL)

    def sum_of_newest(self, name: str, symbols: Index, bars: int, skip: int = 0) -> F64:
        """Sum over `bars` closed bars, oldest first, the `skip` newest left out; null where there are fewer. `bars` 0:
        0."""
        number = self.count[symbols] - skip - bars
        total = np.zeros(len(symbols))
        for _ in range(bars):
            total += self.at(name, symbols, number)
            number += 1
        return np.where(self.count[symbols] >= skip + bars, total, NULL)

    def take_slots(self, symbols: Index, group: int) -> dict[str, NDArray[Any]]:
        """Copies of one group of ring slots; arrays of (SLOTS, symbols)."""
        return {name: ring[group * SLOTS : (group + 1) * SLOTS, symbols] for name, ring in self._fields.items()}

    def put_slots(self, symbols: Index, group: int, values: dict[str, NDArray[Any]]) -> None:
        """Write back what `take_slots` gave."""
        for name, ring in self._fields.items():
            ring[group * SLOTS : (group + 1) * SLOTS, symbols] = values[name]
