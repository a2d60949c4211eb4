"""The edge's REST interface over real engines: filters, pages, errors, tokens, and a ClickHouse that goes away."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.config import EdgeConfig
from api.edge import Edge
from app.replay_time import time_text
from infra.clickhouse import ClickHouse, ClickHouseConfig
from infra.clickhouse_migrations import migrate
from infra.clickhouse_rows import alert_row, insert_alerts, insert_bars
from infra.embedded.clickhouse import ChdbServer
from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from schemas.alert import encode_alert
from tests.support.alerts import MINUTE_NS, START_NS, make_alert, make_bar, make_metrics
from tests.support.edge import create_topics, eventually, running_edge, send_live, send_metrics, send_running
from tests.support.history import new_database

Check = Callable[[httpx.AsyncClient, Edge], Awaitable[None]]


@pytest.fixture(scope="module")
def broker(kafka_runtime: KafkaRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker of this module's own, as the topics have fixed names."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka"), kafka_runtime) as broker:
        asyncio.run(create_topics(broker.bootstrap))
        yield broker


@pytest.fixture(scope="module")
def filled(clickhouse_server: ChdbServer) -> ClickHouseConfig:
    """Ten alerts and bars of two symbols each."""

    async def fill() -> ClickHouseConfig:
        database = await new_database(clickhouse_server)
        alerts = [make_alert(n, symbol, "spike" if n % 2 else "gap") for n in range(10) for symbol in ("ACME", "BETA")]
        await insert_alerts(database, [alert_row(encode_alert(alert)) for alert in alerts])
        await insert_bars(database, [make_bar(n, symbol) for n in range(10) for symbol in ("ACME", "BETA")])
        await database.close()
        return database.config

    return asyncio.run(fill())


def ask(config: EdgeConfig, check: Check, headers: dict[str, str] | None = None) -> None:
    async def run() -> None:
        async with (
            running_edge(config) as edge,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{edge.port}", headers=headers, timeout=30) as client,
        ):
            await check(client, edge)

    asyncio.run(run())


@pytest.fixture
def config(broker: KafkaBroker, filled: ClickHouseConfig) -> EdgeConfig:
    return EdgeConfig(broker.bootstrap, filled, port=0)


async def ids(client: httpx.AsyncClient, **parameters: Any) -> list[str]:
    answer = await client.get("/api/v1/alerts", params=parameters)
    assert answer.status_code == 200, answer.text
    return [alert["body"]["id"] for alert in answer.json()["alerts"]]


def test_alerts_newest_first_as_they_stand_in_the_topic(config: EdgeConfig) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        answer = await client.get("/api/v1/alerts", params={"limit": 1})
        assert answer.headers["content-type"] == "application/json"
        (found,) = answer.json()["alerts"]
        expected = make_alert(9, "BETA", "spike")
        assert found["body"]["explanation"][1] == {
            "expression": "volume", "value": None, "operator": ">", "bound": 1e6, "verdict": True,
        }  # fmt: skip
        assert encode_alert(expected).decode().removesuffix("}") in answer.text
        assert found["sentence"] == "BETA 5m change 3.25% > 3%, 1m volume no value > 1M"
        assert edge.stats()["history_available"] is True

    ask(config, check)


def test_alerts_by_symbol_rule_and_time(config: EdgeConfig) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        assert await ids(client, symbol="ACME", rule="gap") == [f"ACME-gap-00000{n}" for n in (8, 6, 4, 2, 0)]
        second = 1_000_000_000
        window = {"from": START_NS + 3 * second, "to": START_NS + 5 * second, "symbol": "BETA"}
        assert await ids(client, **window) == ["BETA-gap-000004", "BETA-spike-000003"]
        assert await ids(client, symbol="NONE") == []
        assert await ids(client, **{"from": "2100-01-01T00:00:00Z"}) == []
        newest = time_text(START_NS + 9 * second)
        assert len(await ids(client, **{"from": newest})) == 2
        assert await ids(client, **{"from": newest.replace("Z", ".000000001Z")}) == []
        assert len(await ids(client, to="2099-12-31T23:59:59.5+05:30")) == 20

    ask(config, check)


@pytest.mark.parametrize("limit", [1, 3, 7, 20, 1000])
def test_pages_give_each_alert_once(config: EdgeConfig, limit: int) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        found: list[str] = []
        parameters: dict[str, Any] = {"limit": limit}
        while True:
            page = (await client.get("/api/v1/alerts", params=parameters)).json()
            found += [alert["body"]["id"] for alert in page["alerts"]]
            if page["next"] is None:
                break
            assert len(page["alerts"]) == limit
            parameters["cursor"] = page["next"]
        assert found == await ids(client, limit=1000)
        assert len(set(found)) == 20

    ask(config, check)


def test_bars_oldest_first(config: EdgeConfig) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        answer = await client.get("/api/v1/bars", params={"symbol": "ACME", "timeframe": "1m", "limit": 3})
        bars = answer.json()["bars"]
        assert [bar["start"] for bar in bars] == [START_NS + n * MINUTE_NS for n in (7, 8, 9)]
        assert bars[0]["close"] == 10.5
        window: dict[str, str | int] = {"symbol": "ACME", "from": START_NS + MINUTE_NS, "to": START_NS + 3 * MINUTE_NS}
        bars = (await client.get("/api/v1/bars", params=window)).json()["bars"]
        assert [bar["start"] for bar in bars] == [START_NS + MINUTE_NS, START_NS + 2 * MINUTE_NS]
        assert (await client.get("/api/v1/bars", params={"symbol": "ACME", "to": 0})).json() == {"bars": []}

    ask(config, check)


def test_symbols_of_the_history_and_of_the_live_topic(config: EdgeConfig) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        await send_live(config.bootstrap, {"LIVE/USD": 4.5, "BETA": 9.0})
        await eventually(lambda: "LIVE/USD" in edge.hub.quotes.newest())
        answer = (await client.get("/api/v1/symbols")).json()
        prices = {one["symbol"]: one["quote"] and one["quote"]["price"] for one in answer["symbols"]}
        assert prices == {"ACME": None, "BETA": 9.0, "LIVE/USD": 4.5}
        assert answer["complete"] is True

    ask(config, check)


@pytest.mark.parametrize(
    ("path", "parameters", "named"),
    [
        ("alerts", {"limit": 0}, "limit"),
        ("alerts", {"limit": 1001}, "limit"),
        ("alerts", {"limit": "x"}, "limit"),
        ("alerts", {"from": "yesterday"}, "from"),
        ("alerts", {"to": "2026-01-01T00:00:00"}, "to"),
        ("alerts", {"to": "9" * 19}, "to"),
        ("alerts", {"from": "-1"}, "from"),
        ("alerts", {"cursor": "???"}, "cursor"),
        ("alerts", {"cursor": "W10"}, "cursor"),
        ("alerts", {"cursor": "é"}, "cursor"),
        ("alerts", {"symbol": "A" * 129}, "symbol"),
        ("bars", {}, "symbol"),
        ("bars", {"symbol": "ACME", "timeframe": "7m"}, "timeframe"),
    ],
)
def test_a_bad_parameter_is_named(config: EdgeConfig, path: str, parameters: dict[str, Any], named: str) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        answer = await client.get(f"/api/v1/{path}", params=parameters)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert [error["parameter"] for error in problem["errors"]] == [named]
        assert problem["detail"].startswith(f"{named}: ")

    ask(config, check)


def test_the_newest_figures_of_a_symbol(config: EdgeConfig, broker: KafkaBroker) -> None:
    symbol = "FIG/USD"

    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        await send_metrics(broker.bootstrap, [make_metrics(n, symbol) for n in (1, 4, 3)])
        await send_running(broker.bootstrap, symbol, make_metrics(4, symbol).ts - 1, {"ema(20, 1m)": 3.0, "vwap": 9.5})
        path = f"/api/v1/symbols/{symbol}/metrics"
        await eventually(lambda: '"vwap"' in edge.hub.figures.text(symbol) and "104.0" in edge.hub.figures.text(symbol))
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        ema, rsi, vwap = answer.json()["metrics"]
        assert (ema["name"], ema["value"], ema["unit"]) == ("ema(20, 1m)", 104.0, "$"), "the close is newer"
        assert (rsi["value"], rsi["unit"], rsi["closed"]) == (
            50.0,
            "0-100",
            {"value": 50.0, "start": 1_788_000_240 * 10**9},
        )
        assert (vwap["value"], vwap["ts"], vwap["closed"]) == (9.5, make_metrics(4).ts - 1, None)
        assert (await client.get("/api/v1/symbols/ACME/metrics")).json() == {"symbol": "ACME", "metrics": []}

    ask(config, check)


def test_figures_of_an_unknown_symbol(config: EdgeConfig, broker: KafkaBroker) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        answer = await client.get("/api/v1/symbols/ACMF/metrics")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["detail"] == "symbol 'ACMF' is not known; did you mean ACME?"
        assert (await client.get(f"/api/v1/symbols/{'A' * 129}/metrics")).status_code == 422

    ask(config, check)

    async def check_without_history(client: httpx.AsyncClient, edge: Edge) -> None:
        answer = await client.get("/api/v1/symbols/ACMF/metrics")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")

    ask(EdgeConfig(broker.bootstrap, ClickHouseConfig("127.0.0.1", 1), port=0), check_without_history)


def test_every_error_is_a_problem(config: EdgeConfig) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        for method, path, status in [
            ("GET", "/api/v1/nothing", 404), ("POST", "/api/v1/alerts", 405), ("GET", "/nothing.js", 404),
            ("GET", "/../config.py", 404),
        ]:  # fmt: skip
            answer = await client.request(method, path)
            assert (answer.status_code, answer.json()["status"]) == (status, status)
            assert answer.headers["content-type"] == "application/problem+json"

    ask(config, check)


def test_the_page_comes_with_a_strict_policy(config: EdgeConfig) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        answer = await client.get("/")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "javascript" in (await client.get("/main.js")).headers["content-type"]
        described = (await client.get("/api/v1/openapi.json")).text
        assert all(name in described for name in ("list_alerts", "list_metrics", "list_templates"))

    ask(config, check)


def test_another_name_for_this_machine_is_not_answered(config: EdgeConfig) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        for host, status in [("evil.example", 421), ("localhost:1", 200), ("[::1]:8080", 200), ("127.0.0.1.x.y", 421)]:
            assert (await client.get("/", headers={"host": host})).status_code == status

    ask(config, check)


def test_with_a_token_the_interface_needs_it_and_the_page_does_not(
    broker: KafkaBroker, filled: ClickHouseConfig
) -> None:
    async def check(client: httpx.AsyncClient, edge: Edge) -> None:
        for value in (None, "Bearer wrong", "Bearer", "Basic hush-hush", "Bearer hush-hush2"):
            headers = {} if value is None else {"authorization": value}
            answer = await client.get("/api/v1/alerts", headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert answer.json()["status"] == 401
        answer = await client.get("/api/v1/alerts", headers={"authorization": "Bearer hush-hush"})
        assert answer.status_code == 200
        assert (await client.get("/", headers={"host": "scanner.example"})).status_code == 200

    ask(EdgeConfig(broker.bootstrap, filled, host="0.0.0.0", port=0, token="hush-hush"), check)


def test_clickhouse_away_and_back(broker: KafkaBroker, clickhouse_engine: None, tmp_path: Path) -> None:
    with ChdbServer(tmp_path) as server:
        database = ClickHouse(ClickHouseConfig(server.host, server.port))

        async def check(client: httpx.AsyncClient, edge: Edge) -> None:
            assert (await client.get("/api/v1/alerts")).status_code == 503  # there are no tables yet
            await migrate(database)
            await insert_bars(database, [make_bar(1)])
            assert (await client.get("/api/v1/alerts")).json() == {"alerts": [], "next": None}
            await asyncio.to_thread(server.kill)
            answer = await client.get("/api/v1/bars", params={"symbol": "ACME"})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.json()["detail"] == "the history is not available now"
            assert (await client.get("/api/v1/symbols")).json()["complete"] is False
            assert edge.ready() == []
            await asyncio.to_thread(server.start)
            assert len((await client.get("/api/v1/bars", params={"symbol": "ACME"})).json()["bars"]) == 1
            assert (await client.get("/api/v1/symbols")).json()["complete"] is True
            await database.close()

        ask(EdgeConfig(broker.bootstrap, database.config, port=0), check)
