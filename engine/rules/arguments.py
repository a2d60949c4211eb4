"""The arguments of metrics: their text, their kind, their bounds."""

from __future__ import annotations

import re
from typing import Final

from engine.indicators.declare import (
    MAX_BARS_1D,
    Argument,
    Declaration,
    Duration,
    Kind,
    Parameter,
)
from engine.timeframes import BY_NAME, Timeframe

_DURATION: Final = re.compile(r"([0-9]{1,6})(s|m|h|d)", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)
_TIMEFRAME_ALIASES: Final = {"60m": "1h", "120m": "2h", "240m": "4h", "24h": "1d"}


def check_arguments(declaration: Declaration, given: list[str]) -> list[Argument]:
    """The arguments of a call from their texts, defaults filled in. Raises ValueError."""
    parameters = declaration.parameters
    if len(given) > len(parameters):
        raise ValueError(f"takes {_counted(len(parameters))}, not {len(given)}")
    values = [_value(given, i, parameter) for i, parameter in enumerate(parameters)]
    if BY_NAME["1d"] in values:
        most = max((v for v, p in zip(values, parameters, strict=True) if p.kind is Kind.BARS), default=0)  # type: ignore[type-var]
        if isinstance(most, int) and most > MAX_BARS_1D:
            raise ValueError(f"{most} bars of 1d are more than the {MAX_BARS_1D} that are kept")
    return values


def _counted(count: int) -> str:
    return "no arguments" if not count else "1 argument" if count == 1 else f"at most {count} arguments"


def _value(given: list[str], at: int, parameter: Parameter) -> Argument:
    if at >= len(given):
        if parameter.default is None:
            raise ValueError(f"argument {parameter.name} is missing: a {parameter.wanted}")
        return parameter.default
    value = _READERS[parameter.kind](given[at], parameter)
    if value is None:
        raise ValueError(f"{given[at][:40]!r} is not a {parameter.wanted}")
    return value


def timeframe_named(text: str) -> Timeframe | None:
    """The timeframe of that name or alias."""
    return BY_NAME.get(_TIMEFRAME_ALIASES.get(text, text))


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
    if _NUMBER.fullmatch(text) is None:
        return None
    least, most = parameter.bounds
    return float(text) if least <= float(text) <= most else None


_READERS: Final = {Kind.TIMEFRAME: _timeframe, Kind.DURATION: _duration, Kind.BARS: _bars, Kind.NUMBER: _plain}
