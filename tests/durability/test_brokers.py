"""Three brokers that hold everything three times: one that dies and comes back is missed by nobody."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.topology import topics_of
from infra.embedded.kafka import KafkaRuntime
from infra.embedded.kafka_cluster import BROKERS, KafkaCluster
from infra.kafka.topic_admin import apply_topics, check_topics
from schemas.topics import ALL, TICKS
from tests.support.chance import chance
from tests.support.scanning import APP_ID, committed, ends
from tests.support.scenarios import Fault, hurt_broker
from tests.support.tick_log import PARTITIONS

REPLICAS = 3
KILLS = 2
LIMIT_S = 60.0


@contextlib.asynccontextmanager
async def admin_of(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def all_in_sync(bootstrap: str) -> None:
    """Wait until every partition, of Kafka's own topics too, has all of its replicas again."""
    async with asyncio.timeout(LIMIT_S), admin_of(bootstrap) as admin:
        while True:
            partitions = [one for topic in await admin.describe_topics() for one in topic["partitions"]]
            if all(len(one["isr"]) == REPLICAS for one in partitions):
                return
            await asyncio.sleep(0.1)


async def more_is_committed(bootstrap: str) -> None:
    """Wait until each partition is committed beyond what stands in it now."""
    stood = dict[int, int]()
    async with asyncio.timeout(LIMIT_S):
        while True:
            with contextlib.suppress(KafkaError):  # a leader, or who coordinates the group, has just died
                stood = stood or await ends(bootstrap, TICKS.name)
                found = await committed(bootstrap)
                if all(found.get(number, -1) > end for number, end in stood.items()):
                    return
            await asyncio.sleep(0.1)


def killed_and_back(number: int) -> Fault[KafkaCluster]:
    """One of the three; the others have to do the work meanwhile."""

    async def fault(cluster: KafkaCluster) -> None:
        await asyncio.to_thread(cluster.brokers[number].kill)
        await more_is_committed(cluster.bootstrap)
        await asyncio.to_thread(cluster.brokers[number].start)
        await all_in_sync(cluster.bootstrap)

    return fault


def test_one_of_three_brokers_killed_and_back_changes_nothing(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    """One after the other: leaders of partitions, perhaps the controller or who coordinates the group."""
    random = chance("one of three brokers")
    faults = [killed_and_back(number) for number in random.sample(range(BROKERS), KILLS)]

    async def check(cluster: KafkaCluster) -> None:
        await apply_topics(cluster.bootstrap, ALL, PARTITIONS, REPLICAS)
        await hurt_broker(cluster, tmp_path, random, faults, replicas=REPLICAS)
        async with admin_of(cluster.bootstrap) as admin:
            found = {t["topic"]: {len(p["replicas"]) for p in t["partitions"]} for t in await admin.describe_topics()}
        assert all(found[topic.name] == {REPLICAS} for topic in topics_of(APP_ID))
        reports = await check_topics(cluster.bootstrap, [TICKS], PARTITIONS, REPLICAS + 1)
        assert [report.differences for report in reports] == [(f"replicas {REPLICAS} instead of {REPLICAS + 1}",)]

    with KafkaCluster(tmp_path / "kafka", kafka_runtime) as cluster:
        asyncio.run(check(cluster))
