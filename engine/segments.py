"""Running figures over rows sorted into segments: each segment is one symbol's trades of one minute, in log order."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.batch import I64

Number = TypeVar("Number", np.float64, np.int64)
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

LONG: Final = 64
"""Rows from which on a segment is worth a pass of its own."""


class Segments:
    """Consecutive segments of rows: `starts` their first rows, `of_row` the segment of each row, `position` the place
    of a row in its segment."""

    def __init__(self, starts: Index, rows: int) -> None:
        """`starts` ascending, the first 0; no segment is empty."""
        self.starts = starts
        self.rows = rows
        self.lengths = np.diff(starts, append=rows)
        self.last = starts + self.lengths - 1
        self.of_row: Index = np.repeat(np.arange(len(starts)), self.lengths)
        self.position: Index = np.arange(rows) - np.repeat(starts, self.lengths)
        long = self.lengths > LONG
        self._long = list(zip(starts[long].tolist(), (starts + self.lengths)[long].tolist(), strict=True))
        self._longest = int(self.lengths[~long].max(initial=0))

    def total(self, values: I64) -> I64:
        """Sum of each segment; integers, so that the order does not matter."""
        return np.add.reduceat(values, self.starts)

    def running_total(self, values: I64, carry: I64) -> I64:
        """Sum up to each row, beginning at the segment's `carry`. Integers wrap and unwrap: exact."""
        sums = np.cumsum(values)
        base = carry - sums[self.starts] + values[self.starts]
        return sums + base[self.of_row]

    def running_max(self, values: NDArray[Number], carry: NDArray[Number]) -> NDArray[Number]:
        """Largest value up to each row and `carry`; NaN counts as none. Doubling steps: as many passes as the longest
        segment has binary digits; long segments are gone through one by one."""
        best = values.copy()
        best[self.starts] = np.fmax(best[self.starts], carry)
        for start, end in self._long:
            np.fmax.accumulate(best[start:end], out=best[start:end])
        step = 1
        while step < self._longest:
            best[step:] = np.where(self.position[step:] >= step, np.fmax(best[step:], best[:-step]), best[step:])
            step *= 2
        return best

    def running_min(self, values: NDArray[Number], carry: NDArray[Number]) -> NDArray[Number]:
        """Smallest value up to each row and `carry`; NaN counts as none."""
        return -self.running_max(-values, -carry)

    def newest(self, mask: Mask) -> Index:
        """Row of the newest True of the segment up to each row, or -1."""
        at = np.maximum.accumulate(np.where(mask, np.arange(self.rows), -1))
        return np.where(at >= np.repeat(self.starts, self.lengths), at, -1)

    def count_before(self, mask: Mask) -> I64:
        """Number of True rows of the segment before each row."""
        return self.running_total(mask.astype(np.int64), np.zeros(len(self.starts), np.int64)) - mask


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
