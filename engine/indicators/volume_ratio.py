"""Volume against the mean of the bars before."""

from __future__ import annotations

from engine.indicators.before import Before, field, over
from engine.indicators.declare import TIMEFRAME, Declaration, Kind, Parameter, Unit
from engine.indicators.formulas import ratio
from engine.timeframes import Timeframe
from engine.view import View
from schemas.batch import F64


class VolumeRatio:
    """Volume of bar 0, as it is so far, by the mean volume of the k closed bars before it."""

    def __init__(self, bars: int, timeframe: Timeframe) -> None:
        """Against `bars` closed bars."""
        self._bars, self._timeframe = bars, timeframe
        self._before = Before(timeframe, over(field("volume"), bars))

    def column(self, view: View) -> F64:
        """One value a row."""
        return ratio(view.bar0(self._timeframe, "volume"), self._before.rows(view) / self._bars)


DECLARATIONS = (
    Declaration(
        "volume_ratio",
        (Parameter("k", Kind.BARS), TIMEFRAME),
        Unit.RATIO,
        "volume against the mean of the k closed bars before; null where that is 0",
        VolumeRatio,
        warm_up="bar k + 1",
        source="catalogue",
    ),
)
