"""Every metric, declared once: name, arguments, unit, definition, and how it is built. Rules, docs and checks read
this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from engine.indicators import figures
from engine.indicators.base import Metric
from engine.indicators.change import Change
from engine.indicators.ema import Ema
from engine.indicators.minute_window import RollingVwap, VolumeLast
from engine.indicators.rsi import Rsi
from engine.indicators.sma import Sma
from engine.indicators.volume import AverageVolume, RelativeVolume
from engine.timeframes import BY_NAME, Timeframe

MAX_BARS: Final = 200
MAX_BARS_1D: Final = 60
MAX_MINUTES: Final = 240


class Kind(Enum):
    """What an argument is: a number of bars, a number of minutes written as a duration, or a timeframe."""

    BARS = "number of bars, 1 to 200 (1d: 60)"
    MINUTES = "duration, 1m to 4h"
    TIMEFRAME = "timeframe: 1m, 5m, 15m, 1h, 1d"


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument and its default (None: must be given)."""

    name: str
    kind: Kind
    default: int | Timeframe | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """A metric. `build` takes the arguments in order and, where `recursive`, the number of symbols to make room for."""

    name: str
    parameters: tuple[Parameter, ...]
    unit: str
    definition: str
    build: Callable[..., Metric]
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class MetricCall:
    """A metric with all its arguments: what rules share."""

    name: str
    arguments: tuple[int | Timeframe, ...]

    @property
    def text(self) -> str:
        """Canonical text, such as `ema(20, 5m)`."""
        if not self.arguments:
            return self.name
        parameters = CATALOGUE[self.name].parameters
        return f"{self.name}({', '.join(_text(p.kind, a) for p, a in zip(parameters, self.arguments, strict=True))})"

    def build(self, capacity: int) -> Metric:
        """A fresh instance with room for `capacity` symbols."""
        declaration = CATALOGUE[self.name]
        arguments: tuple[Any, ...] = (*self.arguments, capacity) if declaration.recursive else self.arguments
        return declaration.build(*arguments)


def _text(kind: Kind, argument: int | Timeframe) -> str:
    if isinstance(argument, Timeframe):
        return argument.name
    if kind is Kind.MINUTES:
        return f"{argument // 60}h" if argument % 60 == 0 else f"{argument}m"
    return str(argument)


_TIMEFRAME = Parameter("timeframe", Kind.TIMEFRAME, BY_NAME["1m"])
_MINUTES = Parameter("n", Kind.MINUTES)
_BARS = Parameter("n", Kind.BARS)


def _bar(field: str, unit: str, definition: str) -> Declaration:
    return Declaration(field, (_TIMEFRAME,), unit, definition, figures.bar_field(field))


DECLARATIONS: Final = (
    Declaration("price", (), "$", "newest price", figures.price),
    _bar("open", "$", "open of the running bar"),
    _bar("high", "$", "high of the running bar"),
    _bar("low", "$", "low of the running bar"),
    _bar("close", "$", "close of the running bar"),
    _bar("volume", "shares", "volume of the running bar"),
    _bar("trades", "count", "trades of the running bar"),
    Declaration("change", (_MINUTES,), "$", "price less the close n minutes ago", lambda n: Change(n, percent=False)),
    Declaration(
        "change_pct", (_MINUTES,), "%", "price against the close n minutes ago", lambda n: Change(n, percent=True)
    ),
    Declaration(
        "day_open", (), "$", "first regular price of the day, or the opening auction's", figures.day_field("open")
    ),
    Declaration("day_high", (), "$", "high of the day's regular session", figures.day_field("high")),
    Declaration("day_low", (), "$", "low of the day's regular session", figures.day_field("low")),
    Declaration("prior_close", (), "$", "regular close of the day before", figures.day_field("prior_close")),
    Declaration("change_from_open", (), "$", "price less the day's open", figures.difference("open")),
    Declaration("change_from_open_pct", (), "%", "price against the day's open", figures.percent_from("open")),
    Declaration("change_from_close", (), "$", "price less the prior close", figures.difference("prior_close")),
    Declaration("change_from_close_pct", (), "%", "price against the prior close", figures.percent_from("prior_close")),
    Declaration("volume_day", (), "shares", "volume since the start of the day", figures.volume_day),
    Declaration("volume_last", (_MINUTES,), "shares", "volume of the last n minutes", VolumeLast),
    Declaration("avg_volume", (_BARS, _TIMEFRAME), "shares", "mean volume of the n newest closed bars", AverageVolume),
    Declaration(
        "relative_volume",
        (_TIMEFRAME,),
        "%",
        "volume of the running bar, forecast to its end, against the mean of the 10 bars before",
        RelativeVolume,
    ),
    Declaration("vwap", (), "$", "volume-weighted price of the session", figures.vwap),
    Declaration("vwap_dist_pct", (), "%", "price against the session's vwap", figures.vwap_dist_pct),
    Declaration("rolling_vwap", (_MINUTES,), "$", "volume-weighted typical price of the last n minutes", RollingVwap),
    Declaration("sma", (_BARS, _TIMEFRAME), "$", "simple moving average of the close", Sma),
    Declaration("ema", (_BARS, _TIMEFRAME), "$", "exponential moving average of the close", Ema, recursive=True),
    Declaration(
        "rsi",
        (Parameter("n", Kind.BARS, 14), _TIMEFRAME),
        "0-100",
        "relative strength index of the close",
        Rsi,
        recursive=True,
    ),
)
CATALOGUE: Final = {declaration.name: declaration for declaration in DECLARATIONS}
