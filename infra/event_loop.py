"""An event loop that knows how long it was held: so long whatever had arrived, a tick or a heartbeat, waited."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any, Final

WINDOW_S: Final = 10.0


class Holds:
    """The longest turn of an event loop within the newest 5 to 10 seconds."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """No turn yet."""
        self.clock = clock
        self._since, self._longest_s, self._before_s = clock(), 0.0, 0.0

    def note(self, begun: float) -> None:
        """A turn has lasted from `begun` until now."""
        now = self.clock()
        self._forget(now)
        self._longest_s = max(self._longest_s, now - begun)

    @property
    def longest_s(self) -> float:
        """Seconds."""
        self._forget(self.clock())
        return max(self._longest_s, self._before_s)

    def _forget(self, now: float) -> None:
        halves = int((now - self._since) / (WINDOW_S / 2))
        if halves:
            self._before_s, self._longest_s = self._longest_s if halves == 1 else 0.0, 0.0
            self._since += halves * WINDOW_S / 2


class _TimedSelector(selectors.DefaultSelector):
    """Between two waits of the loop lies its turn."""

    def __init__(self, holds: Holds) -> None:
        super().__init__()
        self._holds, self._woken = holds, holds.clock()

    def select(self, timeout: float | None = None) -> Any:
        """As the base class; called once a turn."""
        self._holds.note(self._woken)
        found = super().select(timeout)
        self._woken = self._holds.clock()
        return found


def new_event_loop(holds: Holds) -> asyncio.AbstractEventLoop:
    """A loop that notes its turns."""
    return asyncio.SelectorEventLoop(_TimedSelector(holds))
