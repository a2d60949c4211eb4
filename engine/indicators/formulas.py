"""Small formulas that several indicators share: of one bar, and from bar to bar."""

from __future__ import annotations

import numpy as np

from engine.columns import NULL
from schemas.batch import F64, I64


def ratio(top: F64, bottom: F64) -> F64:
    """top / bottom, null where the bottom is not above 0."""
    return np.divide(top, np.where(bottom > 0, bottom, NULL))


def typical(high: F64, low: F64, close: F64) -> F64:
    """Typical price of a bar."""
    return ((high + low) + close) / 3


def true_range(high: F64, low: F64, before: F64) -> F64:
    """Range of a bar and the close `before` it together."""
    return np.maximum(np.maximum(high - low, np.abs(high - before)), np.abs(low - before))


def exponential(number: I64, average: F64, x: F64, n: int) -> F64:
    """Exponential average after x, the x with this `number` (from 0; below 0 there is none yet). `average` = the one
    before; the sum of what was seen while that is fewer than n, the n-th makes it the mean."""
    following = average + (x - average) * (2 / (n + 1))
    return following if (number >= n).all() else np.where(number >= n, following, _warming(number, average, x, n))


def wilder(number: I64, average: F64, x: F64, n: int) -> F64:
    """Wilder's average after x, begun like an exponential one."""
    following = (average * (n - 1) + x) / n
    return following if (number >= n).all() else np.where(number >= n, following, _warming(number, average, x, n))


def wilder_sum(number: I64, total: F64, x: F64, n: int) -> F64:
    """Wilder's sum after x: the first n - 1 are added, then each takes the place of an n-th of the sum."""
    following = total - total / n + x
    if (number >= n - 1).all():
        return following
    return np.where(number >= n - 1, following, np.where(number >= 0, total + x, 0.0))


def _warming(number: I64, total: F64, x: F64, n: int) -> F64:
    total = np.where(number >= 0, total + x, 0.0)
    return np.where(number == n - 1, total / n, total)
