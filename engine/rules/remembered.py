"""What a condition remembers: the row before (`prev`, crosses), and values at closes (look-backs, windows)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from engine.columns import NULL, Columns, column
from engine.history import History
from engine.memory import columns_of
from engine.rules.plan import Series
from engine.segments import Index
from engine.view import View
from schemas.batch import F64, I64


class _Pair(Columns):
    left: F64 = column("f8", NULL)
    right: F64 = column("f8", NULL)


class RowBefore:
    """Two values on the symbol's last row, or on its last row where both existed. To be asked once for each set of
    rows, in log order."""

    def __init__(self, only_known: bool) -> None:
        """`only_known`: rows where one is null are passed over."""
        self._now, self._only_known = _Pair(0), only_known

    def groups(self) -> dict[str, Columns]:
        """Its columns."""
        return {"now": self._now}

    def before(self, view: View, left: F64, right: F64) -> tuple[F64, F64]:
        """Both on the row before each, and the newest are remembered."""
        members = view.members
        kept = ~(np.isnan(left) | np.isnan(right)) if self._only_known else np.ones(len(left), bool)
        carried = self._now.left[members], self._now.right[members]
        segments = view.segments
        if segments is None:
            self._now.left[members] = np.where(kept, left, carried[0])
            self._now.right[members] = np.where(kept, right, carried[1])
            return carried
        newest = segments.newest(kept)
        at = np.concatenate(([-1], newest[:-1]))
        at[segments.starts] = -1
        found = at >= 0
        result = tuple(
            np.where(found, values[at], segments.spread(carry))
            for values, carry in zip((left, right), carried, strict=True)
        )
        last = newest[segments.last]
        self._now.left[members] = np.where(last >= 0, left[last], carried[0])
        self._now.right[members] = np.where(last >= 0, right[last], carried[1])
        return result[0], result[1]


class Past(Protocol):
    """Values at closed bars, the newest being 0 back."""

    def version(self) -> I64:
        """Over symbols: rises with each change."""

    def back(self, symbols: Index, count: int) -> F64:
        """The value that many closes before the newest; null where there is none."""


class FieldPast:
    """A field of the closed bars."""

    def __init__(self, history: History, field: str) -> None:
        self._history, self._field = history, field

    def version(self) -> I64:
        """Over symbols."""
        return self._history.version

    def back(self, symbols: Index, count: int) -> F64:
        """The field of the bar that many before the newest closed one."""
        return self._history.newest(self._field, symbols, count).astype(np.float64)


class SeriesMemory:
    """What an expression was at each of the newest closes of a timeframe. A bar that is amended later does not change
    what was recorded at its close."""

    def __init__(self, series: Series) -> None:
        """Nothing recorded."""
        self.series = series
        self._ring: Any = columns_of("_Ring", values=column("f8", NULL, max(2, series.length)), count=column("i8"))

    def groups(self) -> dict[str, Columns]:
        """Its columns."""
        return {"ring": self._ring}

    def record(self, symbols: Index, values: F64) -> None:
        """One more close of each of `symbols`."""
        self._ring.values[symbols, self._ring.count[symbols] % self._width] = values
        self._ring.count[symbols] += 1

    @property
    def _width(self) -> int:
        return max(2, self.series.length)

    def version(self) -> I64:
        """Over symbols."""
        return np.asarray(self._ring.count)

    def back(self, symbols: Index, count: int) -> F64:
        """The value that many closes before the newest."""
        number = self._ring.count[symbols] - 1 - count
        return np.where(number >= 0, self._ring.values[symbols, number % self._width], NULL)


Fold = Callable[[F64, F64], F64]


class Folded:
    """Closed values folded oldest first, kept for each symbol until its closed values change."""

    def __init__(self, past: Past, fold: Fold, first: int, count: int) -> None:
        """Over the `count` values that begin `first` closes before the newest."""
        self._past, self._fold, self._first, self._count = past, fold, first, count
        self._values, self._version = np.empty(0), np.empty(0, np.int64)

    def of(self, symbols: Index) -> F64:
        """The values of `symbols`; null where there are too few, or one is null."""
        version = self._past.version()
        missing = len(version) - len(self._version)
        if missing > 0:
            self._values = np.append(self._values, np.full(missing, NULL))
            self._version = np.append(self._version, np.full(missing, -1, np.int64))
        stale = symbols[self._version[symbols] != version[symbols]]
        if len(stale):
            total = self._past.back(stale, self._first + self._count - 1)
            for count in range(self._first + self._count - 2, self._first - 1, -1):
                total = self._fold(total, self._past.back(stale, count))
            self._values[stale], self._version[stale] = total, version[stale]
        return self._values[symbols]
