"""Running figures over rows sorted into segments: each segment is one symbol's trades of one minute, in log order."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.batch import I64

Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)

LONG: Final = 64
"""Rows from which on a segment is worth a pass of its own."""
BITS: Final = 62
"""Of a segment's number above a value, so that their sum stays below 2**63."""


class Segments:
    """Consecutive segments of rows: `starts` their first rows, `of_row` the segment of each row."""

    def __init__(self, starts: Index, rows: int) -> None:
        """`starts` ascending, the first 0; no segment is empty."""
        self.starts = starts
        self.rows = rows
        self.lengths = np.diff(starts, append=rows)
        self.last = starts + self.lengths - 1
        self.of_row: Index = np.repeat(np.arange(len(starts)), self.lengths)

    def spread(self, values: NDArray[T]) -> NDArray[T]:
        """Values of the segments (one dimension) over rows; a third of the time that an index over rows takes."""
        return np.repeat(values, self.lengths)

    def total(self, values: I64) -> I64:
        """Sum of each segment; integers, so that the order does not matter."""
        return np.add.reduceat(values, self.starts)

    def running_total(self, values: I64, carry: I64) -> I64:
        """Sum up to each row, beginning at the segment's `carry`. Integers wrap and unwrap: exact."""
        sums = np.cumsum(values)
        return sums + self.spread(carry - sums[self.starts] + values[self.starts])

    def running_max(self, values: I64, carry: I64) -> I64:
        """Largest value up to each row and the segment's `carry`."""
        best = values.copy()
        best[self.starts] = np.maximum(best[self.starts], carry)
        least = int(best.min())
        bits = (int(best.max()) - least).bit_length()
        if bits + len(self.starts).bit_length() > BITS:
            return self._running_max_by_doubling(best)
        # Each segment lies wholly above the one before it: one pass over all of them.
        above = (self.of_row << bits) - least
        found: I64 = np.maximum.accumulate(best + above)
        return found - above

    def _running_max_by_doubling(self, best: I64) -> I64:
        """As many passes as the longest segment has binary digits; long segments are gone through one by one."""
        position = np.arange(self.rows) - self.spread(self.starts)
        long = self.lengths > LONG
        for start, end in zip(self.starts[long].tolist(), (self.last[long] + 1).tolist(), strict=True):
            np.maximum.accumulate(best[start:end], out=best[start:end])
        longest, step = int(self.lengths[~long].max(initial=0)), 1
        while step < longest:
            best[step:] = np.where(position[step:] >= step, np.maximum(best[step:], best[:-step]), best[step:])
            step *= 2
        return best

    def running_min(self, values: I64, carry: I64) -> I64:
        """Smallest value up to each row and `carry`."""
        return -self.running_max(-values, -carry)

    def newest(self, mask: Mask) -> Index:
        """Row of the newest True of the segment up to each row, or -1."""
        at = newest_true(mask)
        return np.where(at >= self.spread(self.starts), at, -1)

    def count_before(self, mask: Mask) -> I64:
        """Number of True rows of the segment before each row."""
        return self.running_total(mask.astype(np.int64), np.zeros(len(self.starts), np.int64)) - mask


def newest_true(mask: Mask) -> Index:
    """Row of the newest True up to each row, or -1. Counting is several times as fast as a running maximum."""
    return np.append(-1, np.flatnonzero(mask)).take(np.cumsum(mask))


def starts_of_runs(*keys: NDArray[np.generic]) -> Index:
    """First rows of the runs over which all `keys` are equal."""
    if not len(keys[0]):
        return np.empty(0, np.intp)
    change = np.zeros(len(keys[0]), bool)
    change[0] = True
    for key in keys:
        change[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(change)


def ranges(starts: Index, lengths: Index) -> Index:
    """The rows of all segments [start, start + length), one after the other."""
    total = int(lengths.sum())
    shift = starts - (np.cumsum(lengths) - lengths)
    return np.repeat(shift, lengths) + np.arange(total)
