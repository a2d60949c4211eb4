"""Which numbers go together: a percent is no price, and what becomes of units in arithmetic."""

from __future__ import annotations

from typing import Final

from engine.indicators.declare import Unit

PLAIN: Final[Unit | None] = None
"""The unit of literals and of quotients of equals: a number that goes with any other that counts no money, no shares
and no place."""

_DIMENSIONS: Final = {Unit.PRICE: (1, 0), Unit.SHARES: (0, 1), Unit.DOLLARS: (1, 1)}
_OF_DIMENSION: Final = {dimension: unit for unit, dimension in _DIMENSIONS.items()}
_PLACES: Final = frozenset({Unit.TIME, Unit.SESSION, Unit.WEEKDAY})


class UnitError(ValueError):
    """Numbers that do not go together; the text says why."""


def joined(left: Unit | None, right: Unit | None, literals: tuple[bool, bool], doing: str) -> Unit | None:
    """The unit of two numbers that are compared or added. `literals`: which of them are numbers written out. Raises
    UnitError."""
    if left is right:
        return left
    for unit, is_literal, other in ((left, literals[0], right), (right, literals[1], left)):
        if unit is PLAIN and other is not PLAIN and other not in _PLACES and (is_literal or other not in _DIMENSIONS):
            return other
    raise UnitError(f"{_named(left)} cannot be {doing} {_named(right)}{_hint(left, right)}")


def product(left: Unit | None, right: Unit | None) -> Unit | None:
    """The unit of left x right. Raises UnitError."""
    return _scaled(left, right, 1)


def quotient(left: Unit | None, right: Unit | None) -> Unit | None:
    """The unit of left / right. Raises UnitError."""
    return _scaled(left, right, -1)


def check_percent(*sides: tuple[Unit | None, bool]) -> None:
    """That `5%`, which is 5 and counts percents, is multiplied with and divided by plain numbers written out alone:
    whoever writes `5% * price` means 0.05. `sides`: the unit of each, and whether it is written out. Raises
    UnitError."""
    if (Unit.PERCENT, True) in sides and (PLAIN, True) not in sides:
        raise UnitError("a share of something is written without %: 0.05 * price, 1.05 * vwap")


def check_calculable(unit: Unit | None) -> None:
    """That it is no time of day, session or weekday. Raises UnitError."""
    if unit in _PLACES:
        raise UnitError(f"{_named(unit)} cannot be calculated with")


def _scaled(left: Unit | None, right: Unit | None, sign: int) -> Unit | None:
    check_calculable(left)
    check_calculable(right)
    if left not in _DIMENSIONS and right not in _DIMENSIONS:
        return left if right is PLAIN and left is not PLAIN else right if left is PLAIN and sign > 0 else PLAIN
    a = _DIMENSIONS.get(left, (0, 0)) if left is not None else (0, 0)
    b = _DIMENSIONS.get(right, (0, 0)) if right is not None else (0, 0)
    dimension = a[0] + sign * b[0], a[1] + sign * b[1]
    return PLAIN if dimension == (0, 0) else _OF_DIMENSION.get(dimension, Unit.MIXED)


def _named(unit: Unit | None) -> str:
    return "a plain number" if unit is None else f"a number in {unit.value}"


def _hint(left: Unit | None, right: Unit | None) -> str:
    pair = {left, right}
    if pair == {Unit.PERCENT, Unit.PRICE}:
        return "; did you mean 100 * (a / b - 1), or a metric whose name ends in _pct?"
    if PLAIN in pair and pair & _DIMENSIONS.keys():
        return "; multiply it by a price or a size"
    if pair & _PLACES:
        return '; times are written 09:45, sessions "regular", weekdays "mon"'
    return ""
