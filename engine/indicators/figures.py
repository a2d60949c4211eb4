"""Figures that are there anyway: the price, bar 0, the day, and formulas over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.indicators.declare import TIMEFRAME, Declaration, Unit
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


def dollar_volume_day() -> Figure:
    """price x size of the day."""
    return Figure(lambda view: view.day_value())


def vwap_dist() -> Figure:
    """Price less the session's vwap."""
    return Figure(lambda view: view.price - view.session_vwap())


def volume_day() -> Figure:
    """Volume of the day."""
    return Figure(lambda view: view.sizes(view.day_volume_units()))


def vwap() -> Figure:
    """Volume-weighted price of the session."""
    return Figure(lambda view: view.session_vwap())


def vwap_dist_pct() -> Figure:
    """Price against the session's vwap, in percent."""
    return Figure(lambda view: 100 * (view.price / view.session_vwap() - 1))


def _bar(field: str, unit: Unit) -> Declaration:
    return Declaration(field, (TIMEFRAME,), unit, f"{field} of the running bar", bar_field(field), source="catalogue")


DECLARATIONS = (
    Declaration("price", (), Unit.PRICE, "newest price", price),
    _bar("open", Unit.PRICE),
    _bar("high", Unit.PRICE),
    _bar("low", Unit.PRICE),
    _bar("close", Unit.PRICE),
    _bar("volume", Unit.SHARES),
    _bar("trades", Unit.COUNT),
    Declaration(
        "day_open", (), Unit.PRICE, "first regular price of the day, or the opening auction's", day_field("open")
    ),
    Declaration(
        "day_close", (), Unit.PRICE, "newest regular price of the day, or the closing auction's", day_field("close")
    ),
    Declaration("day_high", (), Unit.PRICE, "high of the day's regular session", day_field("high")),
    Declaration("day_low", (), Unit.PRICE, "low of the day's regular session", day_field("low")),
    Declaration("prior_close", (), Unit.PRICE, "regular close of the day before", day_field("prior_close")),
    Declaration("prior_high", (), Unit.PRICE, "regular high of the day before", day_field("prior_high")),
    Declaration("prior_low", (), Unit.PRICE, "regular low of the day before", day_field("prior_low")),
    Declaration("change_from_open", (), Unit.PRICE, "price less the day's open", difference("open")),
    Declaration("change_from_open_pct", (), Unit.PERCENT, "price against the day's open", percent_from("open")),
    Declaration("change_from_close", (), Unit.PRICE, "price less the prior close", difference("prior_close")),
    Declaration(
        "change_from_close_pct", (), Unit.PERCENT, "price against the prior close", percent_from("prior_close")
    ),
    Declaration("volume_day", (), Unit.SHARES, "volume since the start of the day", volume_day),
    Declaration("dollar_volume_day", (), Unit.DOLLARS, "price x size since the start of the day", dollar_volume_day),
    Declaration("vwap", (), Unit.PRICE, "volume-weighted price of the session", vwap),
    Declaration("vwap_dist", (), Unit.PRICE, "price less the session's vwap", vwap_dist),
    Declaration("vwap_dist_pct", (), Unit.PERCENT, "price against the session's vwap", vwap_dist_pct),
)
