"""A role tells whether it lives, whether it is ready, and its figures."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import httpx
import pytest

from infra.http_server import HttpServer, ListenError
from infra.ops_server import OpsServer, probe_loop_delay
from tests.support.metrics import value_of

HOST = "127.0.0.1"


def ask(check: Callable[[httpx.AsyncClient], Awaitable[None]], reasons: list[str]) -> None:
    async def run() -> None:
        server = OpsServer(HOST, 0, lambda: reasons, lambda: {"rows": 7, "rule_set": None})
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client:
                await check(client)
        finally:
            await server.stop()

    asyncio.run(run())


def test_ready_gives_the_reasons_until_there_are_none() -> None:
    reasons = ["no broker"]

    async def check(client: httpx.AsyncClient) -> None:
        answer = await client.get("/ready")
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "reasons": ["no broker"]})
        assert (await client.get("/health")).json() == {"alive": True}
        reasons.clear()
        answer = await client.get("/ready")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})

    ask(check, reasons)


def test_figures_as_json_and_for_prometheus() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        assert (await client.get("/stats")).json() == {"rows": 7, "rule_set": None}
        answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        assert "tapewatch_event_loop_delay_seconds_bucket" in answer.text
        assert (await client.get("/nothing")).status_code == 404

    ask(check, [])


def test_the_probe_sees_a_loop_that_was_held_up() -> None:
    async def run() -> None:
        probe = asyncio.create_task(probe_loop_delay(0.001))
        await asyncio.sleep(0)
        blocked = asyncio.get_running_loop().time() + 0.05
        while asyncio.get_running_loop().time() < blocked:
            pass
        await asyncio.sleep(0.02)
        probe.cancel()

    before = value_of("tapewatch_event_loop_delay_seconds_sum")
    asyncio.run(run())
    assert value_of("tapewatch_event_loop_delay_seconds_sum") - before > 0.04


def test_a_port_in_use_is_an_error_that_names_it() -> None:
    async def run() -> None:
        first = OpsServer(HOST, 0, list, dict)
        await first.start()
        try:
            with pytest.raises(ListenError, match=f"cannot listen on {HOST}:{first.port}: "):
                await OpsServer(HOST, first.port, list, dict).start()
        finally:
            await first.stop()
        again = OpsServer(HOST, first.port, list, dict)
        await again.start()
        await again.stop()

    asyncio.run(run())


def test_small_answers_are_not_held_back() -> None:
    with HttpServer(None, HOST, 0)._listen() as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_stopping_what_never_started_does_nothing() -> None:
    asyncio.run(HttpServer(None, HOST, 0).stop())
    asyncio.run(OpsServer(HOST, 0, list, dict).stop())
