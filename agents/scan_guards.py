"""What ends a worker that does more harm than good by going on: too many dead letters, a restore that stands still."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any


class TooManyDeadLettersError(RuntimeError):
    """So many ticks were set aside that the program, and not the ticks, must be wrong."""


class RestoreStalledError(RuntimeError):
    """The state is not restored and nothing has come of it for too long."""


class DeadLetterLimit:
    """Over the newest `window` ticks of a worker, no more than a share may become dead letters."""

    def __init__(self, share: float, window: int) -> None:
        """`share` 1 is no limit."""
        self._share, self._window = share, window
        self._chunks: deque[tuple[int, int]] = deque()
        self._ticks = self._dead = 0

    def note(self, ticks: int, dead: int) -> None:
        """Of a chunk, `dead` among `ticks`. Raises TooManyDeadLettersError, to be called before they are told."""
        self._chunks.append((ticks, dead))
        self._ticks, self._dead = self._ticks + ticks, self._dead + dead
        while self._ticks - self._chunks[0][0] >= self._window:
            old_ticks, old_dead = self._chunks.popleft()
            self._ticks, self._dead = self._ticks - old_ticks, self._dead - old_dead
        if self._dead > self._share * max(self._ticks, self._window):
            raise TooManyDeadLettersError(
                f"{self._dead} of the last {self._ticks} ticks are dead letters, more than {self._share:.0%} of "
                f"{self._window}. If they are to be set aside all the same, raise the setting scan_dead_letter_share"
            )


class RestoreWatch:
    """Notices a restore that stands still."""

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`limit_s`: longer than the longest outage of the broker that is to be survived."""
        self._limit_s, self._clock = limit_s, clock
        self._since, self._seen = clock(), object()

    def look(self, restoring: bool, progress: Any) -> None:
        """`progress`: anything that changes while the restore gets on. Raises RestoreStalledError."""
        now = self._clock()
        if not restoring or progress != self._seen:
            self._since, self._seen = now, progress
        elif now - self._since > self._limit_s:
            raise RestoreStalledError(f"the restore stands still for {now - self._since:.0f} s; it has {progress}")
