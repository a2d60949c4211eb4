"""The prices of the last few hundred seconds, for as long as a rule looks back by seconds."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.calendar import CLOSED
from engine.columns import NULL, Columns, column
from engine.indicators.base import Ticked
from engine.segments import Index, starts_of_runs
from engine.timeframes import MINUTE_NS
from engine.view import TradeView, View
from schemas.batch import F64, I64

SECOND_NS: Final = 1_000_000_000
_MINUTE_S: Final = MINUTE_NS // SECOND_NS


class _Seconds(Columns):
    """A ring over the seconds with a trade, entry number % width: the second and the price after its last trade.
    `count` = entries so far."""

    count: I64 = column("i8")
    second: NDArray[np.int64]
    price: F64


def _seconds(width: int, capacity: int) -> _Seconds:
    sized = {"second": column("i8", -1, width), "price": column("f8", NULL, width)}
    found: _Seconds = type("_SizedSeconds", (_Seconds,), sized)(capacity)
    return found


class SecondPrices(Ticked):
    """For each row today's price n seconds ago: after the last trade row in a second <= that of the row - n."""

    now: _Seconds

    def __init__(self, seconds: int, capacity: int) -> None:
        """`seconds` >= 60: what is looked for then lies in an earlier minute than the rows of a view."""
        self._seconds, self._width = seconds, seconds + 2
        super().__init__(_seconds(self._width, capacity))

    def traded(self, view: TradeView) -> None:
        """Remember the last price of each second."""
        second = view.row_ts // SECOND_NS
        last = np.append(starts_of_runs(view.segments.of_row, second)[1:], len(view)) - 1
        info, of_row = view.member_info, view.places(last)
        today = view.price_ts[last] >= info.day_start[of_row] * MINUTE_NS
        rows = last[today & (info.session != CLOSED)[of_row]]
        if not len(rows):
            return
        symbols, second, price = view.symbols_of(rows), second[rows], view.price[rows]
        first = starts_of_runs(symbols)
        lengths = np.diff(first, append=len(rows))
        count = self.now.count[symbols[first]]
        again = (count > 0) & (self.now.second[symbols[first], (count - 1) % self._width] == second[first])
        number = np.repeat(count - again, lengths) + np.arange(len(rows)) - np.repeat(first, lengths)
        self.now.second[symbols, number % self._width] = second
        self.now.price[symbols, number % self._width] = price
        self.now.count[symbols[first]] = number[first + lengths - 1] + 1

    def ago(self, view: View) -> F64:
        """The price then over rows, null where there was none today."""
        if view.segments is None:
            return self._prices(view, np.arange(len(view)))
        second = view.row_ts // SECOND_NS
        first = starts_of_runs(view.segments.of_row, second)
        return np.repeat(self._prices(view, first), np.diff(first, append=len(view)))

    def _prices(self, view: View, rows: Index) -> F64:
        """The same of some rows."""
        places, wanted = view.places(rows), view.row_ts[rows] // SECOND_NS - self._seconds
        symbols = view.members[places]
        number = self._newest_until(symbols, wanted)
        found = (number >= 0) & (number >= self.now.count[symbols] - self._width)
        slot = number % self._width
        info = view.member_info
        earliest = np.where(info.session == CLOSED, np.iinfo(np.int64).max, info.day_start * _MINUTE_S)
        found &= self.now.second[symbols, slot] >= earliest[places]
        return np.where(found, self.now.price[symbols, slot], NULL)

    def _newest_until(self, symbols: Index, wanted: I64) -> NDArray[Any]:
        """Number of each row's newest entry that is not after `wanted`: the newest of all, or found by halving."""
        number = self.now.count[symbols] - 1
        later = np.flatnonzero(self.now.second[symbols, number % self._width] > wanted)
        symbols, wanted, high = symbols[later], wanted[later], number[later] - 1
        low = np.maximum(high + 1 - self._width, -1)
        while (low < high).any():
            middle = (low + high + 1) // 2
            fits = self.now.second[symbols, middle % self._width] <= wanted
            low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
        number[later] = low
        return number
