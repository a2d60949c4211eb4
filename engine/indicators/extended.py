"""What trades before and after the regular session, and the day with both."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.calendar import POST, PRE
from engine.columns import NULL
from engine.indicators.declare import Declaration, Unit
from engine.indicators.figures import Figure
from engine.view import View
from schemas.batch import F64


def _within(session: int, field: str, percent: bool) -> Callable[[], Figure]:
    """Price against a close, in one session alone."""

    def formula(view: View) -> F64:
        reference = np.where(view.spread_any(view.member_info.session == session), view.day(field), NULL)
        return 100 * (view.price / reference - 1) if percent else view.price - reference

    return lambda: Figure(formula)


def _extended(view: View, field: str) -> F64:
    """An extreme of the regular session and of both around it."""
    combine = np.fmax if field == "high" else np.fmin
    return np.asarray(combine(combine(view.extended(PRE, field), view.day(field)), view.extended(POST, field)))


def _extreme(field: str) -> Callable[[], Figure]:
    return lambda: Figure(lambda view: _extended(view, field))


def _below_high(view: View) -> F64:
    high = _extended(view, "high")
    return 100 * (high - view.price) / high


def _above_low(view: View) -> F64:
    low = _extended(view, "low")
    return 100 * (view.price - low) / low


def _volume(*sessions: int) -> Callable[[], Figure]:
    """Today's pre, the newest post."""
    return lambda: Figure(
        lambda view: view.sizes(
            np.add.reduce([view.extended_volume_units(session, of_today=session == PRE) for session in sessions])
        )
    )


def _pre(field: str) -> Callable[[], Figure]:
    return lambda: Figure(lambda view: view.extended(PRE, field))


def _one(name: str, unit: Unit, definition: str, build: Callable[[], Figure]) -> Declaration:
    return Declaration(name, (), unit, definition, build, source="catalogue")


DECLARATIONS = (
    _one(
        "change_from_close_premarket",
        Unit.PRICE,
        "price less the prior close, in pre alone",
        _within(PRE, "prior_close", percent=False),
    ),
    _one(
        "change_from_close_premarket_pct",
        Unit.PERCENT,
        "price against the prior close, in pre alone",
        _within(PRE, "prior_close", percent=True),
    ),
    _one(
        "change_from_close_postmarket",
        Unit.PRICE,
        "price less the day's close, in post alone",
        _within(POST, "close", percent=False),
    ),
    _one(
        "change_from_close_postmarket_pct",
        Unit.PERCENT,
        "price against the day's close, in post alone",
        _within(POST, "close", percent=True),
    ),
    _one("premarket_high", Unit.PRICE, "high of the day's pre session", _pre("high")),
    _one("premarket_low", Unit.PRICE, "low of the day's pre session", _pre("low")),
    _one("day_high_ext", Unit.PRICE, "high of the day, pre and post in", _extreme("high")),
    _one("day_low_ext", Unit.PRICE, "low of the day, pre and post in", _extreme("low")),
    _one(
        "dist_to_day_high_ext_pct",
        Unit.PERCENT,
        "how far the price is below the day's high, pre and post in, against that",
        lambda: Figure(_below_high),
    ),
    _one(
        "dist_to_day_low_ext_pct",
        Unit.PERCENT,
        "how far the price is above the day's low, pre and post in, against that",
        lambda: Figure(_above_low),
    ),
    _one("premarket_volume", Unit.SHARES, "volume of the day's pre session", _volume(PRE)),
    _one("postmarket_volume", Unit.SHARES, "volume of the newest post session", _volume(POST)),
    _one("overnight_volume", Unit.SHARES, "volume of the newest post and the day's pre session", _volume(POST, PRE)),
)
