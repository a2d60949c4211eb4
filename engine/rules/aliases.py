"""Names that the seed's rules have for metrics and alert types: what each is in the rule language."""

from __future__ import annotations

import re
from typing import Final

from engine.indicators.catalogue import CATALOGUE
from engine.indicators.declare import Kind, Parameter, argument_text
from engine.rules.arguments import timeframe_named
from engine.rules.templates.catalogue import TEMPLATES

_RATIO: Final = 100.0
"""The seed's first plan writes relative volume as a ratio, the catalogue in percent."""
_FRAME: Final = r"(\d+[mhd])"
_SPAN: Final = r"(\d+[smhd])"
_AVERAGE: Final = r"(ema|sma|wma)_?(\d+)"

_DAILY: Final = {
    "volume_daily": "volume_day",
    "dollar_volume_daily": "dollar_volume_day",
    "relative_volume_daily": "relative_volume_day",
    "range_daily": "range_today",
    "range_pct_daily": "range_pct_today",
    "range_daily_pct": "range_pct_today",
    "position_in_range_daily": "position_in_range_today",
}
"""Of the current day; in other names, daily is the timeframe 1d."""

_PATTERNS: Final = tuple(
    (re.compile(pattern, re.ASCII), meaning, factor)
    for pattern, meaning, factor in (
        (r"relative_volume", r"relative_volume(1m)", _RATIO),
        (rf"rel_volume_{_FRAME}", r"relative_volume(\1)", _RATIO),
        (r"vwap_(\d+[mh])", r"rolling_vwap(\1)", 1.0),
        (r"volume_avg_1h", r"avg_volume(60, 1m)", 1.0),
        (r"volume_avg_(\d+)m", r"avg_volume(\1, 1m)", 1.0),
        (r"(?:avg_volume|average_volume|volume_avg)_(\d+d)", r"avg_volume(\1)", 1.0),
        (rf"(?:price_)?change_{_SPAN}_pct", r"change_pct(\1)", 1.0),
        (r"price_change_(\w+)_pct", r"change_pct(\1)", 1.0),
        (rf"(?:price_)?change_{_SPAN}", r"change(\1)", 1.0),
        (rf"running_up_{_SPAN}_pct", r"change_pct(\1)", 1.0),
        (rf"running_down_{_SPAN}_pct", r"-change_pct(\1)", 1.0),
        (rf"running_up_{_SPAN}", r"change(\1)", 1.0),
        (rf"running_down_{_SPAN}", r"-change(\1)", 1.0),
        (r"volume_(\d+[mh])", r"volume_last(\1)", 1.0),
        (r"dollar_volume_(\d+[mh])", r"dollar_volume_last(\1)", 1.0),
        (r"trade_count_(\d+[mh])", r"trades_last(\1)", 1.0),
        (r"range_(\d+[mh])", r"range_last(\1)", 1.0),
        (r"range_(?:pct_(\d+[mh])|(\d+[mh])_pct)", r"range_pct_last(\1\2)", 1.0),
        (r"range_(\d+d)", r"range_days(\1)", 1.0),
        (r"range_(?:pct_(\d+d)|(\d+d)_pct)", r"range_pct_days(\1\2)", 1.0),
        (rf"volume_spike_(\d+)_{_FRAME}", r"volume_ratio(\1, \2)", 1.0),
        (r"gap_from_close(_pct)?", r"gap\1", 1.0),
        (rf"atrp_(\d+)_{_FRAME}", r"atr_pct(\1, \2)", 1.0),
        (r"atrp_(\d+)", r"atr_pct(\1)", 1.0),
        (r"dist_to_(high|low)_of_day_pct", r"dist_to_day_\1_pct", 1.0),
        (rf"ma_dist_{_AVERAGE}_{_FRAME}_pct", r"100 * (price / \1(\2, \3) - 1)", 1.0),
        (rf"ma_dist_{_AVERAGE}_pct", r"100 * (price / \1(\2) - 1)", 1.0),
        (rf"ma_dist_{_AVERAGE}_{_FRAME}", r"price - \1(\2, \3)", 1.0),
        (rf"crossed_(above|below)_{_AVERAGE}_{_FRAME}", r"crossed_\1(\2(\3, \4))", 1.0),
        (
            r"crossed_(above|below)_(day_open|prior_close|prior_high|prior_low|premarket_high|premarket_low|vwap)",
            r"crossed_\1(\2)",
            1.0,
        ),
        (r"(open|high|low|close|volume)_live", r"\1(1m)", 1.0),
        (r"(vwap|price)_live", r"\1", 1.0),
    )
)
_ARGUMENT: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?[smhd]?", re.ASCII)

EXAMPLES: Final = dict.fromkeys(
    (
        *("rsi_14", "ema_20", "sma_20", "vwap_5m", "volume_avg_5m", "rel_volume_5m", "price_change_5m_pct"),
        *("volume_5m", "gap_from_close_pct", "atrp_14_daily", "ma_dist_ema50_15m_pct", "trade_count_1m"),
        *("range_5m", "dollar_volume_daily"),
    )
)
"""For hints."""


def meaning_of(name: str) -> tuple[str, float]:
    """The text of the rule language for a name in a seed rule, and the factor to the number it is compared with. A name
    that is no alias is its own text."""
    name = _DAILY.get(name.strip(), name.strip())
    name = name.replace("_daily", "_1d")
    for pattern, meaning, factor in _PATTERNS:
        found = pattern.fullmatch(name)
        if found is not None:
            return found.expand(meaning), factor
    return _with_arguments(name) or name, 1.0


def _with_arguments(name: str) -> str | None:
    """`consecutive_candles_5m`: a metric or an alert type and its arguments."""
    words = name.split("_")
    for count in range(len(words) - 1, 0, -1):
        known, texts = "_".join(words[:count]), words[count:]
        if not all(map(_ARGUMENT.fullmatch, texts)):
            return None
        if known in CATALOGUE:
            return called(known, CATALOGUE[known].parameters, texts)
        if known in TEMPLATES:
            return called(known, TEMPLATES[known].parameters, texts)
    return None


def called(name: str, parameters: tuple[Parameter, ...], texts: list[str]) -> str:
    """The call with a timeframe, which stands last in `texts`, in its place, and defaults before it."""
    frame = next((i for i, p in enumerate(parameters) if p.kind is Kind.TIMEFRAME), None)
    if frame is not None and timeframe_named(texts[-1]) is not None:
        texts, given = texts[:-1], texts[-1]
        defaults = [argument_text(p.default) for p in parameters[len(texts) : frame] if p.default is not None]
        texts = [*texts, *defaults]
        texts.insert(frame, given)
    return f"{name}({', '.join(texts)})"
