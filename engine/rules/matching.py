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
    """The rows where rules are true; masks of comparisons are shared."""

    def __init__(self, scope: Scope, evaluation: Evaluation) -> None:
        """Nothing compared yet."""
        self._scope, self._evaluation = scope, evaluation
        self._masks: dict[int, Mask] = {}

    def rows(self, rule: PlannedRule) -> Index:
        """Where all of the rule holds."""
        together: Mask | None = None
        for leaf in rule.leaves:
            mask = self._leaf(leaf)
            together = mask if together is None else together & mask
            if not together.any():
                return np.empty(0, np.intp)
        for node in rule.rest:
            mask = self._evaluation.truth(node).true
            together = mask if together is None else together & mask
        assert together is not None, "a rule has at least one condition"
        return np.flatnonzero(together)

    def _leaf(self, leaf: int) -> Mask:
        mask = self._masks.get(leaf)
        if mask is None:
            scope = self._scope
            column = self._evaluation.number(scope.columns[scope.leaf_column[leaf]])
            compare = COMPARE[OPERATORS[scope.leaf_operator[leaf]]]
            mask = self._masks[leaf] = compare(column, scope.leaf_bound[leaf])
        return mask
