"""A real edge on a real port, and what a test needs to talk to it: topics to write to, a WebSocket client, patience."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError
from websockets.asyncio.client import ClientConnection, connect

from api.config import EdgeConfig
from api.edge import Edge
from schemas.alert import Alert, encode_alert
from schemas.live import LiveBatch, LiveFigures, LiveMetrics, LiveQuote, encode_live
from schemas.metrics import MetricValues, encode_metrics
from schemas.topics import ALERTS, ALERTS_DEAD, BARS, BARS_DEAD, LIVE, METRICS, METRICS_DEAD

LIMIT_S = 30.0
PARTITIONS = 2
TOPICS = (ALERTS, ALERTS_DEAD, BARS, BARS_DEAD, METRICS, METRICS_DEAD, LIVE)


async def create_topics(bootstrap: str) -> None:
    """The topics that sink and edge read and write; it does not matter if they are there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for topic in TOPICS:
            with contextlib.suppress(TopicAlreadyExistsError):
                await admin.create_topics([NewTopic(topic.name, PARTITIONS, 1, topic_configs=topic.config())])
    finally:
        await admin.close()


async def send(bootstrap: str, topic: str, values: Iterable[tuple[int, bytes | None]]) -> None:
    """Write (partition, value) pairs, in order, and wait until they are there."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        sent = [await producer.send(topic, value, key=b"key", partition=partition) for partition, value in values]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def send_alerts(bootstrap: str, alerts: Iterable[Alert], partition: int = 0) -> None:
    """Write alerts to their topic."""
    await send(bootstrap, ALERTS.name, ((partition, encode_alert(alert)) for alert in alerts))


async def send_live(bootstrap: str, prices: dict[str, float], partition: int = 0) -> None:
    """Write one live record."""
    quotes = [LiveQuote(symbol, 1, price, None, None, None, 0, None, "regular") for symbol, price in prices.items()]
    await send(bootstrap, LIVE.name, [(partition, encode_live(LiveBatch(partition, quotes)))])


async def send_metrics(bootstrap: str, records: Iterable[MetricValues], partition: int = 0) -> None:
    """Write figures at closes to their topic."""
    await send(bootstrap, METRICS.name, ((partition, encode_metrics(record)) for record in records))


async def send_running(bootstrap: str, symbol: str, ts: int, values: dict[str, float], partition: int = 0) -> None:
    """Write a live record with running figures of a symbol."""
    figures = LiveFigures(list(values), [LiveMetrics(symbol, ts, list(values.values()))])
    await send(bootstrap, LIVE.name, [(partition, encode_live(LiveBatch(partition, [], figures)))])


async def eventually(check: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Wait until `check` gives something true."""
    end = asyncio.get_running_loop().time() + limit_s
    while not check():
        assert asyncio.get_running_loop().time() < end, f"not within {limit_s:g} s"
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running_edge(config: EdgeConfig, wait_ready: bool = True) -> AsyncIterator[Edge]:
    """An edge that serves, and by default has read what was in the topics."""
    edge, stop, listening = Edge(config), asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(edge.run(stop, listening))
    up = asyncio.create_task(listening.wait())
    try:
        await asyncio.wait({task, up}, return_when=asyncio.FIRST_COMPLETED)
        if wait_ready and not task.done():
            await eventually(lambda: task.done() or not edge.ready())
        if task.done():
            task.result()
        yield edge
    finally:
        up.cancel()
        stop.set()
        await task


class Listener:
    """A WebSocket client that keeps what it was told."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.pushes: list[dict[str, Any]] = []

    async def say(self, **message: Any) -> None:
        """Send a message."""
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """The next frame."""
        async with asyncio.timeout(LIMIT_S):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def until(self, found: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next frame that is wanted; pushes before it are kept in `pushes`."""
        while True:
            message = await self.receive()
            if "push" in message:
                self.pushes.append(message)
            if found(message):
                return message

    async def ask(self, **message: Any) -> dict[str, Any]:
        """Send a message and wait for its reply."""
        await self.say(**message)
        return await self.until(lambda answer: answer.get("id") == message["id"] and "push" not in answer)

    async def push(self, kind: str) -> dict[str, Any]:
        """The next push of a kind."""
        return await self.until(lambda message: message.get("push") == kind)

    async def alert_ids(self, count: int) -> list[str]:
        """The ids of the next alerts, in order of arrival: exactly `count` or more."""
        ids: list[str] = []
        while len(ids) < count:
            ids += [told["alert"]["body"]["id"] for told in (await self.push("alert"))["alerts"]]
        return ids


@contextlib.asynccontextmanager
async def listener(
    edge: Edge, headers: Sequence[tuple[str, str]] = (), origin: str | None = None
) -> AsyncIterator[Listener]:
    """A connected client that has said nothing yet."""
    url = f"ws://127.0.0.1:{edge.port}/api/v1/ws"
    async with connect(url, additional_headers=list(headers), origin=origin, compression=None) as connection:  # type: ignore[arg-type]  # its Origin is a str with a name of its own
        yield Listener(connection)
