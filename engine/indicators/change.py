"""Change of the price against n seconds, minutes or days ago."""

from __future__ import annotations

import numpy as np

from engine.columns import NULL
from engine.indicators.base import Metric, MinutePointer
from engine.indicators.days import day_ago
from engine.indicators.declare import Declaration, Duration, Kind, Parameter, Unit
from engine.indicators.seconds import SecondPrices
from engine.timeframes import ONE_MINUTE
from engine.view import View
from schemas.batch import F64


class Change:
    """price - ref, or 100 x (price / ref - 1); ref = close of today's newest 1m bar that starts at least n minutes
    before the row's minute."""

    def __init__(self, minutes: int, percent: bool) -> None:
        """Over so many minutes."""
        self._minutes, self._percent = minutes, percent
        self._pointer = MinutePointer()

    def column(self, view: View) -> F64:
        """One value a row."""
        history, members = view.history(ONE_MINUTE), view.members
        number = self._pointer.advance(history, members, view.member_minute - self._minutes)
        today = (number >= 0) & (number >= history.count[members] - history.timeframe.ring) & ~view.closed_session()
        today &= history.at("start", members, number) >= view.member_info.day_start
        return _from(view, view.spread(np.where(today, history.at("close", members, number), NULL)), self._percent)


class ChangeOfDays:
    """The same against the regular close n trading days ago."""

    def __init__(self, days: int, percent: bool) -> None:
        """Over so many days."""
        self._days, self._percent = days, percent

    def column(self, view: View) -> F64:
        """One value a row."""
        return _from(view, view.spread(day_ago(view, "close", self._days)), self._percent)


class ChangeOfSeconds(SecondPrices):
    """The same against today's price n seconds ago."""

    def __init__(self, seconds: int, percent: bool, capacity: int) -> None:
        """Over so many seconds."""
        super().__init__(seconds, capacity)
        self._percent = percent

    def column(self, view: View) -> F64:
        """One value a row."""
        return _from(view, self.ago(view), self._percent)


def _from(view: View, reference: F64, percent: bool) -> F64:
    return 100 * (view.price / reference - 1) if percent else view.price - reference


def _change(length: Duration, percent: bool, capacity: int) -> Metric:
    if length.unit == "s":
        return ChangeOfSeconds(length.count, percent, capacity)
    return (Change if length.unit == "m" else ChangeOfDays)(length.count, percent)


LENGTH = Parameter("n", Kind.DURATION, durations={"s": (60, 300), "m": (1, 240), "d": (1, 20)})
_REFERENCE = (
    "in minutes: the close of today's newest 1m bar that starts n ago or earlier; in seconds: today's price after the "
    "last trade in a second n ago or earlier; in days: the regular close n trading days ago"
)

DECLARATIONS = (
    Declaration(
        "change",
        (LENGTH,),
        Unit.PRICE,
        f"price less the price n ago; {_REFERENCE}",
        lambda n, capacity: _change(n, percent=False, capacity=capacity),
        recursive=True,
        warm_up="n into the day; in days: n closed days",
        source="catalogue",
    ),
    Declaration(
        "change_pct",
        (LENGTH,),
        Unit.PERCENT,
        f"price against the price n ago; {_REFERENCE}",
        lambda n, capacity: _change(n, percent=True, capacity=capacity),
        recursive=True,
        warm_up="n into the day; in days: n closed days",
        source="catalogue",
    ),
)
