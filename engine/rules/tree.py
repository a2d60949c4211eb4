"""The typed tree of a rule: one node for each thing that has a value, known by its text in normal form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from engine.indicators.declare import MetricCall, Unit
from engine.timeframes import BY_NAME, Timeframe
from schemas.bar import SESSIONS
from schemas.rule import OPERATORS

OR, AND, NOT, COMPARE, ADD, MULTIPLY, NEGATE, ATOM = range(8)
"""How tightly a node's text holds together."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_SIZE: Final = 1_000
MAX_DEPTH: Final = 40


class TreeError(ValueError):
    """Nodes that cannot be put together; the text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """`op` says what it does with its `children`: `number`, `metric`, an operator, or a function. Two nodes with the
    same `text` are the same.

    `unit` of its value (None: a plain number); `truth`: it is true, false or null instead. `value`: of a number;
    `count`: the n of a look-back or of a function over bars.
    """

    op: str
    text: str
    rank: int = ATOM
    children: tuple[Node, ...] = ()
    unit: Unit | None = None
    truth: bool = False
    value: float = math.nan
    count: int = 0
    call: MetricCall | None = None
    size: int = 1
    depth: int = 1

    def __hash__(self) -> int:
        return self.text.__hash__()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and other.text == self.text

    @property
    def is_literal(self) -> bool:
        """Whether it is a number written out."""
        return self.op == "number"


def _above(op: str, text: str, rank: int, *children: Node, **more: object) -> Node:
    size, depth = 1 + sum(c.size for c in children), 1 + max(c.depth for c in children)
    if size > MAX_SIZE or depth > MAX_DEPTH:
        raise TreeError(f"too large: at most {MAX_SIZE} parts, {MAX_DEPTH} deep")
    return Node(op, text, rank, children, size=size, depth=depth, **more)  # type: ignore[arg-type]  # as given


def inside(node: Node, rank: int) -> str:
    """The node's text where `rank` is the least that needs no parentheses."""
    return node.text if node.rank >= rank else f"({node.text})"


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, children first."""
    for child in node.children:
        yield from walk(child)
    yield node


def smallest_timeframe(node: Node) -> Timeframe:
    """The shortest timeframe that the node's metrics are on; those without one are on 1m."""
    frames = [one.call.timeframe or BY_NAME["1m"] for one in walk(node) if one.call is not None]
    return min(frames, key=lambda timeframe: timeframe.minutes, default=BY_NAME["1m"])


# --- leaves ----------------------------------------------------------------------------------------------------------


def number(value: float, unit: Unit | None = None) -> Node:
    """A number written out. Sessions, weekdays and times are numbers that are written in their own way."""
    if not math.isfinite(value):
        raise TreeError(f"{value} is not a finite number")
    return Node("number", number_text(value, unit), ATOM if value >= 0 else NEGATE, unit=unit, value=value + 0.0)


def number_text(value: float, unit: Unit | None = None) -> str:
    """As rules write it."""
    if unit is Unit.SESSION:
        return f'"{SESSIONS[int(value)]}"'
    if unit is Unit.WEEKDAY:
        return f'"{WEEKDAYS[int(value) - 1]}"'
    if unit is Unit.TIME:
        return f"{int(value) // 60:02d}:{int(value) % 60:02d}"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def metric(call: MetricCall) -> Node:
    """A metric of the catalogue."""
    return Node("metric", call.text, unit=call.declaration.unit, call=call)


def constant(value: bool) -> Node:
    """`true` or `false`."""
    return Node("true" if value else "false", "true" if value else "false", truth=True)


# --- truth -----------------------------------------------------------------------------------------------------------


def compare(op: str, left: Node, right: Node) -> Node:
    """A comparison; a number written on the left goes to the right."""
    if left.is_literal and not right.is_literal:
        left, right, op = right, left, _MIRRORED[op]
    return _above(op, f"{inside(left, ADD)} {op} {inside(right, ADD)}", COMPARE, left, right, truth=True)


_MIRRORED: Final = dict(zip(OPERATORS, ("<", ">", "<=", ">=", "==", "!="), strict=True))


def both(op: str, parts: list[Node]) -> Node:
    """`and` or `or` of parts; nested ones of the same kind become one, what stands twice stands once."""
    flat: dict[Node, None] = {}
    for part in parts:
        flat |= dict.fromkeys(part.children if part.op == op else (part,))
    if len(flat) == 1:
        return next(iter(flat))
    rank = AND if op == "and" else OR
    return _above(op, f" {op} ".join(inside(part, rank + 1) for part in flat), rank, *flat, truth=True)


def negation(part: Node) -> Node:
    """`not`; twice is not at all."""
    if part.op == "not":
        return part.children[0]
    return _above("not", f"not {inside(part, NOT)}", NOT, part, truth=True)


# --- numbers ---------------------------------------------------------------------------------------------------------


def arithmetic(op: str, left: Node, right: Node, unit: Unit | None) -> Node:
    """`+ - * /`. Two numbers written out are one."""
    if left.is_literal and right.is_literal:
        return number(_folded(op, left.value, right.value), unit)
    rank = ADD if op in "+-" else MULTIPLY
    text = f"{inside(left, rank)} {op} {inside(right, rank + 1)}"
    return _above(op, text, rank, left, right, unit=unit)


def _folded(op: str, left: float, right: float) -> float:
    try:
        return {"+": left + right, "-": left - right, "*": left * right}[op] if op != "/" else left / right
    except ZeroDivisionError:
        raise TreeError("division by zero") from None


def negative(part: Node) -> Node:
    """`-x`."""
    if part.is_literal:
        return number(-part.value, part.unit)
    if part.op == "negative":
        return part.children[0]
    return _above("negative", f"-{inside(part, NEGATE)}", NEGATE, part, unit=part.unit)


def function(name: str, arguments: tuple[Node, ...], unit: Unit | None, truth: bool, count: int = 0) -> Node:
    """A call of one of the language's functions; `count`: its n, which stands first."""
    texts = [str(count), *(a.text for a in arguments)] if count else [a.text for a in arguments]
    return _above(name, f"{name}({', '.join(texts)})", ATOM, *arguments, unit=unit, truth=truth, count=count)


def back(part: Node, count: int) -> Node:
    """`x[n]`; n bars back from n bars back is 2 n back."""
    if not count:
        return part
    if part.op == "back":
        part, count = part.children[0], count + part.count
    text = f"{inside(part, ATOM)}[{count}]"
    return _above("back", text, ATOM, part, unit=part.unit, truth=part.truth, count=count)
