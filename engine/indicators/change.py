"""Change of the price against n minutes ago."""

from __future__ import annotations

import numpy as np

from engine.columns import NULL
from engine.indicators.base import MinutePointer
from engine.indicators.declare import MINUTES, Declaration, Duration, Unit
from engine.timeframes import ONE_MINUTE
from engine.view import View
from schemas.batch import F64


class Change:
    """price - ref, or 100 x (price / ref - 1); ref = close of today's newest 1m bar that starts at least n minutes
    before the row's minute."""

    def __init__(self, length: Duration, percent: bool) -> None:
        """Over `length` minutes."""
        self._minutes, self._percent = length.count, percent
        self._pointer = MinutePointer()

    def column(self, view: View) -> F64:
        """One value a row."""
        history, members = view.history(ONE_MINUTE), view.members
        number = self._pointer.advance(history, members, view.member_minute - self._minutes)
        today = (number >= 0) & (number >= history.count[members] - history.timeframe.ring) & ~view.closed_session()
        today &= history.at("start", members, number) >= view.member_info.day_start
        ref = view.spread(np.where(today, history.at("close", members, number), NULL))
        return 100 * (view.price / ref - 1) if self._percent else view.price - ref


DECLARATIONS = (
    Declaration(
        "change",
        (MINUTES,),
        Unit.PRICE,
        "price less the close of today's newest 1m bar that starts n minutes ago or earlier",
        lambda n: Change(n, percent=False),
        warm_up="n minutes into the day",
        source="catalogue",
    ),
    Declaration(
        "change_pct",
        (MINUTES,),
        Unit.PERCENT,
        "price against the close of today's newest 1m bar that starts n minutes ago or earlier",
        lambda n: Change(n, percent=True),
        warm_up="n minutes into the day",
        source="catalogue",
    ),
)
