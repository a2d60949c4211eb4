"""Event time at the speed of the wall clock, or some times that: when which rows are due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from schemas.batch import I64

STEP_NS: Final = 10_000_000
"""Rows that are due within so much wall time are sent together."""


class Pace:
    """Begins with the first rows it is shown."""

    def __init__(self, speed: float, for_s: float | None = None, clock: Callable[[], float] | None = None) -> None:
        """`speed` above 0; `clock` in seconds, that of the event loop if there is none."""
        self._speed, self._for_s = speed, for_s
        self._clock = clock or asyncio.get_running_loop().time
        self._event_ns: int | None = None
        self._wall_s = 0.0

    def steps(self, ts: I64) -> Iterator[tuple[slice, int]]:
        """Slices of rows that are sent together, with the event time at which each is due."""
        if not len(ts):
            return
        if self._event_ns is None:
            self._event_ns, self._wall_s = int(ts[0]), self._clock()
        reached = np.maximum.accumulate(ts)
        step = ((reached - self._event_ns) // max(1, round(STEP_NS * self._speed))).astype(np.int64)
        starts = np.flatnonzero(np.concatenate(([True], step[1:] != step[:-1])))
        ends = [*starts[1:].tolist(), len(ts)]
        for start, end in zip(starts.tolist(), ends, strict=True):
            yield slice(start, end), int(reached[end - 1])

    async def wait(self, event_ns: int, stop: asyncio.Event) -> bool:
        """Wait until that event time is due; False if `stop` was set or the time is up, and nothing more is to be
        sent."""
        assert self._event_ns is not None, "steps come first"
        due_s = (event_ns - self._event_ns) / 1e9 / self._speed
        if self._for_s is not None and due_s > self._for_s:
            stop.set()
            return False
        rest_s = self._wall_s + due_s - self._clock()
        if rest_s > 0:
            try:
                async with asyncio.timeout(rest_s):
                    await stop.wait()
            except TimeoutError:
                return True
        return not stop.is_set()
