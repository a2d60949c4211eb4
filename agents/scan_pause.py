"""Notices that the process stood still: by then its partitions may be another's, and its state must not be written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

LOOK_S: Final = 0.25


class PausedError(RuntimeError):
    """The process, or its event loop, stood still for too long."""


class PauseGuard:
    """The group refuses the commits of a member that was away, but nobody refuses its writes to the changelog."""

    def __init__(
        self,
        limit_s: float,
        fail: Callable[[str, BaseException], Any],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`limit_s`: well below the session time-out of the group. `fail` ends the process."""
        self._limit_s, self._fail, self._clock = limit_s, fail, clock
        self._seen = clock()

    async def watch(self) -> None:
        """Look at the clock until cancelled."""
        self._seen = self._clock()
        while True:
            await asyncio.sleep(LOOK_S)
            self.check()
            self._seen = self._clock()

    def check(self) -> None:
        """Also to be called right before state is written: the writer may be what runs first after the pause."""
        away_s = self._clock() - self._seen
        if away_s > self._limit_s:
            error = PausedError(f"nothing ran for {away_s:.1f} s, more than {self._limit_s:g} s")
            self._fail("the process stood still; others may have its partitions", error)
            raise error
