"""How a metric is declared: its arguments, unit, definition and source, all in the file that computes it. Rules, docs
and checks read the declarations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from engine.indicators.base import Metric
from engine.timeframes import BY_NAME, Timeframe

MAX_BARS: Final = 200


class Unit(Enum):
    """What a number counts. Only numbers of one unit can be compared, added or told apart; see `engine.rules.units`."""

    PRICE = "$"
    SHARES = "shares"
    DOLLARS = "$ x shares"
    PERCENT = "%"
    INDEX = "0-100"
    COUNT = "count"
    RATIO = "x"
    MINUTES = "min"
    SECONDS = "s"
    DAYS = "days"
    TIME = "time of day"
    SESSION = "session"
    WEEKDAY = "weekday"
    MIXED = "a mix of units"


class Kind(Enum):
    """What an argument is."""

    BARS = "bars"
    DURATION = "duration"
    TIMEFRAME = "timeframe"
    NUMBER = "number"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of event time, in the unit that it is counted in: whole minutes of bars (`m`), seconds (`s`), or
    trading days (`d`)."""

    count: int
    unit: str

    @property
    def text(self) -> str:
        """As rules write it; whole hours as such."""
        if self.unit == "m" and self.count % 60 == 0:
            return f"{self.count // 60}h"
        return f"{self.count}{self.unit}"


Argument = int | float | Duration | Timeframe


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument and its default (None: must be given). `bounds`: of a number or of bars; `durations`: least and most
    for each unit that a duration may have."""

    name: str
    kind: Kind
    default: Argument | None = None
    bounds: tuple[float, float] = (1, MAX_BARS)
    durations: dict[str, tuple[int, int]] = field(default_factory=dict, hash=False)

    @property
    def wanted(self) -> str:
        """What may stand here, for people."""
        if self.kind is Kind.TIMEFRAME:
            return f"timeframe: {', '.join(BY_NAME)}"
        if self.kind is Kind.DURATION:
            ranges = (f"{Duration(a, u).text} to {Duration(b, u).text}" for u, (a, b) in self.durations.items())
            return f"duration, {' or '.join(ranges)}"
        if self.kind is Kind.NUMBER:
            return f"number from {self.bounds[0]:g} to {self.bounds[1]:g}"
        if self.kind is Kind.LEVEL:
            return "price: a metric or a calculation"
        return f"number of bars, {self.bounds[0]:g} to {self.bounds[1]:g}"


MINUTES: Final = Parameter("n", Kind.DURATION, durations={"m": (1, 240)})
"""A number of minutes, 1m to 4h."""
BARS: Final = Parameter("n", Kind.BARS)
TIMEFRAME: Final = Parameter("timeframe", Kind.TIMEFRAME, BY_NAME["1m"])


def bars(default: int, name: str = "n") -> Parameter:
    """A number of bars with a default."""
    return Parameter(name, Kind.BARS, default)


def number(default: float, least: float, most: float, name: str = "k") -> Parameter:
    """A plain number with a default."""
    return Parameter(name, Kind.NUMBER, default, (least, most))


def never_built(*arguments: Argument) -> Metric:
    """Of a metric that is a formula. Raises TypeError."""
    raise TypeError("a formula is written out where a rule uses it", arguments)


@dataclass(frozen=True)
class Declaration:
    """A metric. `build` takes the arguments in order and, where `recursive`, the number of symbols to make room for.

    `formula`: text of the rule language that it is written out as, its argument, which is any number, in braces.
    `warm_up`: when it is first not null, in words. `moves`: whether it moves with the forming bar (else with closed
    bars only). `source`: where the definition comes from.
    """

    name: str
    parameters: tuple[Parameter, ...]
    unit: Unit
    definition: str
    build: Callable[..., Metric] = never_built
    recursive: bool = False
    warm_up: str = "at once"
    moves: bool = True
    source: str = "tapewatch"
    formula: str = ""

    def call(self, *arguments: Argument) -> MetricCall:
        """This metric with all its arguments."""
        return MetricCall(self.name, arguments, self)


@dataclass(frozen=True, slots=True)
class MetricCall:
    """A metric with all its arguments: what rules share."""

    name: str
    arguments: tuple[Argument, ...]
    declaration: Declaration = field(compare=False, repr=False)

    @property
    def text(self) -> str:
        """Canonical text, such as `ema(20, 5m)`."""
        return f"{self.name}({', '.join(map(argument_text, self.arguments))})" if self.arguments else self.name

    @property
    def timeframe(self) -> Timeframe | None:
        """The timeframe among the arguments, None where it has none."""
        return next((a for a in self.arguments if isinstance(a, Timeframe)), None)

    def build(self, capacity: int) -> Metric:
        """A fresh instance with room for `capacity` symbols."""
        arguments: tuple[Any, ...] = self.arguments
        return (
            self.declaration.build(*arguments, capacity)
            if self.declaration.recursive
            else (self.declaration.build(*arguments))
        )


def argument_text(argument: Argument) -> str:
    """As rules write it."""
    if isinstance(argument, Timeframe):
        return argument.name
    if isinstance(argument, Duration):
        return argument.text
    return str(int(argument)) if argument == int(argument) else repr(argument)
