"""What reference records say of a symbol: float, shares outstanding, short interest, ownership, the next earnings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.calendar import NO_DAY
from engine.columns import NULL
from engine.indicators.declare import Declaration, Unit
from engine.indicators.figures import Figure
from engine.state import NO_EARNINGS
from engine.timeframes import MINUTE_NS
from engine.view import View
from schemas.batch import F64


def _supplied(field: str) -> Callable[[View], F64]:
    return lambda view: view.spread(getattr(view.state.reference, field)[view.members])


def _market_cap(view: View) -> F64:
    return view.spread(view.state.reference.shares_outstanding[view.members]) * view.price


def _days_until_earnings(view: View) -> F64:
    state, days = view.state, np.full(len(view.members), NULL)
    known = np.flatnonzero(state.reference.earnings[view.members] != NO_EARNINGS)
    if len(known):
        symbols = view.members[known]
        market = state.symbol.market[symbols]
        then = state.clock.local_day(state.reference.earnings[symbols] // MINUTE_NS, market)
        today = state.clock.local_day(view.member_minute[known], market)
        days[known] = np.where((today != NO_DAY) & (then >= today), then - today, NULL)
    return view.spread(days)


def _one(name: str, unit: Unit, definition: str, formula: Callable[[View], F64]) -> Declaration:
    warm_up = "once a reference record has said it"
    return Declaration(name, (), unit, definition, lambda: Figure(formula), warm_up=warm_up, source="catalogue")


DECLARATIONS = (
    _one("float", Unit.SHARES, "shares that can be traded, as supplied", _supplied("float")),
    _one("shares_outstanding", Unit.SHARES, "all shares there are, as supplied", _supplied("shares_outstanding")),
    _one("market_cap", Unit.DOLLARS, "shares outstanding x price", _market_cap),
    _one(
        "short_interest_pct",
        Unit.PERCENT,
        "shares sold short, of the float, as supplied",
        _supplied("short_interest_pct"),
    ),
    _one(
        "institutional_ownership_pct",
        Unit.PERCENT,
        "shares held by institutions, of all, as supplied",
        _supplied("institutional_ownership_pct"),
    ),
    _one(
        "short_ratio",
        Unit.DAYS,
        "shares sold short by the usual volume of a day, as supplied",
        _supplied("short_ratio"),
    ),
    _one(
        "days_until_earnings",
        Unit.DAYS,
        "calendar days to the day of the next earnings, exchange time (24x7: UTC), 0 on it; null after it",
        _days_until_earnings,
    ),
)
