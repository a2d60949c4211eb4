"""Figures that are there anyway: the price, bar 0, the day, and formulas over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric without state."""

    formula: Callable[[View], F64]

    def column(self, view: View) -> F64:
        """One value a row."""
        return self.formula(view)


def bar_field(field: str) -> Callable[[Timeframe], Figure]:
    """A field of bar 0 on a timeframe."""
    return lambda timeframe: Figure(lambda view: view.bar0(timeframe, field))


def day_field(field: str) -> Callable[[], Figure]:
    """A price of the day."""
    return lambda: Figure(lambda view: view.day(field))


def difference(field: str) -> Callable[[], Figure]:
    """Price less a price of the day."""
    return lambda: Figure(lambda view: view.price - view.day(field))


def percent_from(field: str) -> Callable[[], Figure]:
    """Price against a price of the day, in percent."""
    return lambda: Figure(lambda view: 100 * (view.price / view.day(field) - 1))


def price() -> Figure:
    """Newest price."""
    return Figure(lambda view: view.price)


def volume_day() -> Figure:
    """Volume of the day."""
    return Figure(lambda view: view.sizes(view.day_volume_units()))


def vwap() -> Figure:
    """Volume-weighted price of the session."""
    return Figure(lambda view: view.session_vwap())


def vwap_dist_pct() -> Figure:
    """Price against the session's vwap, in percent."""
    return Figure(lambda view: 100 * (view.price / view.session_vwap() - 1))
