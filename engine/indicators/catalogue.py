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
    directional,
    donchian,
    ema,
    extended,
    figures,
    keltner,
    macd,
    mfi,
    minute_window,
    obv,
    opening_range,
    rsi,
    same_time,
    session,
    sma,
    stochastic,
    volume,
    volume_ratio,
    williams_r,
    wma,
)
from engine.indicators.declare import Declaration

MODULES: Final = (
    figures,
    change,
    extended,
    day_range,
    opening_range,
    session,
    activity,
    same_time,
    volume,
    volume_ratio,
    minute_window,
    candles,
    sma,
    ema,
    wma,
    rsi,
    macd,
    bollinger,
    atr,
    keltner,
    avg_range,
    donchian,
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
