"""Alert types around vwap and averages: through them, held by them, back to them, crossed."""

from __future__ import annotations

from typing import Final

from engine.rules.templates.declare import Template, bars, level, number, timeframe
from schemas.rule import BAR_CLOSE

_THROUGH: Final = (timeframe(), number("ratio", 3, 0.1, 100), bars("bars", 5))
_HELD: Final = (timeframe(), bars("bars", 3), number("near", 0.1, 0.01, 50), number("away", 0.2, 0.01, 50))
_AVERAGES: Final = (timeframe(), bars("fast", 9), bars("slow", 21))
_MACD: Final = "macd(12, 26, 9, {timeframe}), macd_signal(12, 26, 9, {timeframe})"

TEMPLATES: Final = (
    Template(
        "through_vwap_above",
        "One bar, `ratio` times as long as usual, opens below vwap and goes above it.",
        "o < vwap and price > vwap and h - l >= {ratio} * avg_range({bars}, {timeframe})[1]",
        _THROUGH,
        volume=1_000_000,
        mirror="through_vwap_below",
    ),
    Template(
        "through_vwap_below",
        "One bar, `ratio` times as long as usual, opens above vwap and goes below it.",
        "o > vwap and price < vwap and h - l >= {ratio} * avg_range({bars}, {timeframe})[1]",
        _THROUGH,
        volume=1_000_000,
        mirror="through_vwap_above",
    ),
    Template(
        "vwap_support",
        "The price came down to within `near` percent of vwap within a few bars, and is `away` percent above it again.",
        "close({timeframe})[{bars}] > vwap and lowest({bars}, {timeframe}) <= (1 + {near} / 100) * vwap"
        " and lowest({bars}, {timeframe}) >= (1 - {near} / 100) * vwap and price >= (1 + {away} / 100) * vwap",
        _HELD,
        volume=1_000_000,
        mirror="vwap_resistance",
    ),
    Template(
        "vwap_resistance",
        "The price came up to within `near` percent of vwap within a few bars, and is `away` percent below it again.",
        "close({timeframe})[{bars}] < vwap and highest({bars}, {timeframe}) >= (1 - {near} / 100) * vwap"
        " and highest({bars}, {timeframe}) <= (1 + {near} / 100) * vwap and price <= (1 - {away} / 100) * vwap",
        _HELD,
        volume=1_000_000,
        mirror="vwap_support",
    ),
    Template(
        "back_to_ema",
        "The close kept `far` percent or more from its average for three bars, within the last ten, and the price is"
        " back within `near` percent of it.",
        "within_last(10, for_last(3, abs(c / ema({bars}, {timeframe}) - 1) >= {far} / 100))"
        " and abs(price / ema({bars}, {timeframe}) - 1) <= {near} / 100",
        (timeframe(), bars("bars", 20), number("far", 2, 0.01, 100), number("near", 0.5, 0.01, 100)),
        volume=1_000_000,
    ),
    Template(
        "crossed_above",
        "The price crosses a level upwards: `vwap`, `prior_high`, `ema(20, 5m)`, a number.",
        "crosses_above(price, {level})",
        (level(),),
        volume=400_000,
        mirror="crossed_below",
    ),
    Template(
        "crossed_below",
        "The price crosses a level downwards: `vwap`, `prior_low`, `ema(20, 5m)`, a number.",
        "crosses_below(price, {level})",
        (level(),),
        volume=400_000,
        mirror="crossed_above",
    ),
    Template(
        "ma_cross_above",
        "The fast exponential average of the close crosses the slow one upwards.",
        "crosses_above(ema({fast}, {timeframe}), ema({slow}, {timeframe}))",
        _AVERAGES,
        BAR_CLOSE,
        mirror="ma_cross_below",
    ),
    Template(
        "ma_cross_below",
        "The fast exponential average of the close crosses the slow one downwards.",
        "crosses_below(ema({fast}, {timeframe}), ema({slow}, {timeframe}))",
        _AVERAGES,
        BAR_CLOSE,
        mirror="ma_cross_above",
    ),
    Template(
        "macd_cross_above",
        "macd(12, 26, 9) crosses its signal upwards.",
        f"crosses_above({_MACD})",
        (timeframe(),),
        BAR_CLOSE,
        mirror="macd_cross_below",
    ),
    Template(
        "macd_cross_below",
        "macd(12, 26, 9) crosses its signal downwards.",
        f"crosses_below({_MACD})",
        (timeframe(),),
        BAR_CLOSE,
        mirror="macd_cross_above",
    ),
    Template(
        "rsi_cross_above",
        "The relative strength index crosses a bound upwards.",
        "crosses_above(rsi({bars}, {timeframe}), {bound})",
        (timeframe(), number("bound", 30, 1, 99), bars("bars", 14)),
        BAR_CLOSE,
        mirror="rsi_cross_below",
    ),
    Template(
        "rsi_cross_below",
        "The relative strength index crosses a bound downwards.",
        "crosses_below(rsi({bars}, {timeframe}), {bound})",
        (timeframe(), number("bound", 70, 1, 99), bars("bars", 14)),
        BAR_CLOSE,
        mirror="rsi_cross_above",
    ),
)
