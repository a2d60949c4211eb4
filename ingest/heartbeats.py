"""Heartbeats of a source whose time is that of its rows: the same function for ingest and for a replay of the same
rows."""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.batch import I64

SECOND_NS: Final = 1_000_000_000
NOT_STARTED: Final = -1


def heartbeats(ts: I64, newest_ns: int = NOT_STARTED) -> tuple[I64, I64, int]:
    """Where rows in log order enter a later second than any row before them, and which second that is.

    `ts`: event times in UTC ns, at least 0, in row order; late and out-of-order rows may be among them. `newest_ns`:
    the newest heartbeat so far.
    Returns rows (the heartbeat comes before this row), the heartbeats' times, and the newest heartbeat now. Any split
    of the rows into
    batches gives the same heartbeats.
    """
    if not len(ts):
        return np.empty(0, np.int64), np.empty(0, np.int64), newest_ns
    reached = np.maximum.accumulate(ts - ts % SECOND_NS)
    before = np.concatenate(([newest_ns], np.maximum(reached[:-1], newest_ns)))
    rows = np.flatnonzero(reached > before)
    return rows, reached[rows], max(newest_ns, int(reached[-1]))
