"""The text of rules: `metric(arguments) operator number`, joined by `and`. One reader and one canonical writer."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from engine.indicators.catalogue import CATALOGUE
from engine.indicators.declare import MAX_BARS, MAX_BARS_1D, Argument, Duration, Kind, MetricCall, Parameter
from engine.rules.hints import nearest
from engine.timeframes import BY_NAME
from schemas.rule import OPERATORS, RuleError

MAX_CONDITIONS: Final = 64
MAX_TEXT: Final = 4_000

_CALL: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\(([^()]*)\))?\s*", re.ASCII)
_CONDITION: Final = re.compile(r"(.*?)(>=|<=|==|!=|>|<)(.*)", re.DOTALL)
_DURATION: Final = re.compile(r"([0-9]{1,5})(s|m|h|d)", re.ASCII)
_TIMEFRAME_ALIASES: Final = {"60m": "1h"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of a metric with a number."""

    metric: MetricCall
    operator: str
    bound: float

    @property
    def text(self) -> str:
        """Canonical text."""
        return f"{self.metric.text} {self.operator} {self.bound!r}"


def parse_expression(text: str, where: str = "expression") -> tuple[Condition, ...]:
    """The conditions of an expression; RuleError with the position of what is wrong."""
    if len(text) > MAX_TEXT:
        raise RuleError(where, f"longer than {MAX_TEXT} characters")
    conditions, at = [], 0
    for part in re.split(r"\band\b", text):
        conditions.append(_parse_condition(part, f"{where}, column {at + 1}"))
        at += len(part) + len("and")
    return check_count(tuple(conditions), where)


def check_count(conditions: tuple[Condition, ...], where: str) -> tuple[Condition, ...]:
    """The conditions, if there is at least one and not too many."""
    if not 1 <= len(conditions) <= MAX_CONDITIONS:
        raise RuleError(where, f"{len(conditions)} conditions; a rule has 1 to {MAX_CONDITIONS}")
    return conditions


def _parse_condition(text: str, where: str) -> Condition:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise RuleError(where, f"{text.strip()[:80]!r} is not of the form: metric operator number")
    metric, operator, number = found.groups()
    try:
        bound = float(number)
    except ValueError:
        raise RuleError(where, f"{number.strip()[:80]!r} is not a number") from None
    return condition(parse_call(metric, where), operator, bound, where)


def condition(metric: MetricCall, operator: str, bound: float, where: str) -> Condition:
    """A checked condition."""
    if operator not in OPERATORS:
        raise RuleError(
            where, f"unknown operator {operator!r}; known are {' '.join(OPERATORS)}{nearest(operator, OPERATORS)}"
        )
    if not math.isfinite(bound):
        raise RuleError(where, f"{bound} is not a finite number")
    return Condition(metric, operator, bound)


def parse_call(text: str, where: str) -> MetricCall:
    """A metric with its arguments, defaults filled in."""
    found = _CALL.fullmatch(text)
    if found is None:
        raise RuleError(where, f"{text.strip()[:80]!r} is not a metric; one looks like price or ema(20, 5m)")
    name, arguments = found.groups()
    declaration = CATALOGUE.get(name)
    if declaration is None:
        raise RuleError(where, f"unknown metric {name!r}{nearest(name, CATALOGUE)}")
    given = [a.strip() for a in arguments.split(",")] if arguments and arguments.strip() else []
    if len(given) > len(declaration.parameters):
        raise RuleError(where, f"{name} takes {len(declaration.parameters)} arguments, not {len(given)}")
    return declaration.call(*_arguments(given, declaration.parameters, f"{where}, {name}"))


def _arguments(given: list[str], parameters: tuple[Parameter, ...], where: str) -> tuple[Argument, ...]:
    values: list[Argument] = []
    for i, parameter in enumerate(parameters):
        if i < len(given):
            values.append(_argument(given[i], parameter, where))
        elif parameter.default is not None:
            values.append(parameter.default)
        else:
            raise RuleError(where, f"argument {parameter.name} is missing: a {parameter.wanted}")
    if (
        parameters
        and parameters[0].kind is Kind.BARS
        and values[-1] is BY_NAME["1d"]
        and int(str(values[0])) > MAX_BARS_1D
    ):
        raise RuleError(where, f"{values[0]} bars of 1d are more than the {MAX_BARS_1D} that are kept")
    return tuple(values)


def _argument(text: str, parameter: Parameter, where: str) -> Argument:
    value: Argument | None = None
    if parameter.kind is Kind.TIMEFRAME:
        value = BY_NAME.get(_TIMEFRAME_ALIASES.get(text, text))
    elif parameter.kind is Kind.DURATION:
        value = _duration(text, parameter)
    elif text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_BARS:
        value = int(text)
    if value is None:
        raise RuleError(where, f"{text[:40]!r} is not a {parameter.wanted}")
    return value


def _duration(text: str, parameter: Parameter) -> Duration | None:
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    count, unit = int(found[1]), found[2]
    if unit == "h":
        count, unit = count * 60, "m"
    least, most = parameter.durations.get(unit, (1, 0))
    return Duration(count, unit) if least <= count <= most else None
