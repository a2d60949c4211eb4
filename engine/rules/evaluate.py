"""The value of each node of a plan over a set of rows: numbers as columns, null is NaN; truth as Kleene's, true, false
or null."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engine.columns import NULL
from engine.indicators.base import Metric
from engine.rules.remembered import Past, RowBefore
from engine.rules.tree import Node, smallest_timeframe
from engine.rules.windows import Window, window_of
from engine.segments import Mask
from engine.view import View
from schemas.batch import F64
from schemas.rule import OPERATORS

COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": lambda left, right: (left < right) | (left > right),
}
ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}


@dataclass(frozen=True, slots=True)
class Truth:
    """Masks over rows; where neither is set it is null."""

    true: Mask
    false: Mask

    def number(self) -> F64:
        """1, 0 or null, as it is recorded."""
        return np.where(self.true, 1.0, np.where(self.false, 0.0, NULL))

    def within(self, rows: Mask) -> Truth:
        """Null outside of these rows."""
        return Truth(self.true & rows, self.false & rows)

    def only_at(self, rows: Mask) -> Truth:
        """False outside of these rows."""
        return Truth(self.true & rows, self.false | ~rows)


def truth_of(numbers: F64) -> Truth:
    """What `Truth.number` was made from."""
    return Truth(np.asarray(numbers == 1.0), np.asarray(numbers == 0.0))


@dataclass(frozen=True, slots=True)
class Known:
    """What evaluation reads and remembers by: metrics by text, rows before by node, past values by series."""

    metrics: Mapping[str, Metric]
    rows: Mapping[Node, RowBefore]
    pasts: Callable[[Node], Past]
    windows: dict[Node, Window]


class Evaluation:
    """All nodes over the rows of one view, each computed once."""

    def __init__(self, view: View, known: Known, figures: dict[str, F64] | None = None) -> None:
        """Nothing computed yet. `figures`: metrics by text, shared by the evaluations of one view."""
        self._view, self._known = view, known
        self._figures = {} if figures is None else figures
        self._numbers: dict[Node, F64] = {}
        self._truths: dict[Node, Truth] = {}
        self.before: dict[Node, tuple[F64, F64]] = {}
        """Of nodes that look at the row before: what they saw."""

    def __len__(self) -> int:
        return len(self._view)

    @property
    def view(self) -> View:
        """The rows."""
        return self._view

    def number(self, node: Node) -> F64:
        """A column over rows."""
        found = self._numbers.get(node)
        if found is None:
            found = self._numbers[node] = self._computed(node)
        return found

    def truth(self, node: Node) -> Truth:
        """Masks over rows."""
        found = self._truths.get(node)
        if found is None:
            found = self._truths[node] = self._judged(node)
        return found

    def value(self, node: Node) -> F64:
        """A number, or a truth as one."""
        return self.truth(node).number() if node.truth else self.number(node)

    def remember(self, node: Node) -> None:
        """Make sure that a node that looks at the row before has seen these rows."""
        self.value(node)

    # --- numbers -------------------------------------------------------------------------------------------------

    def _operand(self, node: Node) -> F64 | float:
        return node.value if node.is_literal else self.number(node)

    def _computed(self, node: Node) -> F64:
        if node.call is not None:
            figure = self._figures.get(node.text)
            if figure is None:
                figure = self._figures[node.text] = self._known.metrics[node.text].column(self._view)
            return figure
        if node.is_literal:
            return np.full(len(self._view), node.value)
        compute = ARITHMETIC.get(node.op)
        if compute is not None:
            return _finite(compute(*(self._operand(child) for child in node.children)))
        if node.op in _PLAIN:
            return _PLAIN[node.op]([self._operand(child) for child in node.children])
        if node.op == "prev":
            return self._row_before(node)[0]
        return self._window(node).numbers(self._view, self.value(node.children[0]))

    def _row_before(self, node: Node) -> tuple[F64, F64]:
        left = self.number(node.children[0])
        right = self.number(node.children[1]) if len(node.children) > 1 else left
        found = self.before[node] = self._known.rows[node].before(self._view, left, right)
        return found

    def _window(self, node: Node) -> Window:
        found = self._known.windows.get(node)
        if found is None:
            frame = smallest_timeframe(node)
            found = self._known.windows[node] = window_of(node.op, node.count, frame, self._known.pasts(node))
        return found

    # --- truth ---------------------------------------------------------------------------------------------------

    def _judged(self, node: Node) -> Truth:
        if node.op in OPERATORS:
            left, right = (self._operand(child) for child in node.children)
            true = np.broadcast_to(COMPARE[node.op](left, right), len(self._view))
            return Truth(true, ~(true | np.isnan(left) | np.isnan(right)))
        if node.op in _JUDGES:
            return _JUDGES[node.op](self, node)
        return truth_of(self._window(node).numbers(self._view, self.value(node.children[0])))

    def _negated(self, node: Node) -> Truth:
        inner = self.truth(node.children[0])
        return Truth(inner.false, inner.true)

    def _constant(self, node: Node) -> Truth:
        everywhere = np.full(len(self._view), node.op == "true")
        return Truth(everywhere, ~everywhere)

    def _missing(self, node: Node) -> Truth:
        null = np.isnan(self.number(node.children[0]))
        return Truth(null, ~null)

    def _joined(self, node: Node) -> Truth:
        parts = [self.truth(child) for child in node.children]
        true, false = parts[0].true, parts[0].false
        for part in parts[1:]:
            if node.op == "and":
                true, false = true & part.true, false | part.false
            else:
                true, false = true | part.true, false & part.false
        return Truth(true, false)

    def _crossed(self, node: Node) -> Truth:
        left, right = (self.number(child) for child in node.children)
        left_before, right_before = self._row_before(node)
        known = ~(np.isnan(left) | np.isnan(right) | np.isnan(left_before))
        if node.op == "crosses_above":
            true = (left > right) & (left_before <= right_before)
        else:
            true = (left < right) & (left_before >= right_before)
        true &= known
        return Truth(true, known & ~true)


def _finite(values: F64) -> F64:
    """Division by zero and overflow are null."""
    return np.where(np.isfinite(values), values, NULL)


def _folded(fold: Callable[[Any, Any], Any]) -> Callable[[list[F64 | float]], F64]:
    def folded(operands: list[F64 | float]) -> F64:
        total = operands[0]
        for operand in operands[1:]:
            total = fold(total, operand)
        return np.asarray(total)

    return folded


_PLAIN: Final[dict[str, Callable[[list[F64 | float]], F64]]] = {
    "negative": lambda operands: np.asarray(np.negative(operands[0])),
    "abs": lambda operands: np.asarray(np.abs(operands[0])),
    "floor": lambda operands: np.asarray(np.floor(operands[0])),
    "min": _folded(np.minimum),
    "max": _folded(np.maximum),
}
_JUDGES: Final[dict[str, Callable[[Evaluation, Node], Truth]]] = {
    "and": Evaluation._joined,
    "or": Evaluation._joined,
    "not": Evaluation._negated,
    "true": Evaluation._constant,
    "false": Evaluation._constant,
    "is_null": Evaluation._missing,
    "crosses_above": Evaluation._crossed,
    "crosses_below": Evaluation._crossed,
}
