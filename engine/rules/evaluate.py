"""Where each rule of a plan is true: comparisons over whole columns, and only those that some row can satisfy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from engine.rules.plan import Plan, PlannedRule
from engine.segments import Index, Mask
from schemas.batch import F64
from schemas.rule import OPERATORS

_COMPARE: Final[dict[str, Callable[[F64, float], Any]]] = {
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": lambda column, bound: (column < bound) | (column > bound),
}


def true_rows(plan: Plan, columns: Sequence[F64]) -> Iterator[tuple[PlannedRule, Index]]:
    """Each rule that is true somewhere, with the rows where it is. `columns`: the plan's metrics over the rows. Null
    is never true."""
    if not plan.rules or not len(columns[0]):
        return
    hopeless = ~_satisfiable(plan, columns)[plan.rule_leaves]
    masks: dict[int, Mask] = {}
    for r in np.flatnonzero(np.add.reduceat(hopeless, plan.rule_start, dtype=np.intp) == 0):
        rule = plan.rules[r]
        rows = _rows(plan, rule, columns, masks)
        if rows is not None:
            yield rule, rows


def _satisfiable(plan: Plan, columns: Sequence[F64]) -> Mask:
    """Over leaves: whether the extremes of the column leave room for a true row."""
    smallest = np.array([np.fmin.reduce(column) for column in columns])[plan.leaf_metric]
    largest = np.array([np.fmax.reduce(column) for column in columns])[plan.leaf_metric]
    bound = plan.leaf_bound
    by_operator = {
        ">": largest > bound,
        "<": smallest < bound,
        ">=": largest >= bound,
        "<=": smallest <= bound,
        "==": (smallest <= bound) & (bound <= largest),
        "!=": (smallest != bound) | (largest != bound),
    }
    return np.choose(plan.leaf_operator, [by_operator[o] for o in OPERATORS])


def _rows(plan: Plan, rule: PlannedRule, columns: Sequence[F64], masks: dict[int, Mask]) -> Index | None:
    """The rows where all leaves hold, None where there are none; leaf masks are shared through `masks`."""
    together: Mask | None = None
    for leaf in rule.leaves:
        mask = masks.get(leaf)
        if mask is None:
            condition = plan.leaves[leaf]
            mask = masks[leaf] = _COMPARE[condition.operator](columns[plan.leaf_metric[leaf]], condition.bound)
        together = mask if together is None else together & mask
        if not together.any():
            return None
    assert together is not None, "a rule has at least one leaf"
    return np.flatnonzero(together)
