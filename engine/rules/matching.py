"""Where the rules of a scope are true: comparisons over whole columns, for many rules together, and only those rules
that some row can satisfy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from engine.rules.evaluate import COMPARE, Evaluation
from engine.rules.membership import Inside
from engine.rules.plan import Scope
from engine.rules.tree import Node
from engine.segments import Index, Mask, starts_of_runs
from schemas.batch import F64, U64
from schemas.rule import OPERATORS

WORD: Final = 64
BLOCK: Final = 1 << 20
"""So many bytes are worked on at once: they stay near the processor."""


def hopeful_rules(scope: Scope, evaluation: Evaluation, inside: Inside) -> Mask:
    """Over the rules of the scope: whether a row is inside its universe, and the extremes of the columns leave room for
    a true one. A column that only hopeless rules use is not computed."""
    hopeful = inside.anywhere[scope.universe]
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


def matched_rows(scope: Scope, evaluation: Evaluation, inside: Inside, rules: Index) -> tuple[Index, Index]:
    """Where all comparisons of each of `rules` hold inside its universe, as pairs of rule and row, by rule and then by
    row. Each rule must have a comparison or a universe."""
    if not len(rules):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    rules = rules[np.argsort(-scope.leaf_count[rules], kind="stable")]
    leaves = scope.rule_leaves[rules, : scope.leaf_count[rules[0]]]
    used = np.unique(leaves[leaves >= 0])
    true = _true_bits(scope, evaluation, inside, used)
    at_once = max(1, BLOCK // true[0].nbytes)
    blocks = [slice(begin, begin + at_once) for begin in range(0, len(rules), at_once)]
    found = [_of_block(true, np.searchsorted(used, leaves[one]), scope.leaf_count[rules[one]]) for one in blocks]
    pair_rules = np.concatenate([rules[one][places] for one, (places, _) in zip(blocks, found, strict=True)])
    order = np.argsort(pair_rules, kind="stable")
    return pair_rules[order], np.concatenate([rows for _, rows in found])[order]


def _true_bits(scope: Scope, evaluation: Evaluation, inside: Inside, leaves: Index) -> U64:
    """Of each leaf a bit for each row, in words of 64; comparisons of one column and operator together."""
    bits = np.zeros((len(leaves), -(-len(evaluation) // WORD)), np.uint64)
    octets = bits.view(np.uint8)[:, : -(-len(evaluation) // 8)]
    comparisons = np.searchsorted(leaves, len(scope.leaf_bound))
    begins = starts_of_runs(scope.leaf_column[leaves[:comparisons]], scope.leaf_operator[leaves[:comparisons]]).tolist()
    at_once = max(1, BLOCK // max(1, len(evaluation)))
    for begin, end in pairwise([*begins, comparisons]):
        column = evaluation.number(scope.columns[scope.leaf_column[leaves[begin]]])
        compare = COMPARE[OPERATORS[scope.leaf_operator[leaves[begin]]]]
        for first in range(begin, end, at_once):
            some = slice(first, min(first + at_once, end))
            holds = compare(column, scope.leaf_bound[leaves[some], np.newaxis])
            octets[some] = np.packbits(holds, axis=1, bitorder="little")
    for first in range(comparisons, len(leaves), at_once):
        some = slice(first, first + at_once)
        octets[some] = np.packbits(inside.rows(leaves[some] - len(scope.leaf_bound)), axis=1, bitorder="little")
    return bits


def _of_block(true: U64, leaves: Index, counts: Index) -> tuple[Index, Index]:
    """Pairs of rule and row where all leaves of a rule are true; rules with more `leaves` first."""
    holds = true[leaves[:, 0]]
    for number in range(1, counts[0]):
        having = np.count_nonzero(counts > number)
        holds[:having] &= true[leaves[:having, number]]
    words = np.flatnonzero(holds)
    octets = holds.ravel()[words].view(np.uint8)
    found = np.flatnonzero(np.unpackbits(octets, bitorder="little"))
    rules, at = np.divmod(words[found // WORD], holds.shape[1])
    return rules, WORD * at + found % WORD


def rows_of_rest(rest: Sequence[Node], evaluation: Evaluation, rows: Index | None = None) -> Index:
    """Of `rows` (None: of all), those where these conditions hold."""
    for node in rest:
        true = evaluation.truth(node).true
        rows = np.flatnonzero(true) if rows is None else rows[true[rows]]
        if not len(rows):
            break
    return np.arange(len(evaluation)) if rows is None else rows
