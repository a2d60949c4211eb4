"""Every metric there is: the declarations of all files beside this one, by name."""

from __future__ import annotations

from typing import Final

from engine.indicators import change, ema, figures, minute_window, rsi, sma, volume
from engine.indicators.declare import Declaration

MODULES: Final = (figures, change, volume, minute_window, sma, ema, rsi)
"""In the order in which the docs list them."""

DECLARATIONS: Final[tuple[Declaration, ...]] = tuple(one for module in MODULES for one in module.DECLARATIONS)
CATALOGUE: Final = {declaration.name: declaration for declaration in DECLARATIONS}
if len(CATALOGUE) < len(DECLARATIONS):
    raise ImportError("a metric is declared twice")
