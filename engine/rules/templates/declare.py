"""How an alert type is declared: its parameters, when it is told, and the condition that it stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from engine.indicators.declare import Duration, Kind, Parameter
from engine.timeframes import BY_NAME
from schemas.rule import BECOMES_TRUE

_SHORT: Final = {"o": "open", "h": "high", "l": "low", "c": "close"}
_SHORT_NAME: Final = re.compile(r"\b([ohlc])(1?)\b")

REGULAR: Final = "market"


@dataclass(frozen=True, slots=True)
class Template:
    """An alert type.

    `condition`: text of the rule language with parameters in braces; `o h l c` are fields of the bar of `{timeframe}`,
    `o1 h1 l1 c1` those of the bar before. `trigger`: of a rule made from it; where that is `bar_close`, on
    `{timeframe}`. `volume`: shares of the day that such a rule asks for; `during`: the session. A rule can change all
    three. `mirror`: the same in the other direction.
    """

    name: str
    description: str
    condition: str
    parameters: tuple[Parameter, ...] = ()
    trigger: str = BECOMES_TRUE
    volume: int = 0
    during: str = "all"
    mirror: str = ""

    def __post_init__(self) -> None:
        """The abbreviations are written out once."""
        object.__setattr__(self, "condition", _SHORT_NAME.sub(_written_out, self.condition))

    @property
    def timeframe(self) -> Parameter | None:
        """The parameter that is a timeframe, None where it has none."""
        return next((p for p in self.parameters if p.kind is Kind.TIMEFRAME), None)


def _written_out(short: re.Match[str]) -> str:
    return _SHORT[short[1]] + "({timeframe})" + ("[1]" if short[2] else "")


def timeframe(default: str = "1m") -> Parameter:
    """The timeframe that it looks at."""
    return Parameter("timeframe", Kind.TIMEFRAME, BY_NAME[default])


def bars(name: str, default: int) -> Parameter:
    """A number of bars."""
    return Parameter(name, Kind.BARS, default)


def number(name: str, default: float, least: float, most: float) -> Parameter:
    """A number written out."""
    return Parameter(name, Kind.NUMBER, default, (least, most))


def minutes(name: str, default: int, most: int) -> Parameter:
    """A number of minutes."""
    return Parameter(name, Kind.DURATION, Duration(default, "m"), durations={"m": (1, most)})


def window() -> Parameter:
    """A stretch of time just past."""
    return Parameter("window", Kind.DURATION, Duration(60, "s"), durations={"s": (60, 300), "m": (1, 240)})


def level() -> Parameter:
    """A price to be crossed: any number of the rule language."""
    return Parameter("level", Kind.LEVEL)
