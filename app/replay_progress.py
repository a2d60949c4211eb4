"""How far a replay is: one line on a terminal, with rate and time left; and its pace, where it has one."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Final

from app.replay_time import duration_text

SHOWN_EVERY_S: Final = 0.2
BAR_WIDTH: Final = 24

Tell = Callable[[str], object]


def say_nothing(_: str) -> None:
    """For a caller who does not want to hear."""


class ProgressLine:
    """One line on stderr that is written over, where stderr is a terminal; at most five times a second."""

    def __init__(self) -> None:
        """Nothing shown yet."""
        self._shown_at, self._terminal = 0.0, sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        """Show this."""
        now = time.monotonic()
        if self._terminal and now - self._shown_at > SHOWN_EVERY_S:
            self._shown_at = now
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line as it is."""
        if self._terminal and self._shown_at:
            print(file=sys.stderr)


class Meter:
    """Counts what is done of `total` units of the input (records, bytes), and the ticks that stood in them."""

    def __init__(self, total: int, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins now."""
        self._total, self._tell, self._clock, self._begun = total, tell, clock, clock()
        self._done: dict[int, tuple[int, int]] = {}

    def reached(self, part: int, done: int, ticks: int) -> None:
        """Of a part so much is done."""
        self._done[part] = (done, ticks)
        self._tell(self.text())

    def text(self) -> str:
        """Such as `[====    ] 52 %, 1,200,000 ticks, 410,000/s, 3 s left`."""
        done, ticks = (sum(one[i] for one in self._done.values()) for i in (0, 1))
        elapsed_s = max(self._clock() - self._begun, 1e-3)
        share = min(done / self._total, 1.0) if self._total else 1.0
        left = duration_text(round(elapsed_s * (1 - share) / share) * 1_000_000_000) if share else "?"
        shown = f"[{'=' * int(share * BAR_WIDTH):{BAR_WIDTH}}]"
        return f"{shown} {share:.0%}, {ticks:,} ticks, {ticks / elapsed_s:,.0f}/s, {left} left"


class Pace:
    """Holds a replay back to `speed` times the pace of its event time."""

    def __init__(self, speed: float) -> None:
        """Event time begins to run with the first wait."""
        self._speed = speed
        self._begun: tuple[float, int] | None = None

    async def wait(self, ts_ns: int) -> None:
        """Until it is that time."""
        now = asyncio.get_running_loop().time()
        if ts_ns <= 0:
            return
        if self._begun is None:
            self._begun = (now, ts_ns)
        begun_s, begun_ns = self._begun
        await asyncio.sleep(begun_s + (ts_ns - begun_ns) / 1e9 / self._speed - now)
