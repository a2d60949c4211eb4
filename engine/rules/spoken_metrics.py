"""How traders call metrics: `rsi(14, 5m)` is "5m RSI", `relative_volume(5m)` is "5m volume 3.2x usual"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.indicators.declare import MetricCall, Unit, argument_text
from engine.rules import quantities
from engine.rules.quantities import Style, style_of
from engine.timeframes import Timeframe

USUAL: Final = "usual"
_LABELS: Final = {
    "day_high_ext": "extended day high",
    "day_low_ext": "extended day low",
    "vwap": "VWAP",
    "vwap_dist": "distance from VWAP",
    "vwap_dist_pct": "distance from VWAP",
    "change_from_open_pct": "change from open",
    "change_from_close_pct": "change from close",
    "change_from_close_premarket": "premarket change from close",
    "change_from_close_premarket_pct": "premarket change from close",
    "change_from_close_postmarket": "postmarket change from close",
    "change_from_close_postmarket_pct": "postmarket change from close",
    "volume_day": "day volume",
    "dollar_volume_day": "day dollar volume",
    "gap_pct": "gap",
    "gap_fill_pct": "gap filled",
    "range_today": "day range",
    "range_pct_today": "day range",
    "position_in_range_today": "position in day range",
    "dist_to_day_high_pct": "distance to day high",
    "dist_to_day_low_pct": "distance to day low",
    "dist_to_day_high_ext_pct": "distance to extended day high",
    "dist_to_day_low_ext_pct": "distance to extended day low",
    "high_52w": "52-week high",
    "low_52w": "52-week low",
    "minutes_in_market": "minutes since open",
    "time_of_day": "time",
    "sma": "SMA",
    "ema": "EMA",
    "wma": "WMA",
    "rsi": "RSI",
    "macd": "MACD",
    "macd_signal": "MACD signal",
    "macd_hist": "MACD histogram",
    "bb_upper": "upper Bollinger band",
    "bb_middle": "middle Bollinger band",
    "bb_lower": "lower Bollinger band",
    "atr": "ATR",
    "atr_pct": "ATR",
    "keltner_upper": "upper Keltner band",
    "keltner_lower": "lower Keltner band",
    "donchian_upper": "upper Donchian band",
    "donchian_lower": "lower Donchian band",
    "stoch_k": "stochastic %K",
    "stoch_d": "stochastic %D",
    "williams_r": "Williams %R",
    "cci": "CCI",
    "mfi": "MFI",
    "plus_di": "+DI",
    "minus_di": "-DI",
    "adx": "ADX",
    "obv": "OBV",
    "consecutive_candles": "candles in a row",
}
"""A timeframe stands before, arguments other than the usual ones behind. Names that are missing say it themselves."""
_PHRASES: Final = {
    "change": "{n} change",
    "change_pct": "{n} change",
    "highest": "{n}-bar {timeframe} high",
    "lowest": "{n}-bar {timeframe} low",
    "opening_range_high": "{n} opening range high",
    "opening_range_low": "{n} opening range low",
    "avg_volume_day": "{n} average volume",
    "avg_volume": "{n}-bar {timeframe} average volume",
    "avg_range": "{n}-bar {timeframe} average range",
    "volume_last": "rolling {n} volume",
    "trades_last": "rolling {n} trades",
    "dollar_volume_last": "rolling {n} dollar volume",
    "rolling_vwap": "rolling {n} VWAP",
    "range_days": "{n} range",
    "range_pct_days": "{n} range",
    "biggest_range_pct": "largest day range of {n}",
    "range_last": "rolling {n} range",
    "range_pct_last": "rolling {n} range",
    "position_in_range": "position in rolling {n} range",
}
_MULTIPLES: Final = {
    "relative_volume": ("{timeframe} volume", USUAL),
    "relative_volume_day": ("day volume", USUAL),
    "relative_volume_same_time": ("day volume", f"{USUAL} for the time"),
    "volume_ratio": ("{timeframe} volume", "{k}-bar average"),
    "relative_range_pct": ("day range", "daily ATR"),
}
"""What is said as a multiple, and of what."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A number: `name` as it is called, and a value of it stands between `before` and `after`. `style`: how values are
    said; `is_calculated`: from more than one figure."""

    name: str
    before: str
    after: str = ""
    style: Style = quantities.PLAIN
    is_calculated: bool = False

    def inside(self) -> str:
        """The name within another."""
        return f"({self.name})" if self.is_calculated else self.name


def metric(call: MetricCall) -> Spoken:
    """What a metric is called, and how its values are said."""
    declaration, texts = call.declaration, [argument_text(argument) for argument in call.arguments]
    named = dict(zip((parameter.name for parameter in declaration.parameters), texts, strict=True))
    style = quantities.PLAIN if call.name == "cci" else style_of(declaration.unit)
    multiple = _MULTIPLES.get(call.name)
    if multiple is not None:
        before, after = (text.format_map(named) for text in multiple)
        style = style if declaration.unit is Unit.RATIO else quantities.TIMES
        return Spoken(f"{before} against {after}", before, after, style)
    phrase = _PHRASES.get(call.name)
    name = _labelled(call) if phrase is None else phrase.format_map(named)
    return Spoken(name, name, style=style)


def _labelled(call: MetricCall) -> str:
    frame = f"{call.timeframe.name} " if call.timeframe is not None else ""
    given = [one for one in call.arguments if not isinstance(one, Timeframe)]
    usual = [one.default for one in call.declaration.parameters if not isinstance(one.default, Timeframe)]
    texts = [] if given == usual else [argument_text(one) for one in given]
    label = _LABELS.get(call.name, call.name.replace("_", " "))
    return f"{frame}{label}({', '.join(texts)})" if texts else f"{frame}{label}"
