"""Functions over bars: the value now, bar 0, together with those at the closes before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from engine.columns import NULL
from engine.rules.remembered import Fold, Folded, Past
from engine.segments import Index
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64


class Window(Protocol):
    """A function over bars."""

    def numbers(self, view: View, now: F64) -> F64:
        """One value a row, given the operand's."""


class _AtCloses:
    """A number over closed values alone."""

    def __init__(self, past: Past, fold: Fold, count: int) -> None:
        self._folded = Folded(past, fold, 0, count)

    def of(self, view: View) -> F64:
        return view.spread(self._folded.of(view.members))


class _Back:
    """The value n bars before bar 0."""

    def __init__(self, past: Past, count: int, frame: Timeframe) -> None:
        self._past, self._count, self._frame = past, count, frame

    def numbers(self, view: View, now: F64) -> F64:
        """One value a row."""
        del now
        return _by_presence(view, self._frame, self._past.back, self._count - 1, self._count)


def _by_presence(view: View, frame: Timeframe, values: Callable[[Index, int], F64], running: int, closed: int) -> F64:
    """Values by how far back they are: where bar 0 is running, and where it is the newest closed one."""
    present = view.present(frame)
    found = view.spread(values(view.members, running))
    return found if present.all() else np.where(present, found, view.spread(values(view.members, closed)))


class _Over:
    """A fold of bar 0 and the n - 1 values before it, oldest first."""

    def __init__(self, past: Past, fold: Fold, count: int, frame: Timeframe, share: bool) -> None:
        self._fold, self._count, self._frame, self._share = fold, count, frame, share
        self._folded = [Folded(past, fold, first, count - 1) for first in (0, 1)] if count > 1 else []

    def numbers(self, view: View, now: F64) -> F64:
        """One value a row."""
        total = now
        if self._folded:
            before = _by_presence(view, self._frame, lambda symbols, first: self._folded[first].of(symbols), 0, 1)
            total = self._fold(before, now)
        return total / self._count if self._share else total


class _Deviation:
    """Population standard deviation of bar 0 and the n - 1 values before it, in two passes, oldest first."""

    def __init__(self, past: Past, count: int, frame: Timeframe) -> None:
        self._past, self._count, self._frame = past, count, frame
        self._mean = _Over(past, np.add, count, frame, share=True)

    def numbers(self, view: View, now: F64) -> F64:
        """One value a row."""
        mean = self._mean.numbers(view, now)
        total = np.zeros(len(now))
        for back in range(self._count - 1, 0, -1):
            value = _by_presence(view, self._frame, self._past.back, back - 1, back)
            total += (value - mean) * (value - mean)
        total += (now - mean) * (now - mean)
        return np.sqrt(total / self._count)


class _Held:
    """Whether the last n closed values were all true: 1, 0 or null."""

    def __init__(self, past: Past, count: int) -> None:
        self._smallest, self._all = _AtCloses(past, np.fmin, count), _AtCloses(past, np.add, count)

    def numbers(self, view: View, now: F64) -> F64:
        """One value a row: false beats null."""
        del now
        smallest, known = self._smallest.of(view), ~np.isnan(self._all.of(view))
        return np.where(smallest == 0.0, 0.0, np.where(known, 1.0, NULL))


class _Within:
    """Whether it is true now or one of the last n closed values was: 1, 0 or null."""

    def __init__(self, past: Past, count: int) -> None:
        self._largest, self._all = _AtCloses(past, np.fmax, count), _AtCloses(past, np.add, count)

    def numbers(self, view: View, now: F64) -> F64:
        """One value a row: true beats null."""
        largest = np.fmax(self._largest.of(view), now)
        known = ~(np.isnan(self._all.of(view)) | np.isnan(now))
        return np.where(largest == 1.0, 1.0, np.where(known, 0.0, NULL))


class _Counted:
    """At how many of the last n closes it was true; null where one is null."""

    def __init__(self, past: Past, count: int) -> None:
        self._sum = _AtCloses(past, np.add, count)

    def numbers(self, view: View, now: F64) -> F64:
        """One value a row."""
        del now
        return self._sum.of(view)


Maker = Callable[[int, Timeframe, Past], Window]
_MAKERS: Final[dict[str, Maker]] = {
    "back": lambda count, frame, past: _Back(past, count, frame),
    "highest": lambda count, frame, past: _Over(past, np.maximum, count, frame, share=False),
    "lowest": lambda count, frame, past: _Over(past, np.minimum, count, frame, share=False),
    "sum": lambda count, frame, past: _Over(past, np.add, count, frame, share=False),
    "avg": lambda count, frame, past: _Over(past, np.add, count, frame, share=True),
    "stdev": lambda count, frame, past: _Deviation(past, count, frame),
    "for_last": lambda count, frame, past: _Held(past, count),
    "within_last": lambda count, frame, past: _Within(past, count),
    "count": lambda count, frame, past: _Counted(past, count),
}


def window_of(op: str, count: int, frame: Timeframe, past: Past) -> Window:
    """The function `op` over `count` bars of `frame`."""
    return _MAKERS[op](count, frame, past)
