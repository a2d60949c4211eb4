"""The broker is a server like any other: it keeps acknowledged records over a stop, a start and a crash."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from infra.embedded.process import ServerStartError
from tests.support.servers import unique_name

LIMIT_S = 30.0


@pytest.fixture(scope="module")
def own_broker(kafka_runtime: KafkaRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker that these tests may stop and kill; it runs again after each."""
    with KafkaBroker(tmp_path_factory.mktemp("own"), kafka_runtime) as broker:
        yield broker


async def create_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    assert [error[1] for error in answer.topic_errors] == [0]


async def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def exchange(broker: KafkaBroker, topic: str, new: list[bytes], expected: list[bytes]) -> None:
    async with asyncio.timeout(LIMIT_S):
        await produce(broker.bootstrap, topic, new)
        assert await read(broker.bootstrap, topic, len(expected)) == expected


def test_records_outlive_a_stop_and_a_crash(own_broker: KafkaBroker) -> None:
    bootstrap = own_broker.bootstrap
    topic = unique_name("kept")
    asyncio.run(create_topic(bootstrap, topic))
    asyncio.run(exchange(own_broker, topic, [b"1", b"2"], [b"1", b"2"]))
    own_broker.restart()
    asyncio.run(exchange(own_broker, topic, [b"3"], [b"1", b"2", b"3"]))
    own_broker.kill()
    assert not own_broker.running
    own_broker.start()
    assert own_broker.bootstrap == bootstrap
    asyncio.run(exchange(own_broker, topic, [b"4"], [b"1", b"2", b"3", b"4"]))


def test_a_taken_port_is_reported(kafka_broker: KafkaBroker, kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    second = KafkaBroker(tmp_path, kafka_runtime, kafka_broker.cluster)
    with pytest.raises(ServerStartError, match=f"another process has port {kafka_broker.node.port}"):
        second.start()


def test_a_broker_that_cannot_start_says_why(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    broker = KafkaBroker(tmp_path, kafka_runtime)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=other\n")
    with pytest.raises(ServerStartError, match=r"(?s)Kafka node 1 ended with code 1 at start.*Stored node id 7"):
        broker.start()
