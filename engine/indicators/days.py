"""Closed days before the current one: what figures over days look at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.columns import NULL
from engine.history import History
from engine.indicators.base import Window
from engine.segments import Index, Mask
from engine.timeframes import ONE_DAY
from engine.view import View
from schemas.batch import F64


def today_has_closed(view: View) -> Mask:
    """Over members: whether the newest closed 1d bar is that of the current day."""
    newest = view.history(ONE_DAY).newest("start", view.members)
    return np.asarray(newest == view.state.day.start[view.members])


def day_ago(view: View, field: str, days: int) -> F64:
    """Over members: a field of the day that many trading days before the current one."""
    history, members = view.history(ONE_DAY), view.members
    number = history.count[members] - days - today_has_closed(view)
    return np.where(number >= 0, history.at(field, members, number), NULL)


class DaysBefore:
    """A figure over the closed days before the current one, kept until a day closes."""

    def __init__(self, compute: Callable[[History, Index, int], F64]) -> None:
        """`compute` gives the figure of some symbols with so many of the newest closed days left out."""
        self._all = Window(lambda history, symbols: compute(history, symbols, 0))
        self._but_newest = Window(lambda history, symbols: compute(history, symbols, 1))

    def over_members(self, view: View) -> F64:
        """One value a member."""
        history, closed = view.history(ONE_DAY), today_has_closed(view)
        found = self._all.of(history, view.members)
        return np.where(closed, self._but_newest.of(history, view.members), found) if closed.any() else found
