"""One process that owns chDB and answers the part of ClickHouse's HTTP interface that clickhouse_connect uses.

Run as `python -m infra.embedded.clickhouse_server --path DIR --port N`. It listens on loopback only and has no
accounts. A session id is accepted but keeps nothing. Its time zone is the one of TZ.
Interface: https://clickhouse.com/docs/interfaces/http.
"""

import argparse
import asyncio
import contextlib
import gzip
import json
import signal
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lz4.frame
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from infra.embedded.chdb_engine import DEFAULT_FORMAT, ChdbEngine, Result, Statement, StatementError
from infra.embedded.ports import LOOPBACK

QUEUE_LIMIT = 32  # statements accepted and not yet answered
BODY_LIMIT_BYTES = 256 << 20
BODY_LIMIT_S = 60.0
SHUTDOWN_LIMIT_S = 15
KEEP_ALIVE_S = 300

TOO_MANY_QUERIES = 202  # ClickHouse's exception codes
CANNOT_DECOMPRESS = 354
NOT_IMPLEMENTED = 48

# URL parameters that are about the transport; every other one is a setting of the engine.
TRANSPORT = frozenset({
    "query", "database", "default_format", "user", "password", "quota_key", "role", "query_id",
    "session_id", "session_timeout", "session_check", "compress", "decompress", "enable_http_compression",
    "buffer_size", "wait_end_of_query", "client_protocol_version",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms",
})  # fmt: skip
PARAMETER = "param_"

DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "lz4": lz4.frame.decompress,
}


class RefusedError(Exception):
    """A request that never reaches the engine."""

    def __init__(self, status: int, code: int, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text}")
        self.status = status
        self.code = code


class ClickHouseHttp:
    """Answers requests; one thread runs the statements, in the order they arrive."""

    def __init__(self, path: Path, queue_limit: int = QUEUE_LIMIT) -> None:
        self._path = path
        self._queue_limit = queue_limit
        self._accepted = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chdb")
        self._engine: ChdbEngine

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Open the engine before the first request and close it after the last."""
        run = asyncio.get_running_loop().run_in_executor
        self._engine = await run(self._thread, ChdbEngine, self._path)
        yield
        await run(self._thread, self._engine.close)
        self._thread.shutdown()

    async def ping(self, request: Request) -> Response:
        """Tell that the server is there, whatever the engine is busy with."""
        return PlainTextResponse("Ok.\n")

    async def statement(self, request: Request) -> Response:
        """Run the statement of the URL parameter `query`, of the body, or begun in one and ended in the other."""
        try:
            _refuse_browser(request)
            result = await self._in_turn(request)
        except StatementError as error:
            return _error(500, error.code, str(error))
        except RefusedError as error:
            return _error(error.status, error.code, str(error))
        headers = {
            "X-ClickHouse-Timezone": self._engine.timezone,
            "X-ClickHouse-Query-Id": request.query_params.get("query_id", ""),
            "X-ClickHouse-Summary": json.dumps(dict(result.summary)),
        }
        if result.format:
            headers["X-ClickHouse-Format"] = result.format
        return Response(result.body, headers=headers, media_type="application/octet-stream")

    async def _in_turn(self, request: Request) -> Result:
        if self._accepted >= self._queue_limit:
            text = f"Too many simultaneous queries: {self._accepted}. (TOO_MANY_SIMULTANEOUS_QUERIES)"
            raise RefusedError(503, TOO_MANY_QUERIES, text)
        self._accepted += 1
        try:
            statement = _parse(request.query_params, await _body(request))
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.execute, statement)
        finally:
            self._accepted -= 1


def application(path: Path, queue_limit: int = QUEUE_LIMIT) -> Starlette:
    """The ASGI application over the engine in `path`."""
    server = ClickHouseHttp(path, queue_limit)
    return Starlette(
        routes=[Route("/ping", server.ping), Route("/", server.statement, methods=["GET", "POST"])],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"])],
        lifespan=server.lifespan,
    )


def _refuse_browser(request: Request) -> None:
    """No page of the web may reach a database that asks for no password; the Host check does the rest."""
    if "origin" in request.headers or "sec-fetch-site" in request.headers:
        raise RefusedError(403, NOT_IMPLEMENTED, "this server does not answer browsers")


async def _body(request: Request) -> bytes:
    encoding = request.headers.get("content-encoding", "identity")
    if encoding not in DECOMPRESS:
        raise RefusedError(415, NOT_IMPLEMENTED, f"Content-Encoding {encoding} is not one of {sorted(DECOMPRESS)}")
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise RefusedError(415, NOT_IMPLEMENTED, "forms and external tables are not supported")
    received = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            async for chunk in request.stream():
                received += chunk
                if len(received) > BODY_LIMIT_BYTES:
                    raise RefusedError(413, NOT_IMPLEMENTED, f"a body of more than {BODY_LIMIT_BYTES} bytes")
    except TimeoutError:
        raise RefusedError(408, NOT_IMPLEMENTED, f"the body took more than {BODY_LIMIT_S:g} s") from None
    except ClientDisconnect:
        raise RefusedError(400, NOT_IMPLEMENTED, "the client left in the middle of its request") from None
    try:
        return DECOMPRESS[encoding](bytes(received))
    except (OSError, EOFError, RuntimeError, zlib.error) as error:
        raise RefusedError(400, CANNOT_DECOMPRESS, f"the body is not {encoding}: {error}") from error


def _parse(parameters: Mapping[str, str], body: bytes) -> Statement:
    begun = parameters.get("query", "").encode()
    return Statement(
        text=b"\n".join(part for part in (begun, body) if part),
        database=parameters.get("database", ""),
        parameters={k.removeprefix(PARAMETER): v for k, v in parameters.items() if k.startswith(PARAMETER)},
        settings={k: v for k, v in parameters.items() if k not in TRANSPORT and not k.startswith(PARAMETER)},
        default_format=parameters.get("default_format", DEFAULT_FORMAT),
    )


def _error(status: int, code: int, text: str) -> Response:
    return PlainTextResponse(f"{text}\n", status, headers={"X-ClickHouse-Exception-Code": str(code)})


def main() -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted and close the engine."""
    parser = argparse.ArgumentParser(description="ClickHouse's HTTP interface over chDB, on loopback")
    parser.add_argument("--path", type=Path, required=True, help="folder of the database")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    # uvicorn sends itself the signal again once it has shut down in good order; the exit code must say "good".
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    uvicorn.run(
        application(arguments.path),
        host=LOOPBACK,
        port=arguments.port,
        lifespan="on",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_LIMIT_S,
    )


if __name__ == "__main__":
    main()
