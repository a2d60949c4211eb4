"""Where the rules of a scope are true, all rules together. Of many rows first the blocks whose extremes leave room for
a true row, and then the rows of what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, Protocol

import numpy as np

from engine.columns import NULL
from engine.rules.evaluate import COMPARE, Evaluation
from engine.rules.membership import Inside
from engine.rules.plan import Scope
from engine.rules.tree import Node
from engine.segments import Index, Mask, starts_of_runs
from schemas.batch import F64, U8
from schemas.rule import OPERATORS

BLOCK: Final = 128
"""Rows. Sorted by symbol as they are, the rows of a block differ little."""
PAIRS: Final = 16_384
"""Of a rule and a block: so many are gone through together, which bounds the memory that it takes."""
AT_ONCE: Final = 30_720 // BLOCK
"""Blocks that are compared row by row at once: less than what the allocator takes from the system anew."""
DIRECTLY: Final = 262_144
"""Rows times rules, comparisons and universes together: up to so many everything is compared, without blocks."""


class Matches(Protocol):
    """Where the rules of a scope can be true by their comparisons and universes; other conditions are not looked at."""

    def rules(self) -> Mask:
        """Over rules: whether it can be true anywhere. True may be too much, false is certain."""

    def rule(self, number: int) -> bool:
        """Of one rule."""

    def rows(self, rules: Index) -> tuple[Index, Index]:
        """Where all comparisons of each of `rules` (ascending) hold inside its universe, as pairs of rule and row, by
        rule and then by row. Each rule must have a comparison or a universe."""


def matches(scope: Scope, evaluation: Evaluation, inside: Inside) -> Matches:
    """Of all rules of the scope. A column that only hopeless rules use is not computed."""
    things = len(scope.leaf_bound) + len(inside.anywhere) + len(scope.rules)
    return (_Direct if things * len(evaluation) <= DIRECTLY else _Blocks)(scope, evaluation, inside)


class _Direct:
    """Every comparison that a rule still depends on, on every row: few rows are not worth more calls than this."""

    def __init__(self, scope: Scope, evaluation: Evaluation, inside: Inside) -> None:
        leaves = len(scope.leaf_bound)
        true = np.zeros((leaves + len(inside.anywhere), len(evaluation)), bool)
        true[-1] = True  # what fills up `rule_leaves`
        if leaves < len(true) - 1:
            true[leaves:-1] = inside.all_rows
        alive = inside.anywhere[scope.universe]
        for number, node in enumerate(scope.columns):
            pairs = slice(scope.pair_begin[number], scope.pair_begin[number + 1])
            rules = scope.pair_rule[pairs]
            if not alive[rules].any():
                continue
            column = evaluation.number(node)
            for operator, begin, end in scope.leaf_runs[number]:
                true[begin:end] = COMPARE[operator](column, scope.leaf_bound[begin:end, np.newaxis])
            # Of two comparisons of one rule with one number the last stands: a rule kept alive costs a column at most.
            alive[rules] &= true[scope.pair_leaf[pairs]].any(axis=1)
        self._true = np.ones((len(scope.rules), len(evaluation)), bool)
        for leaf in scope.rule_leaves.T:
            self._true &= true[leaf]

    def rules(self) -> Mask:
        return np.asarray(self._true.any(axis=1))

    def rule(self, number: int) -> bool:
        return bool(self._true[number].any())

    def rows(self, rules: Index) -> tuple[Index, Index]:
        places, rows = _true_at(self._true[rules])
        return rules[places], rows


class _Blocks:
    """First a bit for each rule and each block of rows, whether the extremes of the columns leave room for a true row
    there; none for a rule whose universe no row is inside of."""

    def __init__(self, scope: Scope, evaluation: Evaluation, inside: Inside) -> None:
        self._scope, self._evaluation, self._inside = scope, evaluation, inside
        self._count = -(-len(evaluation) // BLOCK)
        self._blocks = blocks = np.full((len(scope.rules), -(-self._count // 8)), 255, np.uint8)
        blocks[~inside.anywhere[scope.universe]] = 0
        for number, node in enumerate(scope.columns):
            pairs = slice(scope.pair_begin[number], scope.pair_begin[number + 1])
            rules = scope.pair_rule[pairs]
            before = blocks[rules]
            if not before.any():
                continue
            first = scope.leaf_begin[number]
            satisfiable = _satisfiable(evaluation.number(node), scope, number)
            # Of two comparisons of one rule with one number the last stands: that leaves room enough.
            blocks[rules] = before & satisfiable[scope.pair_leaf[pairs] - first]

    def rules(self) -> Mask:
        return np.asarray(self._blocks.any(axis=1))

    def rule(self, number: int) -> bool:
        return bool(self._blocks[number].any())

    def rows(self, rules: Index) -> tuple[Index, Index]:
        places, blocks = _true_at(np.unpackbits(self._blocks[rules], axis=1, count=self._count).view(bool))
        parts = [slice(begin, begin + PAIRS) for begin in range(0, max(len(places), 1), PAIRS)]
        found = [
            _rows_of(self._scope, self._evaluation, self._inside, rules[places[some]], blocks[some]) for some in parts
        ]
        return np.concatenate([numbers for numbers, _ in found]), np.concatenate([rows for _, rows in found])


def _satisfiable(column: F64, scope: Scope, number: int) -> U8:
    """A bit for each leaf of one column and each block of rows."""
    starts = np.arange(0, len(column), BLOCK)
    smallest, largest = np.fmin.reduceat(column, starts), np.fmax.reduceat(column, starts)
    first, last = scope.leaf_begin[number], scope.leaf_begin[number + 1]
    found = np.empty((last - first, -(-len(starts) // 8)), np.uint8)
    for operator, begin, end in scope.leaf_runs[number]:
        bound = scope.leaf_bound[begin:end, np.newaxis]
        found[begin - first : end - first] = np.packbits(_POSSIBLE[operator](smallest, largest, bound), axis=1)
    return found


_POSSIBLE: Final[dict[str, Callable[[F64, F64, F64], Mask]]] = {
    ">": lambda smallest, largest, bound: largest > bound,
    "<": lambda smallest, largest, bound: smallest < bound,
    ">=": lambda smallest, largest, bound: largest >= bound,
    "<=": lambda smallest, largest, bound: smallest <= bound,
    "==": lambda smallest, largest, bound: (smallest <= bound) & (bound <= largest),
    "!=": lambda smallest, largest, bound: (smallest != bound) | (largest != bound),
}
"""Over blocks."""


def _rows_of(scope: Scope, evaluation: Evaluation, inside: Inside, rules: Index, blocks: Index) -> tuple[Index, Index]:
    """Pairs of rule and row, of the blocks beside the rules."""
    holds = np.ones((len(rules), BLOCK), bool)
    last = (len(evaluation) - 1) // BLOCK
    holds[blocks == last, len(evaluation) - BLOCK * last :] = False
    for number in range(scope.leaf_count[rules].max(initial=0)):
        having = np.flatnonzero(scope.leaf_count[rules] > number)
        leaves = scope.rule_leaves[rules[having], number]
        is_universe = leaves >= len(scope.leaf_bound)
        _compare(scope, evaluation, leaves[~is_universe], blocks, holds, having[~is_universe])
        _keep_inside(inside, leaves[is_universe] - len(scope.leaf_bound), blocks, holds, having[is_universe])
        left = holds.any(axis=1)
        rules, blocks, holds = rules[left], blocks[left], holds[left]
    places, rows = _true_at(holds)
    return rules[places], BLOCK * blocks[places] + rows


def _true_at(mask: Mask) -> tuple[Index, Index]:
    """Where a mask of two dimensions is true; several times as fast as `nonzero` on it."""
    first, second = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return first, second


def _compare(scope: Scope, evaluation: Evaluation, leaves: Index, blocks: Index, holds: Mask, at: Index) -> None:
    """Clear `holds` [at], rows of `blocks` [at], where the comparisons beside them do not hold."""
    order = np.argsort(leaves, kind="stable")
    leaves, at = leaves[order], at[order]
    begins = starts_of_runs(scope.leaf_column[leaves], scope.leaf_operator[leaves]).tolist()
    for begin, end in pairwise([*begins, len(leaves)]):
        column = _by_block(evaluation.number(scope.columns[scope.leaf_column[leaves[begin]]]))
        compare = COMPARE[OPERATORS[scope.leaf_operator[leaves[begin]]]]
        for first in range(begin, end, AT_ONCE):
            some = slice(first, min(first + AT_ONCE, end))
            holds[at[some]] &= compare(column[blocks[at[some]]], scope.leaf_bound[leaves[some], np.newaxis])


def _keep_inside(inside: Inside, universes: Index, blocks: Index, holds: Mask, at: Index) -> None:
    """Clear `holds` [at], rows of `blocks` [at], outside of the universes beside them."""
    for first in range(0, len(at), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        rows = BLOCK * blocks[at[some], np.newaxis] + np.arange(BLOCK)
        holds[at[some]] &= inside.each(universes[some, np.newaxis], rows)


def _by_block(column: F64) -> F64:
    """One row a block, the last filled up with nulls."""
    missing = -len(column) % BLOCK
    whole = np.append(column, np.full(missing, NULL)) if missing else column
    return whole.reshape(-1, BLOCK)


def rows_of_rest(rest: Sequence[Node], evaluation: Evaluation, rows: Index | None = None) -> Index:
    """Of `rows` (None: of all), those where these conditions hold."""
    for node in rest:
        true = evaluation.truth(node).true
        rows = np.flatnonzero(true) if rows is None else rows[true[rows]]
        if not len(rows):
            break
    return np.arange(len(evaluation)) if rows is None else rows
