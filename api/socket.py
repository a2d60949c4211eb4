"""One WebSocket connection: reads what the client says, writes what waits for it, and says why before it closes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.client import SLOW, Client
from api.config import EdgeConfig
from api.guard import token_matches
from api.hub import Hub
from api.messages import (
    PROTOCOL,
    BadMessageError,
    Ping,
    Subscribe,
    Told,
    Unsubscribe,
    decode_message,
    push,
    refusal,
    reply,
    told,
)
from infra import metrics
from infra.topic_tail import TopicAwayError, read_spans
from schemas.alert import decode_alert
from schemas.topics import ALERTS

logger = logging.getLogger(__name__)

# 44xx: do not come back unchanged; 45xx and 10xx: come back after a while.
CLOSE_CODES: Final = {
    "unauthorized": 4401, "auth_timeout": 4408, "rate": 4429, SLOW: 4508, "restart": 1012, "overload": 1013,
}  # fmt: skip
MESSAGES_PER_WINDOW: Final = 50
WINDOW_S: Final = 10.0
MAX_RESUMES: Final = 4


@dataclass
class _Rate:
    """Counts a client's messages in windows of ten seconds."""

    begun: float = 0.0
    count: int = 0

    def exceeded(self, now: float) -> bool:
        """Count one more message; whether it is too many."""
        if now - self.begun > WINDOW_S:
            self.begun, self.count = now, 0
        self.count += 1
        return self.count > MESSAGES_PER_WINDOW


class Sockets:
    """Serves every connection of an edge."""

    def __init__(self, config: EdgeConfig, hub: Hub) -> None:
        self._config, self._hub = config, hub
        self._resumes = asyncio.Semaphore(MAX_RESUMES)

    async def serve(self, socket: WebSocket) -> None:
        """From the handshake to the end of one connection."""
        await socket.accept()
        client = self._hub.join()
        if len(self._hub.clients) > self._config.max_clients:
            client.leave("overload")
        connection = _Connection(socket, client, self._config, self._hub, self._resumes)
        try:
            await connection.run()
        finally:
            self._hub.drop(client)

    def close_all(self) -> None:
        """Ask every client to come back later."""
        for client in self._hub.clients:
            client.leave("restart")


class _Connection:
    def __init__(
        self, socket: WebSocket, client: Client, config: EdgeConfig, hub: Hub, resumes: asyncio.Semaphore
    ) -> None:
        self._socket, self._client, self._config, self._hub, self._resumes = socket, client, config, hub, resumes
        self._rate = _Rate()

    async def run(self) -> None:
        leaving = asyncio.create_task(self._client.must_leave.wait())
        tasks = {asyncio.create_task(self._read()), asyncio.create_task(self._write()), leaving}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        if self._client.leave_reason:
            await self._say_bye(self._client.leave_reason)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect):
                raise error

    # --- reading ---------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        if self._config.token is None:
            self._say_hello()
        else:
            await self._read_first()
        while True:
            await self._answer(await self._receive())

    async def _read_first(self) -> None:
        try:
            async with asyncio.timeout(self._config.auth_limit_s):
                text = await self._receive()
        except TimeoutError:
            self._client.leave("auth_timeout")
            return
        try:
            token = decode_message(text).token
        except BadMessageError:
            token = None
        if not token_matches(self._config, token):
            self._client.leave("unauthorized")
            return
        self._say_hello()
        await self._answer(text)

    async def _receive(self) -> str:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        if self._rate.exceeded(asyncio.get_running_loop().time()):
            self._client.leave("rate")
        text: str | None = message.get("text")
        return text if text is not None else message.get("bytes", b"").decode("utf-8", "replace")

    def _say_hello(self) -> None:
        self._client.greeted = True
        self._client.say(
            push("hello", protocol=PROTOCOL, heartbeat_s=self._config.heartbeat_s, position=self._hub.position)
        )

    async def _answer(self, text: str) -> None:
        try:
            message = decode_message(text)
        except BadMessageError as error:
            self._client.say(refusal(error.id, "bad_message", str(error)))
            return
        match message:
            case Ping():
                self._client.say(reply(message.id))
            case Unsubscribe():
                self._client.wanted = None
                self._client.say(reply(message.id))
            case Subscribe():
                await self._subscribe(message)

    async def _subscribe(self, message: Subscribe) -> None:
        """The reply comes first, then what the client has missed, then what happened since it asked."""
        if message.resume is not None:
            await self._read_up()
        self._client.hold()
        earlier = self._hub.subscribe(self._client, message)
        position = self._hub.position
        if message.resume is None:
            self._client.begin(reply(message.id, position=position), earlier)
            return
        missed = await self._missed(message)
        recovered = missed is not None
        found = earlier if missed is None else missed
        self._client.begin(reply(message.id, position=position, recovered=recovered, count=len(found)), found)

    async def _read_up(self) -> None:
        """An edge that has just started may not have come to where the client was; what lies between is no news."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.resume_limit_s):
                await self._hub.read_up.wait()

    async def _missed(self, message: Subscribe) -> list[Told] | None:
        """Every alert between the client's position and the one at which it subscribed; None: not to be had."""
        assert message.resume is not None
        spans, wanted = self._hub.spans(message.resume), self._client.wanted
        if spans is None or wanted is None:
            return None
        try:
            async with self._resumes:
                records = await read_spans(
                    self._config.bootstrap, self._config.client_id, ALERTS.name, spans, self._config.resume_limit_s
                )
        except TopicAwayError as error:
            logger.warning("a client could not resume: %s", error)
            return None
        if records is None:
            return None
        found = []
        for record in records:
            value = record.value or b""
            try:
                alert = told(decode_alert(value), record.partition, record.offset, value)
            except msgspec.MsgspecError:
                continue  # counted and logged when the feed met it
            if wanted.takes(alert) and self._hub.is_new(alert):
                found.append(alert)
        return found

    # --- writing ---------------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        client = self._client
        while True:
            await client.wake.wait()
            client.wake.clear()
            while (frame := client.next_frame()) is not None:
                await self._send("message", frame)
            if client.live_due and not client.held:
                await self._write_live()

    async def _write_live(self) -> None:
        """Prices and figures last: they are made when the client can take them, so that it gets the newest."""
        client, quotes, figures = self._client, self._hub.quotes, self._hub.figures
        client.live_due, wanted = False, client.wanted
        if wanted is not None and wanted.live:
            known, client.live_version = client.live_version, quotes.version
            for frame in quotes.frames_since(known, wanted.symbols):
                await self._send("live", frame)
                await asyncio.sleep(0)  # sending alone gives nobody else a turn
        if wanted is not None and wanted.metrics:
            known, client.metrics_version = client.metrics_version, figures.version
            for frame in figures.frames_since(known, wanted.symbols or ()):
                await self._send("metrics", frame)

    async def _send(self, kind: str, text: str) -> None:
        await self._socket.send({"type": "websocket.send", "text": text})
        metrics.PUSHED.labels(kind).inc()

    async def _say_bye(self, reason: str) -> None:
        if reason == SLOW:
            metrics.CLOSED_SLOW.inc()
        code = CLOSE_CODES[reason]
        try:
            async with asyncio.timeout(self._config.bye_limit_s):
                await self._send("bye", push("bye", reason=reason, reconnect=not 4400 <= code < 4500))
                await self._socket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError) as error:
            logger.info("a client left without hearing %r: %r", reason, error)
