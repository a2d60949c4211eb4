"""Volume of the day against the usual: a whole day's, and what is usually traded by this time of the day."""

from __future__ import annotations

import numpy as np

from engine.columns import NULL
from engine.indicators.days import DaysBefore
from engine.indicators.declare import Declaration, Duration, Kind, Parameter, Unit
from engine.indicators.figures import Figure
from engine.indicators.formulas import ratio
from engine.profile import DAYS, usual_volume
from engine.view import View
from schemas.batch import F64


class AverageVolumeDay:
    """Mean volume of the n closed days before the current one."""

    def __init__(self, length: Duration) -> None:
        """Over `length` days."""
        days = length.count
        self._mean = DaysBefore(
            lambda history, symbols, skip: history.sum_of_newest("volume", symbols, days, skip) / days
        )

    def column(self, view: View) -> F64:
        """One value a row."""
        return view.spread(self._mean.over_members(view))


class RelativeVolumeDay:
    """Volume of the day in percent of the mean of the days before."""

    def __init__(self) -> None:
        """Over ten days."""
        self._mean = AverageVolumeDay(Duration(DAYS, "d"))

    def column(self, view: View) -> F64:
        """One value a row."""
        return ratio(100 * view.sizes(view.day_volume_units()), self._mean.column(view))


def _same_time(view: View) -> F64:
    usual = usual_volume(view.state, view.symbols, view.spread_units(view.member_info.day_start), view.row_ts)
    usual = np.where(view.spread_any(view.closed_session()), NULL, usual)
    return ratio(100 * view.sizes(view.day_volume_units()), usual)


DECLARATIONS = (
    Declaration(
        "avg_volume_day",
        (Parameter("n", Kind.DURATION, durations={"d": (1, 60)}),),
        Unit.SHARES,
        "mean volume of the n closed days before the current one",
        AverageVolumeDay,
        warm_up="n closed days",
        moves=False,
        source="catalogue",
    ),
    Declaration(
        "relative_volume_day",
        (),
        Unit.PERCENT,
        "volume of the day against the mean of the 10 days before",
        RelativeVolumeDay,
        warm_up="10 closed days",
        source="catalogue",
    ),
    Declaration(
        "relative_volume_same_time",
        (),
        Unit.PERCENT,
        "volume of the day against what is traded by this time on a usual day: the mean of up to 10 past days",
        lambda: Figure(_same_time),
        warm_up="1 closed day with bars",
        source="catalogue",
    ),
)
