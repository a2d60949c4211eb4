"""Sums over the last n minutes of today: volume and rolling vwap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.columns import NULL
from engine.history import History
from engine.indicators.base import MinutePointer
from engine.indicators.declare import MINUTES, Declaration, Duration, Unit
from engine.segments import Index
from engine.timeframes import ONE_MINUTE
from engine.view import View
from schemas.batch import F64, I64

Term = Callable[[History, Index, I64], F64]


class MinuteSum:
    """Sum of a term over the closed 1m bars of the current day that start in (m - n, m], oldest first; kept until the
    minute or a bar changes."""

    def __init__(self, minutes: int, term: Term) -> None:
        """`term` gives a bar's contribution by its number."""
        self._minutes, self._term = minutes, term
        self._pointer = MinutePointer()
        self._sum = np.empty(0)
        self._version = self._minute = np.empty(0, np.int64)

    def over_members(self, view: View) -> F64:
        """The sums, null in the closed session."""
        history, members, minute = view.history(ONE_MINUTE), view.members, view.member_minute
        missing = len(history.version) - len(self._sum)
        if missing > 0:
            self._sum = np.append(self._sum, np.zeros(missing))
            self._version = np.append(self._version, np.full(missing, -1, np.int64))
            self._minute = np.append(self._minute, np.full(missing, -1, np.int64))
        stale = np.flatnonzero((self._version[members] != history.version[members]) | (self._minute[members] != minute))
        if len(stale):
            symbols = members[stale]
            self._sum[symbols] = self._sum_from(
                history, symbols, np.maximum(minute[stale] - self._minutes, view.member_info.day_start[stale] - 1)
            )
            self._version[symbols], self._minute[symbols] = history.version[symbols], minute[stale]
        return np.where(view.closed_session(), NULL, self._sum[members])

    def _sum_from(self, history: History, symbols: Index, target: I64) -> F64:
        """Sum over all bars that start after `target`."""
        number = self._pointer.advance(history, symbols, target) + 1
        total = np.zeros(len(symbols))
        going = np.flatnonzero(number < history.count[symbols])
        while len(going):
            total[going] += self._term(history, symbols[going], number[going])
            number[going] += 1
            going = going[number[going] < history.count[symbols[going]]]
        return total


def _volume(history: History, symbols: Index, number: I64) -> F64:
    return np.asarray(history.at("volume", symbols, number))


def _weighted(history: History, symbols: Index, number: I64) -> F64:
    high, low, close = (history.at(name, symbols, number) for name in ("high", "low", "close"))
    return np.asarray(((high + low) + close) / 3 * _volume(history, symbols, number))


class VolumeLast:
    """Volume of the last n minutes, the running one in."""

    def __init__(self, length: Duration) -> None:
        """Over `length` minutes."""
        self._volume = MinuteSum(length.count, _volume)

    def column(self, view: View) -> F64:
        """One value a row."""
        running = np.where(view.present(ONE_MINUTE), view.bar0(ONE_MINUTE, "volume"), 0.0)
        return view.spread(self._volume.over_members(view)) + running


class RollingVwap:
    """sum((high + low + close) / 3 x volume) / sum(volume) over the 1m bars of the last n minutes, the running one
    in."""

    def __init__(self, length: Duration) -> None:
        """Over `length` minutes."""
        self._volume, self._weighted = MinuteSum(length.count, _volume), MinuteSum(length.count, _weighted)

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low, close, volume = (view.bar0(ONE_MINUTE, name) for name in ("high", "low", "close", "volume"))
        present = view.present(ONE_MINUTE)
        weighted = view.spread(self._weighted.over_members(view)) + np.where(
            present, ((high + low) + close) / 3 * volume, 0.0
        )
        total = view.spread(self._volume.over_members(view)) + np.where(present, volume, 0.0)
        return np.where(total > 0, weighted / total, NULL)


DECLARATIONS = (
    Declaration("volume_last", (MINUTES,), Unit.SHARES, "volume of the last n minutes of today", VolumeLast),
    Declaration(
        "rolling_vwap",
        (MINUTES,),
        Unit.PRICE,
        "typical price (high + low + close) / 3 of the 1m bars of the last n minutes, weighted by volume",
        RollingVwap,
    ),
)
