"""Windows over the closed bars before bar 0: what sma and its like add bar 0 to at each row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.columns import NULL
from engine.history import History
from engine.indicators.base import Window
from engine.segments import Index
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64, I64

Term = Callable[[History, Index, I64], F64]
"""What the bars with these numbers contribute."""
Compute = Callable[[History, Index, int], F64]
"""A figure of some symbols with so many of the newest closed bars left out."""


class Before:
    """A figure over the closed bars before bar 0, computed again only where a bar has closed or changed."""

    def __init__(self, timeframe: Timeframe, compute: Compute) -> None:
        """`compute` gives the figure of some symbols."""
        self._timeframe = timeframe
        self._newest = Window(lambda history, symbols: compute(history, symbols, 0))
        self._without = Window(lambda history, symbols: compute(history, symbols, 1))

    def rows(self, view: View) -> F64:
        """One value a row: over the newest closed bars, without the newest where that is bar 0."""
        history, present = view.history(self._timeframe), view.present(self._timeframe)
        found = view.spread(self._newest.of(history, view.members))
        if present.all():
            return found
        return np.where(present, found, view.spread(self._without.of(history, view.members)))


def over(term: Term, bars: int, combine: np.ufunc = np.add, start: float = 0.0, reach: int = 0) -> Compute:
    """`term` of `bars` closed bars, combined oldest first; null where there are not `bars` + `reach` of them. `bars`
    0: `start`."""

    def compute(history: History, symbols: Index, skip: int) -> F64:
        number = history.count[symbols] - skip - bars
        found = np.full(len(symbols), start)
        for _ in range(bars):
            combine(found, term(history, symbols, number), out=found)
            number = number + 1
        return np.where(history.count[symbols] >= skip + bars + reach, found, NULL)

    return compute


def stretch(history: History, name: str, symbols: Index, first: I64, bars: int) -> F64:
    """A field of `bars` bars from the ones numbered `first` on; one row a bar, oldest first."""
    return np.asarray(history.at(name, symbols, first + np.arange(bars)[:, np.newaxis]))


def field(name: str) -> Term:
    """A field as it is."""
    return lambda history, symbols, number: np.asarray(history.at(name, symbols, number))


def highest(bars: int) -> Compute:
    """Highest high of that many closed bars."""
    return over(field("high"), bars, np.maximum, -np.inf)


def lowest(bars: int) -> Compute:
    """Lowest low of that many closed bars."""
    return over(field("low"), bars, np.minimum, np.inf)
