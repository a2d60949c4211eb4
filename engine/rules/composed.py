"""Puts nodes together where their units allow it; UnitError or TreeError says why they do not."""

from __future__ import annotations

from engine.indicators.declare import Unit
from engine.rules import tree
from engine.rules.functions import AT_CLOSES, OVER_BARS, Function
from engine.rules.tree import Node, TreeError
from engine.rules.units import UnitError, check_calculable, check_percent, joined, product, quotient


def negative(node: Node) -> Node:
    """`-x`."""
    check_calculable(node.unit)
    return tree.negative(node)


def calculated(op: str, left: Node, right: Node) -> Node:
    """`+ - * /`."""
    if op in "+-":
        unit = joined(
            left.unit, right.unit, (left.is_literal, right.is_literal), "added to" if op == "+" else "taken from"
        )
        check_calculable(unit)
    else:
        check_percent((left.unit, left.is_literal), (right.unit, right.is_literal))
        unit = (product if op == "*" else quotient)(left.unit, right.unit)
    if not (left.is_literal and right.is_literal):
        unit = _lasting(unit, left, right)
    return tree.arithmetic(op, left, right, unit)


def _lasting(unit: Unit | None, *parts: Node) -> Unit | None:
    """The unit that is left in normal form, which writes numbers without %."""
    is_constant = unit is Unit.PERCENT and all(one.call is None for part in parts for one in tree.walk(part))
    return None if is_constant else unit


def check_order(op: str, unit: Unit | None) -> None:
    """That a comparison of this unit asks for no order where there is none."""
    if unit in (Unit.SESSION, Unit.WEEKDAY) and op not in ("==", "!="):
        raise UnitError(f"a {unit.value} is this or that, not more or less; use == or !=")


def called(function: Function, parts: tuple[Node, ...], count: int) -> Node:
    """A call of a function; `count`: its n."""
    unit = parts[0].unit
    for i, part in enumerate(parts[1:], 1):
        before_are_literals = all(one.is_literal for one in parts[:i])
        unit = joined(unit, part.unit, (before_are_literals, part.is_literal), "compared with")
    unit = _lasting(unit, *parts) if function.gives == "same" else function.unit
    if function.name in OVER_BARS | AT_CLOSES | {"prev"} and all(p.op == "number" for p in parts):
        raise TreeError(f"{function.name} of a number that never changes")
    return tree.function(function.name, parts, unit, function.gives == "truth", count)
