"""What operators and supervisors ask a role, on a port of its own: alive, ready, metrics, figures.

uvicorn and starlette, as the program has them anyway for the edge; aiohttp would be a second HTTP server to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra import metrics
from infra.http_server import HttpServer

PROBE_S: Final = 0.1
_UNAVAILABLE: Final = 503


class OpsServer:
    """/health, /ready, /metrics and /stats of one role, and a probe of its event loop's delay."""

    def __init__(
        self,
        host: str,
        port: int,
        ready: Callable[[], list[str]],
        stats: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`ready` gives the reasons why the role is not (none: it is); `stats` what msgspec can write as JSON."""
        self._ready, self._stats = ready, stats
        routes = [
            Route("/health", self._answer_health),
            Route("/ready", self._answer_ready),
            Route("/metrics", self._answer_metrics),
            Route("/stats", self._answer_stats),
        ]
        self._server = HttpServer(Starlette(routes=routes), host, port)
        self._probe: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port in use, after `start`."""
        return self._server.port

    async def start(self) -> None:
        """Raises infra.http_server.ListenError."""
        await self._server.start()
        self._probe = asyncio.create_task(probe_loop_delay(), name="event loop probe")

    async def stop(self) -> None:
        """Close the port and end the probe."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._server.stop()

    async def _answer_health(self, request: Request) -> Response:
        return _json({"alive": True})

    async def _answer_ready(self, request: Request) -> Response:
        reasons = self._ready()
        return _json({"ready": not reasons, "reasons": reasons}, _UNAVAILABLE if reasons else 200)

    async def _answer_metrics(self, request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def _answer_stats(self, request: Request) -> Response:
        return _json(self._stats())


async def probe_loop_delay(period_s: float = PROBE_S) -> None:
    """Observe, until cancelled, by how much a timer of the running event loop is late."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + period_s
        await asyncio.sleep(period_s)
        metrics.LOOP_DELAY.observe(max(0.0, clock() - due))


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
