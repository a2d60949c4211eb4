"""The edge as a whole: REST, WebSocket and the page on one port, fed by the topics, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from api import declared, problems
from api.config import EdgeConfig
from api.feed import Feed
from api.guard import Guard
from api.history import History
from api.hub import Hub
from api.screen_feed import ScreenFeed
from api.socket import Sockets
from infra import metrics
from infra.clickhouse import ClickHouse
from infra.http_server import HttpServer

logger = logging.getLogger(__name__)

PREFIX: Final = "/api/v1"
LEAVE_LIMIT_S: Final = 5.0


class Edge:
    """One edge process. `app` serves; `ready` and `stats` are for the operators' port."""

    def __init__(self, config: EdgeConfig) -> None:
        self.config = config
        self.hub = Hub(config)
        self._feed = Feed(config, self.hub)
        self._screen_feed = ScreenFeed(config, self.hub)
        self._database = ClickHouse(config.clickhouse)
        self._history = History(self._database, self.hub)
        self._sockets = Sockets(config, self.hub)
        self.app = self._application()
        self._server = HttpServer(self.app, config.host, config.port, config.send_buffer_bytes)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def port(self) -> int:
        """The port in use, once `run` listens."""
        return self._server.port

    def ready(self) -> list[str]:
        """Why alerts cannot be told yet. ClickHouse is no reason: live goes on without it."""
        if self._feed.waiting_for:
            return [f"waiting for {self._feed.waiting_for}"]
        return [] if self.hub.caught_up else ["still reading the newest alerts"]

    def stats(self) -> dict[str, Any]:
        """Figures since the start."""
        return {
            "clients": len(self.hub.clients),
            "alerts": self._feed.alerts,
            "duplicates": self.hub.duplicates,
            "skipped": self._feed.skipped + self._screen_feed.skipped,
            "symbols": len(self.hub.quotes.newest()),
            "symbols_with_metrics": len(self.hub.figures),
            "position": self.hub.position,
            "history_available": self._history.available,
        }

    async def run(self, stop: asyncio.Event, listening: asyncio.Event | None = None) -> None:
        """Serve until `stop` is set; `listening` is set once requests are answered.

        Raises infra.http_server.ListenError, and whatever went wrong while reading the topics.
        """
        await self._server.start()
        if listening is not None:
            listening.set()
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopping, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in self._tasks:
                if task.done():
                    task.result()
        finally:
            stopping.cancel()
            await self._say_goodbye()
            await self._server.stop()

    async def _say_goodbye(self) -> None:
        self._sockets.close_all()
        clock = asyncio.get_running_loop().time
        end = clock() + LEAVE_LIMIT_S
        while self.hub.clients and clock() < end:  # noqa: ASYNC110  # a few polls at the end cost less than an event
            await asyncio.sleep(0.02)

    def _application(self) -> FastAPI:
        app = FastAPI(
            title="tapewatch",
            version="1",
            openapi_url=f"{PREFIX}/openapi.json",
            docs_url=None,  # its page would load scripts from elsewhere
            redoc_url=None,
            lifespan=self._lifespan,
        )
        app.add_middleware(Guard, config=self.config)
        problems.install(app)
        app.include_router(self._history.router(), prefix=PREFIX)
        app.include_router(declared.router(), prefix=PREFIX)
        sockets = self._sockets

        @app.websocket(f"{PREFIX}/ws")
        async def serve_socket(socket: WebSocket) -> None:
            await sockets.serve(socket)

        app.mount("/", StaticFiles(directory=str(files("api") / "static"), html=True), name="page")
        return app

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        work = {
            "feed": self._feed.run(),
            "screens": self._screen_feed.run(),
            "live prices": _every(self.config.live_interval_s, self._tick),
            "heartbeat": _every(self.config.heartbeat_s, self.hub.heartbeat),
        }
        self._tasks = [asyncio.create_task(_watched(name, task), name=name) for name, task in work.items()]
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._database.close()

    def _tick(self) -> None:
        self.hub.tick()
        metrics.QUEUE.labels("websocket").set(max((client.depth for client in self.hub.clients), default=0))


async def _every(interval_s: float, action: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(interval_s)
        action()


async def _watched(name: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        logger.exception("the task %r of the edge failed", name)
        raise


def make_edge(config: EdgeConfig) -> FastAPI:
    """The application alone, for a server of the caller's; its lifespan reads the topics."""
    return Edge(config).app


async def run_edge(config: EdgeConfig, stop: asyncio.Event) -> None:
    """Serve on `config.host` and `config.port` until `stop` is set."""
    await Edge(config).run(stop)
