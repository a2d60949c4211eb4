"""Rules in words, without values: `close(5m)[1] < 0.99 * vwap` is "previous 5m close < VWAP less 1%"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from engine.indicators.declare import Unit
from engine.rules import quantities
from engine.rules.functions import OVER_BARS
from engine.rules.quantities import Style, exact_text, place_text, style_of
from engine.rules.spoken_metrics import Spoken, metric
from engine.rules.tree import ADD, MULTIPLY, NEGATE, Node, smallest_timeframe
from schemas.rule import OPERATORS

_RISES: Final = ("change", "change_pct")
_SESSIONS: Final = {"closed": "market closed", "pre": "premarket", "regular": "regular session", "post": "postmarket"}
_NEAR: Final = 0.2
"""Up to here a factor is said as what it adds, or as a share."""


def _named(name: str, unit: Unit | None = None, is_calculated: bool = False) -> Spoken:
    return Spoken(name, name, style=style_of(unit), is_calculated=is_calculated)


@lru_cache(maxsize=16_384)
def spoken(node: Node) -> Spoken:
    """How a number is called."""
    if node.call is not None:
        return metric(node.call)
    if node.is_literal:
        return _named(literal_text(node, style_of(node.unit)))
    found = _distance(node) or _range(node)
    if found is not None:
        return found
    make = _CALCULATED.get(node.op)
    return _named(node.text, node.unit, True) if make is None else make(node)


def literal_text(node: Node, style: Style) -> str:
    """A number written out, as it is said beside values of that style."""
    return place_text(node.value, node.unit) or exact_text(node.value, style)


# --- calculations ----------------------------------------------------------------------------------------------------


def _distance(node: Node) -> Spoken | None:
    """`100 * (a / b - 1)` and its like: how far one is from the other."""
    if node.op == "abs":
        inner = _apart(node.children[0])
        if inner is not None:
            a, b, style = inner
            before = f"{spoken(a).inside()} off {spoken(b).inside()} by"
            return Spoken(before, before, style=style)
        return None
    if _is_percent(node) and _is_op(node.children[0].children[1], "-"):
        (a, b), bottom = node.children[0].children[1].children, node.children[1]
        if a == bottom:
            before = f"{spoken(b).inside()} below {spoken(a).inside()} by"
            return Spoken(before, before, style=quantities.PERCENT)
    found = _apart(node)
    if found is None:
        return None
    a, b, style = found
    return Spoken(name := f"{spoken(a).inside()} against {spoken(b).inside()}", name, style=style)


def _apart(node: Node) -> tuple[Node, Node, Style] | None:
    """The two of `100 * (a / b - 1)`, `a / b - 1`, `100 * (a - b) / b`, and in what the distance is counted."""
    if _is_op(node, "-") and _is_op(node.children[0], "/") and _is_number(node.children[1], 1):
        a, b = node.children[0].children
        return a, b, quantities.FRACTION
    if _is_op(node, "*") and _is_number(node.children[0], 100):
        inner = _apart(node.children[1])
        return inner and (*inner[:2], quantities.PERCENT)
    if _is_percent(node):
        difference, bottom = node.children[0].children[1], node.children[1]
        if _is_op(difference, "-") and difference.children[1] == bottom:
            return difference.children[0], bottom, quantities.PERCENT
    return None


def _range(node: Node) -> Spoken | None:
    """High less low of the same bars."""
    if not _is_op(node, "-"):
        return None
    (top, back), (bottom, other) = (_unwound(child) for child in node.children)
    if top.call is None or bottom.call is None or back != other or top.call.arguments != bottom.call.arguments:
        return None
    names = top.call.name, bottom.call.name
    if names not in (("high", "low"), ("highest", "lowest")):
        return None
    name = spoken(top).name.removesuffix("high") + "range"
    return _ago(_named(name, Unit.PRICE), node.children[0]) if back else _named(name, Unit.PRICE)


def _unwound(node: Node) -> tuple[Node, int]:
    return (node.children[0], node.count) if node.op == "back" else (node, 0)


def _sum(node: Node) -> Spoken:
    left, right = node.children
    return _named(f"{_part(left, ADD)} {node.op} {_part(right, ADD + 1)}", node.unit, True)


def _product(node: Node) -> Spoken:
    left, right = node.children
    if node.op == "*" and left.is_literal and not right.is_literal:
        factor, of = left.value, spoken(right).inside()
        if factor != 1 and abs(factor - 1) <= _NEAR:
            word = "plus" if factor > 1 else "less"
            return _named(f"{of} {word} {100 * abs(factor - 1):.6g}%", node.unit, True)
        if 0 < factor <= _NEAR:
            return _named(f"{100 * factor:.6g}% of {of}", node.unit, True)
    sign = "×" if node.op == "*" else "/"
    return _named(f"{_part(left, MULTIPLY)} {sign} {_part(right, MULTIPLY + 1)}", node.unit, True)


def _part(node: Node, rank: int) -> str:
    return spoken(node).name if node.rank >= rank else f"({spoken(node).name})"


def _negative(node: Node) -> Spoken:
    inner = node.children[0]
    if inner.call is not None and inner.call.name in _RISES:
        name = spoken(inner).name.removesuffix("change") + "fall"
        return replace(spoken(inner), name=name, before=name)
    return _named(f"-{spoken(inner).inside()}", node.unit, inner.rank <= NEGATE)


def _called(node: Node) -> Spoken:
    inside = ", ".join(spoken(child).name for child in node.children)
    return _named(f"|{inside}|" if node.op == "abs" else f"{node.op}({inside})", node.unit, node.op != "abs")


def _row_before(node: Node) -> Spoken:
    inner = spoken(node.children[0])
    return replace(inner, name=f"{inner.inside()} before", before=f"{inner.before} before")


def _back(node: Node) -> Spoken:
    return _ago(spoken(node.children[0]), node)


def _ago(inner: Spoken, node: Node) -> Spoken:
    """`node` says how long ago."""
    name, before = (f"({text})" if inner.is_calculated else text for text in (inner.name, inner.before))
    if node.count == 1:
        return replace(inner, name=f"previous {name}", before=f"previous {before}", is_calculated=False)
    ago = _bars_ago(node, name)
    return replace(inner, name=f"{name} {ago}", before=f"{before} {ago}", is_calculated=False)


def _bars_ago(node: Node, told: str) -> str:
    frame = smallest_timeframe(node).name
    of_frame = "" if frame in told.split() else f"{frame} "
    return f"{node.count} {of_frame}bars ago" if node.count > 1 else f"one {of_frame}bar ago"


_OVER_BARS: Final = {
    "highest": "high", "lowest": "low", "sum": "sum", "avg": "average", "stdev": "standard deviation",
}  # fmt: skip


def _over_bars(node: Node) -> Spoken:
    inner = node.children[0]
    bars = f"{node.count}-bar {smallest_timeframe(node).name} {_OVER_BARS[node.op]}"
    return _named(f"{bars} of {spoken(inner).inside()}", node.unit)


def _count(node: Node) -> Spoken:
    condition = _single(node.children[0])
    closes = f"of the last {node.count} {smallest_timeframe(node).name} closes"
    return Spoken(f"number {closes} with {condition}", f"{condition} at", closes)


_CALCULATED: Final[dict[str, Callable[[Node], Spoken]]] = {
    "+": _sum,
    "-": _sum,
    "*": _product,
    "/": _product,
    "negative": _negative,
    "abs": _called,
    "floor": _called,
    "min": _called,
    "max": _called,
    "prev": _row_before,
    "back": _back,
    "count": _count,
    **dict.fromkeys(OVER_BARS, _over_bars),
}


def _is_percent(node: Node) -> bool:
    """`100 * x / y`."""
    return _is_op(node, "/") and _is_op(node.children[0], "*") and _is_number(node.children[0].children[0], 100)


def _is_op(node: Node, op: str) -> bool:
    return node.op == op


def _is_number(node: Node, value: float) -> bool:
    return node.is_literal and node.value == value


# --- conditions ------------------------------------------------------------------------------------------------------


def condition_text(node: Node) -> str:
    """A condition without values."""
    if node.op in OPERATORS:
        return _compared(node)
    if node.op in ("and", "or"):
        return f" {node.op} ".join(map(_single, node.children))
    if node.op == "not":
        return f"not {_single(node.children[0])}"
    if node.op in ("crosses_above", "crosses_below"):
        left, right = (spoken(child) for child in node.children)
        return f"{left.name} {node.op.replace('_', ' ')} {right.name}"
    if node.op == "is_null":
        return f"{spoken(node.children[0]).name} has no value"
    return _at_closes(node) if node.op in _AT_CLOSES else node.text


_AT_CLOSES: Final = ("for_last", "within_last", "back")


def _single(node: Node) -> str:
    """In parentheses where it is made of several words that could be taken apart."""
    text = condition_text(node)
    return f"({text})" if node.op in ("and", "or", "not", *_AT_CLOSES) else text


def _at_closes(node: Node) -> str:
    frame = smallest_timeframe(node).name
    closes = f"the last {node.count} {frame} closes" if node.count > 1 else f"the last {frame} close"
    if node.op == "back":
        return f"({condition_text(node.children[0])}) {_bars_ago(node, condition_text(node.children[0]))}"
    condition = _single(node.children[0])
    if node.op == "for_last":
        return f"{condition} at {'each of ' if node.count > 1 else ''}{closes}"
    return f"{condition} within {closes}"


def _compared(node: Node) -> str:
    left, right = node.children
    said = spoken(left)
    if node.op in ("==", "!=") and right.is_literal:
        place = place_name(right.value, left.unit) or halt_name(right.value, left)
        if place:
            return place if node.op == "==" else f"not {place}"
    other = literal_text(right, said.style) if right.is_literal else spoken(right).name
    return f"{said.before} {node.op} {other} {said.after}".rstrip()


def place_name(value: float, unit: Unit | None) -> str:
    """A session or a weekday as people say where they are; nothing for anything else."""
    if unit is Unit.SESSION:
        return _SESSIONS.get(place_text(value, unit), "")
    return place_text(value, unit) if unit is Unit.WEEKDAY else ""


def halt_name(value: float, node: Node) -> str:
    """What a value of `halted` means; nothing for anything else."""
    if node.call is None or node.call.name != "halted" or value not in (0.0, 1.0):
        return ""
    return "trading halted" if value else "trading not halted"
