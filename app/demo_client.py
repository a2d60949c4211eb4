"""A WebSocket client that is there all the time: it counts what it is told, how often, and how fast."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final

import websockets
from websockets.asyncio.client import connect

RETRY_S: Final = 0.2
MAX_BYTES: Final = 64 * 1024 * 1024


class Listener:
    """`told`: how often each alert id came. `delays_ms`: of alerts on ticks appended from `live_from_ns` on, the time
    from the tick's append to here; the append time has whole milliseconds."""

    def __init__(self, page: str) -> None:
        """`page`: the edge's address."""
        self._address = page.replace("http://", "ws://") + "api/v1/ws"
        self.told: dict[str, int] = {}
        self.by_rule: dict[str, int] = {}
        self.delays_ms: list[float] = []
        self.live_from_ns: int | None = None
        self.quotes = 0
        self.newest: dict[str, Any] | None = None
        self.connected = asyncio.Event()
        self._position: dict[str, Any] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect, and again when the connection is lost."""
        self._task = asyncio.create_task(self._listen(), name="demo client")

    async def stop(self) -> None:
        """Disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                async with connect(self._address, max_size=MAX_BYTES, proxy=None) as socket:
                    await self._follow(socket)
            except (OSError, websockets.WebSocketException):
                self.connected.clear()
            await asyncio.sleep(RETRY_S)

    async def _follow(self, socket: Any) -> None:
        wanted: dict[str, Any] = {"id": 1, "op": "subscribe"}
        if self._position is not None:
            wanted["resume"] = self._position
        await socket.send(json.dumps(wanted))
        async for text in socket:
            message = json.loads(text)
            kind = message.get("push")
            if message.get("id") == 1:
                if message.get("recovered") is False:
                    return  # what was missed cannot be had now; the same place is asked for again
                self.connected.set()
            if kind == "hello" and self._position is None and message["position"]["epoch"]:
                self._position = message["position"]
            elif kind == "alert":
                self._take(message["alerts"])
            elif kind == "live":
                self.quotes += len(message["quotes"])

    def _take(self, alerts: list[dict[str, Any]]) -> None:
        now_ns = time.time_ns()
        for one in alerts:
            body, delivery = one["alert"]["body"], one["alert"]["delivery"]
            self.newest = body
            self.told[body["id"]] = self.told.get(body["id"], 0) + 1
            self.by_rule[body["rule_id"]] = self.by_rule.get(body["rule_id"], 0) + 1
            if self.live_from_ns is not None and delivery["append_ts"] >= self.live_from_ns:
                self.delays_ms.append((now_ns - delivery["append_ts"]) / 1e6)
            if self._position is not None:
                self._position["offsets"][str(one["partition"])] = one["offset"] + 1
