"""Why a rule was true at a row: its conditions with the values they had."""

from __future__ import annotations

from math import isnan

from engine.rules.evaluate import COMPARE, Evaluation
from engine.rules.tree import Node
from schemas.alert import Leaf
from schemas.rule import OPERATORS


def explanation(tree: Node, evaluation: Evaluation, row: int) -> list[Leaf]:
    """The conditions that must all hold."""
    parts = tree.children if tree.op == "and" else (tree,)
    return [_leaf(part, evaluation, row) for part in parts]


def _leaf(node: Node, evaluation: Evaluation, row: int) -> Leaf:
    if node.op in OPERATORS:
        left, right = (_number(child, evaluation, row) for child in node.children)
        # One comparison more is less than looking the verdict up in a column that may not have been needed.
        verdict = None if left is None or right is None else bool(COMPARE[node.op](left, right))
        return _comparison(node, (left, right), verdict, None)
    verdict = _verdict(node, evaluation, row)
    if node.op in ("crosses_above", "crosses_below"):
        before = evaluation.before[node]
        sides = _number(node.children[0], evaluation, row), _number(node.children[1], evaluation, row)
        return _comparison(node, sides, verdict, (_or_null(before[0][row]), _or_null(before[1][row])))
    if node.op in ("and", "or", "not"):
        parts = tuple(_leaf(child, evaluation, row) for child in node.children)
        return Leaf(node.text, None, node.op, None, verdict, parts=parts)
    if node.op == "is_null":
        return Leaf(node.children[0].text, _number(node.children[0], evaluation, row), "is_null", None, verdict)
    return Leaf(node.text, None, "holds", None, verdict)


Pair = tuple[float | None, float | None]


def _comparison(node: Node, sides: Pair, verdict: bool | None, before: Pair | None) -> Leaf:
    left, right = node.children
    against = "" if right.is_literal else right.text
    return Leaf(left.text, sides[0], node.op, sides[1], verdict, against, before)


def _verdict(node: Node, evaluation: Evaluation, row: int) -> bool | None:
    truth = evaluation.truth(node)
    return True if truth.true[row] else False if truth.false[row] else None


def _number(node: Node, evaluation: Evaluation, row: int) -> float | None:
    return node.value if node.is_literal else _or_null(evaluation.number(node)[row])


def _or_null(value: float) -> float | None:
    return None if isnan(value) else float(value)
