"""The edge's WebSocket over a real broker: alerts once and in order, filters, resume, tokens, slow and rude clients."""

import asyncio
import dataclasses
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.config import EdgeConfig
from api.edge import Edge
from infra.clickhouse import ClickHouseConfig
from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from infra.embedded.ports import free_ports
from schemas.alert import encode_alert
from schemas.topics import ALERTS, LIVE
from tests.support.alerts import make_alert
from tests.support.edge import (
    Listener,
    create_topics,
    eventually,
    listener,
    running_edge,
    send,
    send_alerts,
    send_live,
)
from tests.support.metrics import value_of
from tests.support.servers import unique_name

Check = Callable[[Edge], Awaitable[None]]


@pytest.fixture(scope="module")
def broker(kafka_runtime: KafkaRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker of this module's own, as the topics have fixed names."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka"), kafka_runtime) as broker:
        asyncio.run(create_topics(broker.bootstrap))
        yield broker


@pytest.fixture
def config(broker: KafkaBroker) -> EdgeConfig:
    """There is no ClickHouse; live does not need it."""
    return EdgeConfig(broker.bootstrap, ClickHouseConfig("127.0.0.1", free_ports(1)[0]), port=0)


def run(config: EdgeConfig, check: Check) -> None:
    async def main() -> None:
        async with running_edge(config) as edge:
            await check(edge)

    asyncio.run(main())


async def closed(one: Listener) -> tuple[list[dict[str, Any]], int]:
    """What is said until the connection ends, and its close code."""
    said = []
    while True:
        try:
            said.append(await one.receive())
        except ConnectionClosed as end:
            return said, end.rcvd.code if end.rcvd else 1006


def test_an_alert_reaches_who_subscribed_once_and_with_its_reason(config: EdgeConfig) -> None:
    symbol = unique_name("S")

    async def check(edge: Edge) -> None:
        async with listener(edge) as one, listener(edge) as idle:
            hello = await one.receive()
            assert (hello["push"], hello["protocol"]) == ("hello", 1)
            assert sorted(hello["position"]["offsets"]) == ["0", "1"]
            assert (await one.ask(id="x", op="subscribe"))["ok"] is True
            first, second = make_alert(1, symbol), make_alert(2, symbol)
            await send_alerts(config.bootstrap, [first, second, first])
            await send(config.bootstrap, ALERTS.name, [(0, encode_alert(second))])
            last = make_alert(3, symbol)
            await send_alerts(config.bootstrap, [last])
            assert await one.alert_ids(3) == [alert.body.id for alert in (first, second, last)]
            told = [told for push in one.pushes if push["push"] == "alert" for told in push["alerts"]]
            assert told[0]["alert"]["body"]["explanation"][0]["expression"] == "change_pct(5m)"
            assert told[0]["sentence"] == f"{symbol} 5m change 3.25% > 3%, 1m volume no value > 1M"
            assert [one["offset"] - told[0]["offset"] for one in told] == [0, 1, 4]
            assert edge.stats()["duplicates"] == 2
            assert (await idle.ask(id=1, op="ping")) == {"id": 1, "ok": True}
            assert [push["push"] for push in idle.pushes] == ["hello"]

    delivered = value_of("tapewatch_alert_delivery_seconds_count")
    run(config, check)
    assert value_of("tapewatch_alert_delivery_seconds_count") == delivered + 3


def test_filters_unsubscribe_and_a_new_subscription(config: EdgeConfig) -> None:
    symbol, other = unique_name("S"), unique_name("S")

    async def check(edge: Edge) -> None:
        async with listener(edge) as one:
            await one.ask(id=1, op="subscribe", symbols=[symbol], rules=["gap"])
            await send_alerts(
                config.bootstrap, [make_alert(1, other, "gap"), make_alert(2, symbol), make_alert(3, symbol, "gap")]
            )
            assert await one.alert_ids(1) == [f"{symbol}-gap-000003"]
            await one.ask(id=2, op="unsubscribe")
            await send_alerts(config.bootstrap, [make_alert(4, symbol, "gap")])
            await eventually(lambda: edge.hub.recent[-1].id == f"{symbol}-gap-000004")
            reply = await one.ask(id=3, op="subscribe", symbols=[other], backlog=1000)
            assert reply["ok"] is True
            assert await one.alert_ids(1) == [f"{other}-gap-000001"]

    run(config, check)


def test_prices_come_at_once_and_then_as_they_change(config: EdgeConfig) -> None:
    one_symbol, two = unique_name("A"), unique_name("B")

    async def check(edge: Edge) -> None:
        await send_live(config.bootstrap, {one_symbol: 1.0, two: 2.0})
        await eventually(lambda: two in edge.hub.quotes.newest())
        async with listener(edge) as one:
            await one.ask(id=1, op="subscribe", alerts=False, symbols=[one_symbol, two])
            seen = {quote["symbol"]: quote["price"] for quote in (await one.push("live"))["quotes"]}
            assert seen == {one_symbol: 1.0, two: 2.0}
            for price in (3.0, 4.0, 5.0):
                await send_live(config.bootstrap, {two: price, "another": price})
            while seen[two] != 5.0:
                seen |= {quote["symbol"]: quote["price"] for quote in (await one.push("live"))["quotes"]}
            assert seen == {one_symbol: 1.0, two: 5.0}

    run(config, check)


def test_a_client_that_was_away_gets_everything_it_missed(config: EdgeConfig) -> None:
    symbol = unique_name("S")
    alerts = [make_alert(number, symbol) for number in range(8)]
    names = [alert.body.id for alert in alerts]

    async def check(edge: Edge) -> None:
        async with listener(edge) as one:
            await one.ask(id=1, op="subscribe", live=False)
            await send_alerts(config.bootstrap, alerts[:2])
            assert await one.alert_ids(2) == names[:2]
            position = (await one.ask(id=2, op="subscribe", live=False))["position"]
        # One that was told before is repeated while the client is away, and one of the missed twice.
        await send_alerts(config.bootstrap, [*alerts[2:4], alerts[0], alerts[3]], partition=0)
        await send_alerts(config.bootstrap, alerts[4:6], partition=1)
        await eventually(lambda: edge.hub.recent[-1].id == names[5])
        async with listener(edge) as one:
            reply = await one.ask(id=1, op="subscribe", live=False, resume=position)
            assert (reply["recovered"], reply["count"]) == (True, 4)
            await send_alerts(config.bootstrap, alerts[6:])
            found = await one.alert_ids(6)
            assert sorted(found[:4]) == names[2:6]
            assert found[4:] == names[6:]

    run(config, check)


def test_a_client_resumes_at_another_edge(config: EdgeConfig) -> None:
    symbol = unique_name("S")

    async def check(edge: Edge) -> None:
        position = edge.stats()["position"]
        await send_alerts(config.bootstrap, [make_alert(1, symbol)], partition=1)
        async with running_edge(config) as other, listener(other) as one:
            resume = {"epoch": position.epoch, "offsets": position.offsets}
            reply = await one.ask(id=1, op="subscribe", live=False, resume=resume)
            assert reply["recovered"] is True
            assert await one.alert_ids(1) == [f"{symbol}-spike-000001"]

    run(config, check)


@pytest.mark.parametrize("change", [{"epoch": "another"}, {"offsets": {"0": 0}}, {"offsets": {"0": 0, "1": 1 << 40}}])
def test_a_position_that_cannot_be_honoured_is_refused_and_the_backlog_told(
    config: EdgeConfig, change: dict[str, object]
) -> None:
    symbol = unique_name("S")

    async def check(edge: Edge) -> None:
        await send_alerts(config.bootstrap, [make_alert(1, symbol)])
        await eventually(lambda: edge.hub.recent and edge.hub.recent[-1].symbol == symbol)
        async with listener(edge) as one:
            position = (await one.receive())["position"] | change
            reply = await one.ask(id=1, op="subscribe", symbols=[symbol], resume=position, backlog=10)
            assert (reply["ok"], reply["recovered"], reply["count"]) == (True, False, 1)
            assert await one.alert_ids(1) == [f"{symbol}-spike-000001"]

    run(config, check)


def test_what_is_no_message_is_refused_and_the_connection_goes_on(config: EdgeConfig) -> None:
    async def check(edge: Edge) -> None:
        async with listener(edge) as one:
            for text in ("nonsense", b"\xff\xfe", '{"id":5,"op":"fly"}'):
                await one.connection.send(text)
                answer = await one.until(lambda message: "ok" in message)
                assert (answer["ok"], answer["error"]["code"]) == (False, "bad_message")
            assert answer["id"] == 5
            assert (await one.ask(id=6, op="ping"))["ok"] is True

    run(config, check)


def test_too_many_or_too_large_messages_end_the_connection(config: EdgeConfig) -> None:
    async def check(edge: Edge) -> None:
        async with listener(edge) as one:
            for number in range(60):
                await one.say(id=number, op="ping")
            said, code = await closed(one)
            assert (said[-1], code) == ({"push": "bye", "reason": "rate", "reconnect": False}, 4429)
        async with listener(edge) as one:
            await one.connection.send("x" * 70_000)
            assert (await closed(one))[1] == 1009

    run(config, check)


def test_a_token_is_needed_in_the_first_message(config: EdgeConfig) -> None:
    async def check(edge: Edge) -> None:
        for message in ({"id": 1, "op": "subscribe"}, {"id": 1, "op": "ping", "token": "wrong"}, {"token": "hush"}):
            async with listener(edge) as one:
                await one.say(**message)
                said, code = await closed(one)
                assert (said, code) == ([{"push": "bye", "reason": "unauthorized", "reconnect": False}], 4401)
        async with listener(edge) as silent:
            said, code = await closed(silent)
            assert (said[0]["reason"], code) == ("auth_timeout", 4408)
        async with listener(edge) as one:
            assert (await one.ask(id=1, op="subscribe", token="hush"))["ok"] is True
            assert (await one.ask(id=2, op="ping"))["ok"] is True
            assert one.pushes[0]["push"] == "hello"

    run(dataclasses.replace(config, token="hush", auth_limit_s=0.5, heartbeat_s=0.1), check)


def test_a_page_of_another_site_is_refused(config: EdgeConfig) -> None:
    async def check(edge: Edge) -> None:
        for origin in ("http://evil.example", "null", "http://[", f"http://127.0.0.1:{edge.port + 1}"):
            with pytest.raises(InvalidStatus, match="403"):
                async with listener(edge, origin=origin):
                    pass
        async with listener(edge, origin=f"http://127.0.0.1:{edge.port}") as one:
            assert (await one.ask(id=1, op="ping"))["ok"] is True

    run(config, check)


def test_a_slow_client_is_closed_and_the_others_miss_nothing(config: EdgeConfig) -> None:
    symbol = unique_name("S")
    alerts = [make_alert(number, symbol) for number in range(4_000)]

    async def check(edge: Edge) -> None:
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.setblocking(False)
            await asyncio.get_running_loop().sock_connect(stalled, ("127.0.0.1", edge.port))
            url = f"ws://127.0.0.1:{edge.port}/api/v1/ws"
            async with connect(url, sock=stalled, compression=None, max_queue=1) as connection, listener(edge) as good:
                slow = Listener(connection)
                await slow.ask(id=1, op="subscribe")
                await good.ask(id=1, op="subscribe")
                for first in range(0, len(alerts), 100):  # as fast as the good one reads
                    part = alerts[first : first + 100]
                    await send_alerts(config.bootstrap, part)
                    assert await good.alert_ids(len(part)) == [alert.body.id for alert in part]
                said, code = await closed(slow)
                assert said[-1] == {"push": "bye", "reason": "slow", "reconnect": True}
                assert code == 4508
                told = [told["alert"]["body"]["id"] for push in said for told in push.get("alerts", [])]
                assert told == [alert.body.id for alert in alerts[: len(told)]]
                assert (await good.ask(id=2, op="ping"))["ok"] is True

    before = value_of("tapewatch_websocket_slow_clients_total")
    run(dataclasses.replace(config, client_alerts=300, send_buffer_bytes=8192, bye_limit_s=20.0), check)
    assert value_of("tapewatch_websocket_slow_clients_total") == before + 1


def test_more_clients_than_allowed_are_sent_away(config: EdgeConfig) -> None:
    async def check(edge: Edge) -> None:
        async with listener(edge) as first:
            await first.receive()
            async with listener(edge) as second:
                said, code = await closed(second)
                assert (said[-1]["reason"], said[-1]["reconnect"], code) == ("overload", True, 1013)
            assert (await first.ask(id=1, op="ping"))["ok"] is True

    run(dataclasses.replace(config, max_clients=1), check)


def test_heartbeats_tell_how_far_the_edge_has_read(config: EdgeConfig) -> None:
    async def check(edge: Edge) -> None:
        async with listener(edge) as one:
            before = (await one.push("heartbeat"))["position"]["offsets"]
            await send_alerts(config.bootstrap, [make_alert(1, unique_name("S"))])
            while (offsets := (await one.push("heartbeat"))["position"]["offsets"]) == before:
                pass
            assert offsets == before | {"0": before["0"] + 1}

    run(dataclasses.replace(config, heartbeat_s=0.1), check)


def test_clients_are_told_when_the_edge_stops(config: EdgeConfig) -> None:
    async def main() -> None:
        async with running_edge(config) as edge:
            waiting = listener(edge)
            one = await waiting.__aenter__()
            await one.receive()
        said, code = await closed(one)
        assert (said[-1]["reason"], said[-1]["reconnect"], code) == ("restart", True, 1012)
        await waiting.__aexit__(None, None, None)

    asyncio.run(main())


def test_poison_in_the_topics_is_passed_over(config: EdgeConfig) -> None:
    symbol = unique_name("S")

    async def check(edge: Edge) -> None:
        async with listener(edge) as one:
            await one.ask(id=1, op="subscribe", symbols=[symbol])
            good = encode_alert(make_alert(1, symbol))
            values = [(0, value) for value in (b"", b"{", None, b"\xff", good)]
            await send(config.bootstrap, ALERTS.name, values)
            await send(config.bootstrap, LIVE.name, [(0, b"{}"), (0, None)])
            await send_live(config.bootstrap, {symbol: 7.0})
            assert await one.alert_ids(1) == [f"{symbol}-spike-000001"]
            assert (await one.push("live"))["quotes"][0]["price"] == 7.0
            await eventually(lambda: edge.stats()["skipped"] == 6)

    run(config, check)


def test_a_client_that_comes_before_a_new_edge_has_read_misses_nothing(config: EdgeConfig) -> None:
    symbol = unique_name("S")

    async def main() -> None:
        async with running_edge(config) as edge, listener(edge) as one:
            position = (await one.receive())["position"]
        await send_alerts(config.bootstrap, [make_alert(number, symbol) for number in range(1, 6)])
        async with running_edge(config, wait_ready=False) as edge, listener(edge) as one:
            assert edge.ready(), "it has read nothing yet"
            reply = await one.ask(id=1, op="subscribe", symbols=[symbol], live=False, resume=position)
            assert (reply["recovered"], reply["count"]) == (True, 5)
            assert await one.alert_ids(5) == [f"{symbol}-spike-{number:06}" for number in range(1, 6)]

    asyncio.run(main())


def test_an_edge_that_starts_before_kafka_waits_and_says_so(
    kafka_runtime: KafkaRuntime, tmp_path_factory: pytest.TempPathFactory
) -> None:
    late = KafkaBroker(tmp_path_factory.mktemp("late"), kafka_runtime)
    history = ClickHouseConfig("127.0.0.1", free_ports(1)[0])

    async def main() -> None:
        async with running_edge(EdgeConfig(late.bootstrap, history, port=0), wait_ready=False) as edge:
            await eventually(lambda: edge.ready()[0].startswith(f"waiting for Kafka at {late.bootstrap}: "))
            async with listener(edge) as one:
                assert (await one.ask(id=1, op="subscribe"))["ok"] is True
                await asyncio.to_thread(late.start)
                await eventually(lambda: "has no topic" in edge.ready()[0])
                await create_topics(late.bootstrap)
                await eventually(lambda: not edge.ready())
                await send_alerts(late.bootstrap, [make_alert(1)])
                assert await one.alert_ids(1) == ["ACME-spike-000001"]

    try:
        asyncio.run(main())
    finally:
        late.stop()


def test_a_broker_that_goes_away_and_comes_back_costs_no_alert(
    kafka_runtime: KafkaRuntime, tmp_path_factory: pytest.TempPathFactory
) -> None:
    history = ClickHouseConfig("127.0.0.1", free_ports(1)[0])

    async def main(own: KafkaBroker) -> None:
        await create_topics(own.bootstrap)
        async with running_edge(EdgeConfig(own.bootstrap, history, port=0)) as edge, listener(edge) as one:
            await one.ask(id=1, op="subscribe", live=False)
            await send_alerts(own.bootstrap, [make_alert(1), make_alert(2)])
            assert await one.alert_ids(2) == ["ACME-spike-000001", "ACME-spike-000002"]
            await asyncio.to_thread(own.kill)
            position = (await one.ask(id=2, op="subscribe", live=False))["position"]
            resume = {"epoch": position["epoch"], "offsets": {"0": 0, "1": 0}}
            # What was missed cannot be read now: the reply says so and the memory of the edge stands in.
            reply = await one.ask(id=3, op="subscribe", live=False, resume=resume, backlog=5)
            assert (reply["recovered"], reply["count"]) == (False, 2)
            assert await one.alert_ids(2) == ["ACME-spike-000001", "ACME-spike-000002"]
            await asyncio.to_thread(own.start)
            await send_alerts(own.bootstrap, [make_alert(3)])
            assert await one.alert_ids(1) == ["ACME-spike-000003"]

    with KafkaBroker(tmp_path_factory.mktemp("own"), kafka_runtime) as own:
        asyncio.run(main(own))
