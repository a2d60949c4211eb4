"""Where a row stands in time: session, time of day, minutes from the open and to the close, weekday."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.calendar import CLOSED, POST, REGULAR
from engine.columns import NULL
from engine.indicators.declare import Declaration, Unit
from engine.indicators.figures import Figure
from engine.segments import Mask
from engine.view import View
from schemas.batch import F64, I64

_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0 here and 1 in the figure."""


def _where(view: View, inside: Mask, values: I64) -> F64:
    """Over rows: values over members, null where not `inside`."""
    return view.spread(np.where(inside, values.astype(np.float64), NULL))


def _session(view: View) -> F64:
    return view.spread(view.member_info.session)


def _minutes_in_market(view: View) -> F64:
    info = view.member_info
    inside = (info.session == REGULAR) | (info.session == POST)
    return _where(view, inside, view.member_minute - info.regular_start)


def _minutes_to_close(view: View) -> F64:
    info = view.member_info
    return _where(view, info.session == REGULAR, info.regular_end - view.member_minute)


def _time_of_day(view: View) -> F64:
    info = view.member_info
    return _where(view, info.session != CLOSED, view.member_minute - info.midnight)


def _weekday(view: View) -> F64:
    info = view.member_info
    return _where(view, info.session != CLOSED, (info.day + _EPOCH_WEEKDAY) % 7 + 1)


def _one(name: str, unit: Unit, definition: str, formula: Callable[[View], F64]) -> Declaration:
    return Declaration(name, (), unit, definition, lambda: Figure(formula), source="catalogue")


DECLARATIONS = (
    _one("session", Unit.SESSION, "0 closed, 1 pre, 2 regular, 3 post", _session),
    _one(
        "minutes_in_market",
        Unit.MINUTES,
        "whole minutes since the regular session began, going on in post; null before",
        _minutes_in_market,
    ),
    _one(
        "minutes_to_close", Unit.MINUTES, "minutes to the end of the regular session, begun ones in", _minutes_to_close
    ),
    _one("time_of_day", Unit.TIME, "whole minutes since midnight, exchange time (24x7: UTC)", _time_of_day),
    _one("weekday", Unit.WEEKDAY, "1 Monday to 7 Sunday, exchange time (24x7: UTC)", _weekday),
)
