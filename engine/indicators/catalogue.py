"""Every metric there is: the declarations of all files beside this one, by name."""

from __future__ import annotations

from typing import Final

from engine.indicators import (
    activity,
    atr,
    avg_range,
    bollinger,
    candles,
    cci,
    change,
    day_range,
    day_ranges,
    directional,
    donchian,
    ema,
    extended,
    figures,
    keltner,
    ma_distance,
    macd,
    mfi,
    minute_window,
    obv,
    opening_range,
    reference,
    rsi,
    same_time,
    session,
    since_extreme,
    sma,
    stochastic,
    swings,
    volume,
    volume_ratio,
    williams_r,
    wma,
    year,
)
from engine.indicators.declare import Declaration

MODULES: Final = (
    figures,
    change,
    extended,
    day_range,
    day_ranges,
    year,
    since_extreme,
    opening_range,
    session,
    activity,
    reference,
    same_time,
    volume,
    volume_ratio,
    minute_window,
    candles,
    sma,
    ema,
    wma,
    ma_distance,
    rsi,
    macd,
    bollinger,
    atr,
    keltner,
    avg_range,
    donchian,
    swings,
    stochastic,
    williams_r,
    cci,
    mfi,
    directional,
    obv,
)
"""In the order in which the docs list them."""

DECLARATIONS: Final[tuple[Declaration, ...]] = tuple(one for module in MODULES for one in module.DECLARATIONS)
CATALOGUE: Final = {declaration.name: declaration for declaration in DECLARATIONS}
if len(CATALOGUE) < len(DECLARATIONS):
    raise ImportError("a metric is declared twice")
