"""How far the price is from an average, or from any other price: a formula with an argument."""

from __future__ import annotations

from engine.indicators.declare import Declaration, Kind, Parameter, Unit

DECLARATIONS = (
    Declaration(
        "ma_dist_pct",
        (Parameter("average", Kind.LEVEL),),
        Unit.PERCENT,
        "price against an average or another price that stands in its place: `ma_dist_pct(ema(20, 5m))`, written out"
        " as `100 * (price / ema(20, 5m) - 1)`",
        warm_up="with the average",
        source="catalogue",
        formula="100 * (price / ({}) - 1)",
    ),
)
