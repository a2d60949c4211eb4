"""What one WebSocket client wants and what waits for it: state only, no network."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from api.messages import Subscribe, Told, push_alerts

ALERTS_PER_FRAME: Final = 200
SLOW: Final = "slow"


@dataclass(frozen=True)
class Wanted:
    """What a client subscribed to; None: all of them."""

    symbols: frozenset[str] | None
    rules: frozenset[str] | None
    alerts: bool
    live: bool
    metrics: bool = False

    def takes(self, alert: Told) -> bool:
        """Whether the client is to be told."""
        return (
            self.alerts
            and (self.symbols is None or alert.symbol in self.symbols)
            and (self.rules is None or alert.rule_id in self.rules)
        )


def wanted_of(message: Subscribe) -> Wanted:
    """The subscription that a message asks for."""
    symbols = None if message.symbols is None else frozenset(message.symbols)
    rules = None if message.rules is None else frozenset(message.rules)
    return Wanted(symbols, rules, message.alerts, message.live, message.metrics)


class Client:
    """A queue in the order of sending. It never drops an alert: when it is full, the client has to leave."""

    def __init__(self, max_alerts: int, max_bytes: int) -> None:
        self._max_alerts, self._max_bytes = max_alerts, max_bytes
        self.wanted: Wanted | None = None
        self._first: deque[Told | str] = deque()
        self._waiting: deque[Told | str] = deque()
        self._bytes = 0
        self.held = False
        self.greeted = False
        """Whether it has been told hello, which is after its token was seen."""
        self.live_version = 0
        self.metrics_version = 0
        self.live_due = False
        self.wake = asyncio.Event()
        self.must_leave = asyncio.Event()
        self.leave_reason = ""

    @property
    def depth(self) -> int:
        """How many alerts and other messages wait."""
        return len(self._first) + len(self._waiting)

    def offer(self, alerts: Iterable[Told]) -> None:
        """Queue the alerts that the client wants."""
        if self.wanted is None or self.leave_reason:
            return
        for alert in alerts:
            if self.wanted.takes(alert):
                self._put(alert, len(alert.text))

    def say(self, text: str) -> None:
        """Queue a message after what waits already."""
        if not self.leave_reason:
            self._put(text, len(text))

    def hold(self) -> None:
        """Keep back what comes from now on, until `begin`."""
        self.held = True

    def begin(self, message: str, earlier: Iterable[Told]) -> None:
        """Send `message`, then `earlier` alerts, then what was kept back."""
        self._first.append(message)
        self._first.extend(earlier)
        self.held = False
        self.wake.set()

    def leave(self, reason: str) -> None:
        """Have the connection ended; only the first reason counts."""
        self.leave_reason = self.leave_reason or reason
        self.must_leave.set()

    def next_frame(self) -> str | None:
        """The next frame to send, alerts that follow each other in one; None when nothing may be sent now."""
        queue = self._first or self._waiting
        if self.held or not queue:
            return None
        texts: list[str] = []
        while queue and len(texts) < ALERTS_PER_FRAME:
            if isinstance(queue[0], str):
                return push_alerts(texts) if texts else self._take(queue)
            texts.append(self._take(queue))
        return push_alerts(texts)

    def _take(self, queue: deque[Told | str]) -> str:
        item = queue.popleft()
        text = item if isinstance(item, str) else item.text
        if queue is self._waiting:
            self._bytes -= len(text)
        return text

    def _put(self, item: Told | str, size: int) -> None:
        if len(self._waiting) >= self._max_alerts or self._bytes + size > self._max_bytes:
            self.leave(SLOW)
            return
        self._waiting.append(item)
        self._bytes += size
        self.wake.set()
