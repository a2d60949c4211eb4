"""Where the rules of a scope are true: first the blocks of rows whose extremes leave room for a true row, for all rules
together, and then the rows of what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Hopeful:
    """`blocks`: a bit for each rule of a scope and each block of rows, whether the extremes of the columns leave room
    for a true row there; none for a rule whose universe no row is inside of."""

    blocks: U8

    def rules(self) -> Mask:
        """Whether there is any such block."""
        return np.asarray(self.blocks.any(axis=1))

    def rule(self, number: int) -> bool:
        """Of one rule."""
        return bool(self.blocks[number].any())


def hopeful(scope: Scope, evaluation: Evaluation, inside: Inside) -> Hopeful:
    """Of all rules of the scope. A column that only hopeless rules use is not computed."""
    count = -(-len(evaluation) // BLOCK)
    blocks = np.full((len(scope.rules), -(-count // 8)), 255, np.uint8)
    blocks[~inside.anywhere[scope.universe]] = 0
    for number, node in enumerate(scope.columns):
        pairs = slice(scope.pair_begin[number], scope.pair_begin[number + 1])
        rules = scope.pair_rule[pairs]
        before = blocks[rules]
        if not before.any():
            continue
        first = scope.leaf_begin[number]
        leaves = slice(first, scope.leaf_begin[number + 1])
        satisfiable = _satisfiable(evaluation.number(node), scope.leaf_operator[leaves], scope.leaf_bound[leaves])
        # Of two comparisons of one rule with one number the last stands: that leaves room enough.
        blocks[rules] = before & satisfiable[scope.pair_leaf[pairs] - first]
    return Hopeful(blocks)


def _satisfiable(column: F64, operator: Index, bound: F64) -> U8:
    """A bit for each leaf of one column, in order of operators, and each block of rows."""
    starts = np.arange(0, len(column), BLOCK)
    smallest, largest = np.fmin.reduceat(column, starts), np.fmax.reduceat(column, starts)
    found = np.empty((len(bound), -(-len(starts) // 8)), np.uint8)
    edges = np.searchsorted(operator, np.arange(len(OPERATORS) + 1)).tolist()
    for possible, (begin, end) in zip(_POSSIBLE, pairwise(edges), strict=True):
        if begin < end:
            found[begin:end] = np.packbits(possible(smallest, largest, bound[begin:end, np.newaxis]), axis=1)
    return found


_POSSIBLE: Final[tuple[Callable[[F64, F64, F64], Mask], ...]] = (
    lambda smallest, largest, bound: largest > bound,
    lambda smallest, largest, bound: smallest < bound,
    lambda smallest, largest, bound: largest >= bound,
    lambda smallest, largest, bound: smallest <= bound,
    lambda smallest, largest, bound: (smallest <= bound) & (bound <= largest),
    lambda smallest, largest, bound: (smallest != bound) | (largest != bound),
)
"""Over blocks, in the order of `OPERATORS`."""


def matched_rows(
    scope: Scope, evaluation: Evaluation, inside: Inside, hopeful: Hopeful, rules: Index
) -> tuple[Index, Index]:
    """Where all comparisons of each of `rules` (ascending) hold inside its universe, as pairs of rule and row, by rule
    and then by row. Each rule must have a comparison or a universe."""
    count = -(-len(evaluation) // BLOCK)
    places, blocks = _true_at(np.unpackbits(hopeful.blocks[rules], axis=1, count=count).view(bool))
    parts = [slice(begin, begin + PAIRS) for begin in range(0, max(len(places), 1), PAIRS)]
    found = [_rows_of(scope, evaluation, inside, rules[places[some]], blocks[some]) for some in parts]
    return np.concatenate([numbers for numbers, _ in found]), np.concatenate([rows for _, rows in found])


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
