"""Where the rules of a scope are true: comparisons over whole columns, and only those that some row can satisfy."""

from __future__ import annotations

import numpy as np

from engine.rules.evaluate import COMPARE, Evaluation
from engine.rules.plan import PlannedRule, Scope
from engine.segments import Index, Mask
from schemas.batch import F64
from schemas.rule import OPERATORS


def hopeful_rules(scope: Scope, evaluation: Evaluation) -> Mask:
    """Over the rules of the scope: whether the extremes of the columns leave room for a true row. A column that only
    hopeless rules use is not computed."""
    hopeful = np.ones(len(scope.rules), bool)
    for number, node in enumerate(scope.columns):
        pairs = slice(scope.pair_begin[number], scope.pair_begin[number + 1])
        rules = scope.pair_rule[pairs]
        if not hopeful[rules].any():
            continue
        first = scope.leaf_begin[number]
        leaves = slice(first, scope.leaf_begin[number + 1])
        satisfiable = _satisfiable(evaluation.number(node), scope.leaf_operator[leaves], scope.leaf_bound[leaves])
        hopeful[rules[~satisfiable[scope.pair_leaf[pairs] - first]]] = False
    return hopeful


def _satisfiable(column: F64, operator: Index, bound: F64) -> Mask:
    """Over leaves of one column."""
    smallest, largest = np.fmin.reduce(column), np.fmax.reduce(column)
    return np.asarray(
        np.choose(
            operator,
            (
                largest > bound,
                smallest < bound,
                largest >= bound,
                smallest <= bound,
                (smallest <= bound) & (bound <= largest),
                (smallest != bound) | (largest != bound),
            ),
        )
    )


class Matches:
    """The rows where rules are true. Rows of comparisons that several rules share are found once."""

    def __init__(self, scope: Scope, evaluation: Evaluation) -> None:
        """Nothing compared yet."""
        self._scope, self._evaluation = scope, evaluation
        self._shared: dict[int, Index] = {}

    def rows(self, rule: PlannedRule) -> Index:
        """Where all of the rule holds: each comparison is tried on the rows that those before have left."""
        leaves = rule.leaves
        if not leaves:
            found, rest = np.flatnonzero(self._evaluation.truth(rule.rest[0]).true), rule.rest[1:]
        else:
            first = min(leaves, key=self._few)
            found, rest = self._leaf_rows(first), rule.rest
            for leaf in leaves:
                if leaf != first and len(found):
                    found = found[self._compared(leaf, found)]
        for node in rest:
            if not len(found):
                break
            found = found[self._evaluation.truth(node).true[found]]
        return found

    def _few(self, leaf: int) -> int:
        """How many rows a comparison leaves, as far as it is known."""
        rows = self._shared.get(leaf)
        return len(self._evaluation) if rows is None else len(rows)

    def _leaf_rows(self, leaf: int) -> Index:
        rows = self._shared.get(leaf)
        if rows is None:
            rows = np.flatnonzero(self._compared(leaf, None))
            if self._scope.leaf_uses[leaf] > 1:
                self._shared[leaf] = rows
        return rows

    def _compared(self, leaf: int, rows: Index | None) -> Mask:
        scope = self._scope
        column = self._evaluation.number(scope.columns[scope.leaf_column[leaf]])
        compare = COMPARE[OPERATORS[scope.leaf_operator[leaf]]]
        mask: Mask = compare(column if rows is None else column[rows], scope.leaf_bound[leaf])
        return mask
