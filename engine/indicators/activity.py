"""The trade at hand, halts, and the time since the last trade."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.columns import NULL
from engine.indicators.declare import Declaration, Unit
from engine.indicators.figures import Figure
from engine.timeframes import MINUTE_NS
from engine.view import View
from schemas.batch import F64


def _trade_size(view: View) -> F64:
    return view.trade("size")


def _trade_value(view: View) -> F64:
    return view.trade("trade_price") * view.trade("size")


def _halted(view: View) -> F64:
    return view.spread(view.state.symbol.halted[view.members])


def _minutes_since_halt(view: View) -> F64:
    since = view.spread_units(view.state.symbol.halted_ts[view.members])
    minutes = ((view.row_ts - since) // MINUTE_NS).astype(np.float64)
    return np.where(since >= 0, minutes, NULL)


def _seconds_since_trade(view: View) -> F64:
    return view.seconds_since_trade()


def _one(name: str, unit: Unit, definition: str, formula: Callable[[View], F64]) -> Declaration:
    return Declaration(name, (), unit, definition, lambda: Figure(formula), source="catalogue")


DECLARATIONS = (
    _one("trade_size", Unit.SHARES, "size of this very trade; null at other rows", _trade_size),
    _one("trade_value", Unit.DOLLARS, "price x size of this very trade; null at other rows", _trade_value),
    _one("halted", Unit.COUNT, "1 while trading is halted, else 0", _halted),
    _one("minutes_since_halt", Unit.MINUTES, "whole minutes since the newest halt began", _minutes_since_halt),
    _one("seconds_since_trade", Unit.SECONDS, "since the symbol's newest trade; 0 at a trade", _seconds_since_trade),
)
