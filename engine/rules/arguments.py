"""The arguments of metrics: their text, their kind, their bounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from engine.indicators.declare import (
    Argument,
    Declaration,
    Duration,
    Kind,
    Parameter,
)
from engine.timeframes import BY_NAME, Timeframe

_DURATION: Final = re.compile(r"([0-9]{1,6})(s|m|h|d)", re.ASCII)
_NUMBER: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?(?:e[+-]?[0-9]{1,2})?)([kM]?)", re.ASCII)
_FACTORS: Final = {"": 1.0, "k": 1e3, "M": 1e6}
TIMEFRAME_ALIASES: Final = {"60m": "1h", "120m": "2h", "240m": "4h", "24h": "1d"}


def check_arguments(declaration: Declaration, given: list[str]) -> list[Argument]:
    """The arguments of a call from their texts, defaults filled in. Raises ValueError."""
    parameters = declaration.parameters
    if len(given) > len(parameters):
        raise ValueError(f"takes {_counted(len(parameters))}, not {len(given)}")
    return [argument(given[i] if i < len(given) else None, p) for i, p in enumerate(parameters)]


def _counted(count: int) -> str:
    return "no arguments" if not count else "1 argument" if count == 1 else f"at most {count} arguments"


def argument(given: str | None, parameter: Parameter) -> Argument:
    """An argument from its text, None where the default is meant. Raises ValueError."""
    if given is None:
        if parameter.default is None:
            raise ValueError(f"argument {parameter.name} is missing: a {parameter.wanted}")
        return parameter.default
    value = _READERS[parameter.kind](given, parameter)
    if value is None:
        raise ValueError(f"{given[:40]!r} is not a {parameter.wanted}")
    return value


def timeframe_named(text: str) -> Timeframe | None:
    """The timeframe of that name or alias."""
    return BY_NAME.get(TIMEFRAME_ALIASES.get(text, text))


def _timeframe(text: str, parameter: Parameter) -> Timeframe | None:
    del parameter
    return timeframe_named(text)


def _duration(text: str, parameter: Parameter) -> Duration | None:
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    count, unit = int(found[1]), found[2]
    if unit == "h":
        count, unit = count * 60, "m"
    least, most = parameter.durations.get(unit, (1, 0))
    return Duration(count, unit) if least <= count <= most else None


def _bars(text: str, parameter: Parameter) -> int | None:
    least, most = parameter.bounds
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 and least <= int(text) <= most else None


def _plain(text: str, parameter: Parameter) -> float | None:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    least, most = parameter.bounds
    value = float(found[1]) * _FACTORS[found[2]]
    return value if least <= value <= most else None


Reader = Callable[[str, Parameter], Argument | None]
_READERS: Final[dict[Kind, Reader]] = {
    Kind.TIMEFRAME: _timeframe,
    Kind.DURATION: _duration,
    Kind.BARS: _bars,
    Kind.NUMBER: _plain,
}
