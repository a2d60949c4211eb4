"""The day's range and gap: formulas over its open, high, low and the prior close."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.indicators.atr import Atr
from engine.indicators.declare import BARS, TIMEFRAME, Declaration, Unit
from engine.indicators.donchian import DonchianLower, DonchianUpper
from engine.indicators.figures import Figure
from engine.indicators.formulas import ratio
from engine.timeframes import ONE_DAY
from engine.view import View
from schemas.batch import F64

ATR_DAYS = 14


def _range(view: View) -> F64:
    return view.day("high") - view.day("low")


def _gap_from(view: View) -> F64:
    """The day's open; until there is one, the price."""
    opened = view.day("open")
    return np.where(np.isnan(opened), view.price, opened)


def _gap(view: View) -> F64:
    return _gap_from(view) - view.day("prior_close")


def _gap_pct(view: View) -> F64:
    return 100 * (_gap_from(view) / view.day("prior_close") - 1)


def _gap_fill_pct(view: View) -> F64:
    gap = view.day("open") - view.day("prior_close")
    furthest = np.where(gap > 0, view.day("low"), view.day("high"))
    return 100 * (view.day("open") - furthest) / np.where(gap == 0, np.nan, gap)


def _position(view: View) -> F64:
    return ratio(100 * (view.price - view.day("low")), _range(view))


def _to_high(view: View) -> F64:
    return 100 * (view.day("high") - view.price) / view.day("high")


def _to_low(view: View) -> F64:
    return 100 * (view.price - view.day("low")) / view.day("low")


class RelativeRange(Atr):
    """The day's range in percent of atr(14, 1d) of the closed days."""

    def __init__(self, capacity: int) -> None:
        """On days."""
        super().__init__(ATR_DAYS, ONE_DAY, capacity)

    def column(self, view: View) -> F64:
        """One value a row."""
        state: dict[str, NDArray[Any]] = self.now.take(view.members)
        return ratio(100 * _range(view), view.spread(self.value(state)))


def _one(name: str, unit: Unit, definition: str, formula: Callable[[View], F64]) -> Declaration:
    return Declaration(name, (), unit, definition, lambda: Figure(formula), source="catalogue")


DECLARATIONS = (
    _one("gap", Unit.PRICE, "the day's open (until there is one, the price) less the prior close", _gap),
    _one("gap_pct", Unit.PERCENT, "the day's open (until there is one, the price) against the prior close", _gap_pct),
    _one(
        "gap_fill_pct",
        Unit.PERCENT,
        "how much of the gap the day's low (after a gap down: its high) has gone back; null without a gap",
        _gap_fill_pct,
    ),
    _one("range_today", Unit.PRICE, "the day's high less its low", _range),
    _one("range_pct_today", Unit.PERCENT, "the day's range against its low", lambda v: 100 * _range(v) / v.day("low")),
    Declaration(
        "relative_range_pct",
        (),
        Unit.PERCENT,
        "the day's range against atr(14, 1d) of the closed days",
        RelativeRange,
        recursive=True,
        warm_up="15 closed days",
        source="catalogue",
    ),
    _one(
        "position_in_range_today",
        Unit.PERCENT,
        "where the price is from the day's low (0) to its high (100); null where both are equal",
        _position,
    ),
    _one("dist_to_day_high_pct", Unit.PERCENT, "how far the price is below the day's high, against that", _to_high),
    _one("dist_to_day_low_pct", Unit.PERCENT, "how far the price is above the day's low, against that", _to_low),
    Declaration(
        "highest",
        (BARS, TIMEFRAME),
        Unit.PRICE,
        "highest high of n bars, bar 0 in",
        DonchianUpper,
        warm_up="bar n",
        source="catalogue",
    ),
    Declaration(
        "lowest",
        (BARS, TIMEFRAME),
        Unit.PRICE,
        "lowest low of n bars, bar 0 in",
        DonchianLower,
        warm_up="bar n",
        source="catalogue",
    ),
)
