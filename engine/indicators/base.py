"""What a metric is, and the two ways to remember: state stepped at each close, and windows computed anew when their
bars change."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.columns import NULL, Columns
from engine.history import History
from engine.segments import Index
from engine.timeframes import Timeframe
from engine.view import TradeView, View
from schemas.batch import F64, I64


class Metric(Protocol):
    """A figure over rows; null (NaN) where it does not exist."""

    def column(self, view: View) -> F64:
        """One value a row."""


State = Mapping[str, NDArray[Any]]
Bars = Mapping[str, F64]
"""Fields of one bar a symbol (or a row): open, high, low, close, volume, trades."""


class Stateful(ABC):
    """A metric with state of its own, which checkpoints store."""

    @abstractmethod
    def groups(self) -> dict[str, Columns]:
        """Its columns, by the name that checkpoints know them under."""


class Ticked(Stateful):
    """A metric with state stepped by trades. It begins empty when a rule begins to use it."""

    def __init__(self, now: Columns) -> None:
        """`now`: a fresh instance of the state's columns."""
        self.now = now

    def groups(self) -> dict[str, Columns]:
        """The state after the newest trade."""
        return {"now": self.now}

    @abstractmethod
    def traded(self, view: TradeView) -> None:
        """The rows of `view` have been evaluated and are about to be the newest ones."""


class Recursive(Stateful):
    """A metric with state stepped from closed bar to closed bar. The state one bar back is kept, so that a late trade
    can amend the newest bar. At a row the running bar is one more step, that is not remembered.

    A subclass says what a step and the value are; both are pure functions over arrays of symbols or rows alike.
    """

    fields: tuple[str, ...] = ("close",)
    """What of a bar a step looks at."""

    def __init__(self, timeframe: Timeframe, now: Columns, back: Columns) -> None:
        """`now` and `back`: two fresh instances of the state's columns."""
        self.timeframe = timeframe
        self.now, self.back = now, back

    def groups(self) -> dict[str, Columns]:
        """The state after the newest closed bar and after the one before."""
        return {"now": self.now, "back": self.back}

    @abstractmethod
    def step(self, before: State, bar: Bars) -> dict[str, NDArray[Any]]:
        """The state after a bar, all of its columns."""

    @abstractmethod
    def value(self, state: State) -> F64:
        """The figure after the newest bar of `state`, null during warm-up."""

    def column(self, view: View) -> F64:
        """One value a row: after the running bar, or without one after the newest closed bar."""
        state = {name: view.spread_any(values) for name, values in self.now.take(view.members).items()}
        present = view.present(self.timeframe)
        running = self.value(self.step(state, {name: view.bar0(self.timeframe, name) for name in self.fields}))
        return running if present.all() else np.where(present, running, self.value(state))

    def closed(self, symbols: Index, bar: Bars) -> None:
        """A bar of each of `symbols` closed."""
        self.back.copy_from(self.now, symbols)
        self.now.put(symbols, self.step(self.now.take(symbols), bar))

    def amended(self, symbols: Index, bar: Bars) -> None:
        """The newest closed bar of each of `symbols` is another now."""
        self.now.copy_from(self.back, symbols)
        self.now.put(symbols, self.step(self.now.take(symbols), bar))

    def seed(self, history: History, symbols: Index) -> None:
        """Begin from the kept closed bars, as if they were all there ever were."""
        kept = np.minimum(history.count[symbols], history.timeframe.kept)
        for step in range(int(kept.max()) if len(kept) else 0):
            going = symbols[step < kept]
            number = history.count[going] - kept[step < kept] + step
            self.closed(going, {name: history.at(name, going, number).astype(np.float64) for name in self.fields})


class Window:
    """Values per symbol over the newest closed bars, computed again only where a bar has closed or changed since."""

    def __init__(self, compute: Callable[[History, Index], F64]) -> None:
        """`compute` gives the values of some symbols."""
        self._compute = compute
        self._values = np.empty(0)
        self._version = np.empty(0, np.int64)

    def of(self, history: History, symbols: Index) -> F64:
        """The values of `symbols`."""
        missing = len(history.version) - len(self._version)
        if missing > 0:
            self._values = np.append(self._values, np.full(missing, NULL))
            self._version = np.append(self._version, np.full(missing, -1, np.int64))
        stale = symbols[self._version[symbols] != history.version[symbols]]
        if len(stale):
            self._values[stale] = self._compute(history, stale)
            self._version[stale] = history.version[stale]
        return self._values[symbols]


class MinutePointer:
    """For each symbol the number of its newest closed bar that starts at or before a target minute; targets never go
    back."""

    def __init__(self) -> None:
        """All pointers before the first bar."""
        self._number = np.empty(0, np.int64)

    def advance(self, history: History, symbols: Index, target: I64) -> I64:
        """The numbers, -1 (or one before the oldest bar held) where there is none."""
        missing = len(history.count) - len(self._number)
        if missing > 0:
            self._number = np.append(self._number, np.full(missing, -1, np.int64))
        newest = history.count[symbols] - 1
        # No two bars start in one minute: so many at most start after the target.
        after = np.maximum(history.at("start", symbols, newest) - target, 0)
        number = np.maximum(self._number[symbols], newest - np.minimum(after, history.timeframe.ring))
        going = np.flatnonzero(number < newest)
        while len(going):
            following = number[going] + 1
            going = going[history.at("start", symbols[going], following) <= target[going]]
            number[going] += 1
            going = going[number[going] < newest[going]]
        self._number[symbols] = number
        return number
