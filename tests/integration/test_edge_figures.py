"""The edge's WebSocket tells figures of named symbols: all that are known at once, then what changes."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.config import EdgeConfig
from api.edge import Edge
from infra.clickhouse import ClickHouseConfig
from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from infra.embedded.ports import free_ports
from tests.support.alerts import make_metrics
from tests.support.edge import create_topics, eventually, listener, running_edge, send_metrics, send_running
from tests.support.servers import unique_name


@pytest.fixture
def config(kafka_runtime: KafkaRuntime, tmp_path: Path) -> Iterator[EdgeConfig]:
    """With a broker of the test's own, as the topics have fixed names; there is no ClickHouse."""
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        asyncio.run(create_topics(broker.bootstrap))
        yield EdgeConfig(broker.bootstrap, ClickHouseConfig("127.0.0.1", free_ports(1)[0]), port=0)


def test_figures_of_named_symbols_come_at_once_and_then_as_they_change(config: EdgeConfig) -> None:
    one_symbol, two = unique_name("A"), unique_name("B")

    def values(push: dict[str, Any]) -> dict[tuple[str, str], float | None]:
        return {(one["symbol"], each["name"]): each["value"] for one in push["symbols"] for each in one["metrics"]}

    async def check(edge: Edge) -> None:
        await send_metrics(config.bootstrap, [make_metrics(4, one_symbol), make_metrics(4, two)])
        await eventually(lambda: two in edge.hub.figures)
        async with listener(edge) as one, listener(edge) as idle:
            refused = await one.ask(id=0, op="subscribe", metrics=True)
            assert "name the symbols" in refused["error"]["message"]
            await idle.ask(id=1, op="subscribe", symbols=[two])
            await one.ask(id=1, op="subscribe", alerts=False, live=False, metrics=True, symbols=[one_symbol, two, "X"])
            seen = values(await one.push("metrics"))
            assert seen == {
                (symbol, name): value
                for symbol in (one_symbol, two)
                for name, value in (("ema(20, 1m)", 104.0), ("rsi(14, 1m)", 50.0))
            }
            close = make_metrics(4, two)
            await send_running(config.bootstrap, two, close.ts + 5, {"ema(20, 1m)": 7.5})
            push = await one.push("metrics")
            assert values(push) == {(two, "ema(20, 1m)"): 7.5, (two, "rsi(14, 1m)"): 50.0}
            assert push["symbols"][0]["metrics"][0] == {
                "name": "ema(20, 1m)",
                "value": 7.5,
                "unit": "$",
                "ts": close.ts + 5,
                "timeframe": "1m",
                "closed": {"value": 104.0, "start": close.start},
            }
            await send_metrics(config.bootstrap, [make_metrics(3, one_symbol), make_metrics(6, one_symbol)])
            assert values(await one.push("metrics"))[one_symbol, "rsi(14, 1m)"] is None
            assert "metrics" not in [push["push"] for push in idle.pushes]

    async def main() -> None:
        async with running_edge(config) as edge:
            await check(edge)

    asyncio.run(main())
