"""Extremes of the past year and the largest day of some months, over the closed days before the current one."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.columns import NULL
from engine.history import History
from engine.indicators.before import Compute, over
from engine.indicators.days import DaysBefore
from engine.indicators.declare import Declaration, Duration, Kind, Parameter, Unit
from engine.segments import Index
from engine.view import View
from schemas.batch import F64, I64

YEAR_DAYS: Final = 252
ENOUGH_DAYS: Final = 20
"""A symbol younger than that has no year's extreme."""


class OfDays:
    """A figure over the closed days before the current one."""

    def __init__(self, compute: Compute) -> None:
        """Kept until a day closes."""
        self._days = DaysBefore(compute)

    def column(self, view: View) -> F64:
        """One value a row."""
        return view.spread(self._days.over_members(view))


def _year(field: str) -> Compute:
    """Extreme of the newest days, up to a year of them."""
    combine = np.fmax if field == "high" else np.fmin

    def compute(history: History, symbols: Index, skip: int) -> F64:
        count = history.count[symbols] - skip
        found = np.full(len(symbols), NULL)
        for back in range(1, min(YEAR_DAYS, int(count.max(initial=0))) + 1):
            number = count - back
            found = combine(found, np.where(number >= 0, history.at(field, symbols, number), NULL))
        return np.where(count >= ENOUGH_DAYS, found, NULL)

    return compute


def _day_range_pct(history: History, symbols: Index, number: I64) -> F64:
    high, low = history.at("high", symbols, number), history.at("low", symbols, number)
    return np.asarray(100 * (high - low) / low)


def _biggest(length: Duration) -> OfDays:
    return OfDays(over(_day_range_pct, length.count, np.maximum, -np.inf))


def _of_year(name: str, field: str) -> Declaration:
    return Declaration(
        name,
        (),
        Unit.PRICE,
        f"{field}est {field} of the 252 closed days before the current one, or of as many as there are",
        lambda: OfDays(_year(field)),
        warm_up=f"{ENOUGH_DAYS} closed days",
        moves=False,
        source="catalogue",
    )


DECLARATIONS = (
    _of_year("high_52w", "high"),
    _of_year("low_52w", "low"),
    Declaration(
        "biggest_range_pct",
        (Parameter("n", Kind.DURATION, durations={"d": (1, YEAR_DAYS)}),),
        Unit.PERCENT,
        "largest range of a single day, against its low, of the n closed days before the current one",
        _biggest,
        warm_up="n closed days",
        moves=False,
        source="catalogue",
    ),
)
