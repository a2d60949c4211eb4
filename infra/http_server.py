"""An ASGI application on a port, as a part of a process that has an event loop and signal handlers of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn

START_LIMIT_S: Final = 10.0
SHUTDOWN_LIMIT_S: Final = 5
BACKLOG: Final = 1024
WS_MESSAGE_BYTES: Final = 65_536
WS_PING_S: Final = 20.0
# Linux drops a connection whose peer has acknowledged nothing for so long, also one with a closed window: else a
# client that stops reading would hold its socket and buffers until it goes away by itself.
STALLED_PEER_MS: Final = 30_000


class ListenError(Exception):
    """The port cannot be listened on; the text says which and why."""


class _Server(uvicorn.Server):
    """Leaves signals to the process, and tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves `app` from `start` to `stop`. Port 0 takes a free one; `port` tells which."""

    def __init__(self, app: Any, host: str, port: int, send_buffer_bytes: int | None = None) -> None:
        """`send_buffer_bytes` bounds what the kernel holds for one connection; None leaves that to it."""
        self._app, self._host, self._port = app, host, port
        self._send_buffer_bytes = send_buffer_bytes
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port in use, after `start`."""
        return self._port

    async def start(self) -> None:
        """Listen, and return once requests are answered. Raises ListenError."""
        listener = self._listen()
        self._port = listener.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                self._app,
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                ws="websockets-sansio",
                ws_max_size=WS_MESSAGE_BYTES,
                ws_ping_interval=WS_PING_S,
                ws_ping_timeout=WS_PING_S,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=SHUTDOWN_LIMIT_S,
            )
        )
        self._task = asyncio.create_task(self._server.serve([listener]), name=f"http {self._host}:{self._port}")
        up = asyncio.create_task(self._server.up.wait())
        try:
            await asyncio.wait({up, self._task}, timeout=START_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
        if not self._server.up.is_set():
            await self.stop()
            raise ListenError(f"the HTTP server on {self._host}:{self._port} was not up within {START_LIMIT_S:g} s")

    async def stop(self) -> None:
        """Finish what is being answered, in limited time, and close the port."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        await asyncio.wait({self._task}, timeout=2 * SHUTDOWN_LIMIT_S)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _listen(self) -> socket.socket:
        try:
            family, _, _, _, address = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)[0]
            listener = socket.create_server(address, family=family, backlog=BACKLOG)
        except OSError as error:
            raise ListenError(f"cannot listen on {self._host}:{self._port}: {error.strerror or error}") from error
        # All three are inherited by the connections. asyncio would set the first itself on a socket it made; without
        # it a small frame waits up to 40 ms for the acknowledgement of the one before.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._send_buffer_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer_bytes)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_PEER_MS)
        return listener
