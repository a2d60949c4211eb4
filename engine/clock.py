"""Time in the log: sources promise how far they are, the partition's watermark is what all of them have passed."""

from __future__ import annotations

from typing import Final

from schemas.batch import UNKNOWN_TIME
from schemas.control import Heartbeat, Mark, SourceEnd

SILENCE_NS: Final = 60_000_000_000
"""A source this far behind the newest one no longer holds the watermark back."""


def ahead_of_time(mark: Mark, bound_ns: int) -> str | None:
    """Why a heartbeat is a dead letter: it would make all that follows late, for good. None where it is none."""
    event = mark.event
    if not isinstance(event, Heartbeat) or mark.append_ts == UNKNOWN_TIME:
        return None
    ahead_ns = event.ts_ns - mark.append_ts
    if ahead_ns <= bound_ns:
        return None
    return f"heartbeat: {event.ts_ns} is {ahead_ns / 1e9:.1f} s ahead of the record's append time"


class Watermark:
    """The partition's watermark and each source's latest heartbeat, in ns."""

    def __init__(self, ts_ns: int = 0, heartbeats: dict[str, int] | None = None) -> None:
        """A watermark of 0 has passed nothing."""
        self.ts_ns = ts_ns
        self.heartbeats = dict(heartbeats or {})

    def apply(self, event: Heartbeat | SourceEnd) -> int:
        """Take the event in; the new watermark, never below the old one."""
        if isinstance(event, SourceEnd):
            self.heartbeats.pop(event.source, None)
        else:
            self.heartbeats[event.source] = max(event.ts_ns, self.heartbeats.get(event.source, 0))
        if self.heartbeats:
            newest = max(self.heartbeats.values())
            self.ts_ns = max(self.ts_ns, min(ts for ts in self.heartbeats.values() if ts >= newest - SILENCE_NS))
        return self.ts_ns
