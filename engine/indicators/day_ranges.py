"""The range of the last days, today in, and where the price is in it."""

from __future__ import annotations

from engine.indicators.declare import Declaration, Duration, Kind, Parameter, Unit
from engine.indicators.donchian import DonchianLower, DonchianUpper
from engine.indicators.formulas import ratio
from engine.timeframes import ONE_DAY
from engine.view import View
from schemas.batch import F64

DAYS = Parameter("n", Kind.DURATION, durations={"d": (1, 20)})


class ExtremesOfDays:
    """High and low of bar 0 of 1d and the n - 1 days before it."""

    def __init__(self, length: Duration) -> None:
        """Over so many days."""
        self._upper, self._lower = DonchianUpper(length.count, ONE_DAY), DonchianLower(length.count, ONE_DAY)

    def of(self, view: View) -> tuple[F64, F64]:
        """Both over rows; null where there are fewer days."""
        return self._upper.column(view), self._lower.column(view)


class RangeOfDays(ExtremesOfDays):
    """High less low."""

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low = self.of(view)
        return high - low


class RangePercentOfDays(ExtremesOfDays):
    """High less low in percent of the low."""

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low = self.of(view)
        return 100 * (high - low) / low


class PositionInDays(ExtremesOfDays):
    """Where the price is between low (0) and high (100); beyond them outside of the regular session."""

    def column(self, view: View) -> F64:
        """One value a row."""
        high, low = self.of(view)
        return ratio(100 * (view.price - low), high - low)


DECLARATIONS = (
    Declaration(
        "range_days",
        (DAYS,),
        Unit.PRICE,
        "high less low of n 1d bars, bar 0 in",
        RangeOfDays,
        warm_up="n days, a running one in",
        source="catalogue",
    ),
    Declaration(
        "range_pct_days",
        (DAYS,),
        Unit.PERCENT,
        "high less low, against the low, of n 1d bars, bar 0 in",
        RangePercentOfDays,
        warm_up="n days, a running one in",
        source="catalogue",
    ),
)
