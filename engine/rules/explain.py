"""Why a rule was true at a row: its conditions with the values they had."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import lru_cache
from math import isnan
from typing import Final

from engine.rules.evaluate import Evaluation
from engine.rules.plan import OF_BARS
from engine.rules.tree import Node, smallest_timeframe, walk
from engine.timeframes import Timeframe
from schemas.alert import Leaf
from schemas.rule import OPERATORS

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
"""Of two numbers that exist; a tenth of the time that numpy takes for them."""


def explanation(tree: Node, evaluation: Evaluation, row: int) -> list[Leaf]:
    """The conditions that must all hold."""
    parts = tree.children if tree.op == "and" else (tree,)
    return [_leaf(part, evaluation, row) for part in parts]


def _leaf(node: Node, evaluation: Evaluation, row: int) -> Leaf:
    if node.op in OPERATORS:
        left, right = (_number(child, evaluation, row) for child in node.children)
        # One comparison more is less than looking the verdict up in a column that may not have been needed.
        verdict = None if left is None or right is None else _COMPARE[node.op](left, right)
        return _comparison(node, (left, right), verdict, None, _bars(node, evaluation, row))
    verdict = _verdict(node, evaluation, row)
    if node.op in ("crosses_above", "crosses_below"):
        before = evaluation.before[node]
        sides = _number(node.children[0], evaluation, row), _number(node.children[1], evaluation, row)
        previous = _or_null(before[0][row]), _or_null(before[1][row])
        return _comparison(node, sides, verdict, previous, _bars(node, evaluation, row))
    if node.op in ("and", "or", "not"):
        parts = tuple(_leaf(child, evaluation, row) for child in node.children)
        return Leaf(node.text, None, node.op, None, verdict, parts=parts)
    bars = _bars(node, evaluation, row)
    if node.op == "is_null":
        value = _number(node.children[0], evaluation, row)
        return Leaf(node.children[0].text, value, "is_null", None, verdict, bars=bars)
    return Leaf(node.text, None, "holds", None, verdict, bars=bars)


Pair = tuple[float | None, float | None]


def _comparison(node: Node, sides: Pair, verdict: bool | None, before: Pair | None, bars: dict[str, int]) -> Leaf:
    left, right = node.children
    against = "" if right.is_literal else right.text
    return Leaf(left.text, sides[0], node.op, sides[1], verdict, against, before, bars=bars)


@lru_cache(maxsize=16_384)
def timeframes_of(node: Node) -> tuple[Timeframe, ...]:
    """Those that the node's metrics name and that it looks back on, shortest first."""
    found = {
        one.call.timeframe if one.call is not None else smallest_timeframe(one)
        for one in walk(node)
        if one.call is not None or one.op in OF_BARS
    }
    return tuple(sorted((one for one in found if one is not None), key=lambda timeframe: timeframe.minutes))


def _bars(node: Node, evaluation: Evaluation, row: int) -> dict[str, int]:
    starts = {one.name: int(evaluation.view.bar0_starts_ns(one)[row]) for one in timeframes_of(node)}
    return {name: start for name, start in starts.items() if start >= 0}


def _verdict(node: Node, evaluation: Evaluation, row: int) -> bool | None:
    truth = evaluation.truth(node)
    return True if truth.true[row] else False if truth.false[row] else None


def _number(node: Node, evaluation: Evaluation, row: int) -> float | None:
    return node.value if node.is_literal else _or_null(evaluation.number(node)[row])


def _or_null(value: float) -> float | None:
    return None if isnan(value) else float(value)
