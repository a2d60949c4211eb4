"""Topics as they are declared: created where they are missing, compared where they exist, never changed in silence."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError, for_code

from schemas.topics import Topic

logger = logging.getLogger(__name__)

ADMIN_LIMIT_S: Final = 30.0
CLIENT_ID: Final = "tapewatch-admin"
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0


class TopicError(RuntimeError):
    """Topics are missing, cannot be made, or are not as declared; the text says which and how."""


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What was found: `differences` from the declaration; `state` is ok, missing, created or different."""

    topic: Topic
    state: str
    partitions: int
    differences: tuple[str, ...] = ()


async def wait_for_broker(
    bootstrap: str, limit_s: float | None = None, hear: Callable[[str], object] = logger.warning
) -> None:
    """Return when a broker answers, asking again with growing pauses. Raises TimeoutError after `limit_s`."""
    pause_s = FIRST_PAUSE_S
    async with asyncio.timeout(limit_s):
        while True:
            try:
                async with asyncio.timeout(ADMIN_LIMIT_S), _admin(bootstrap) as admin:
                    await admin.describe_cluster()
                return
            except (KafkaError, TimeoutError) as error:
                hear(f"waiting for Kafka at {bootstrap}: {error!r}")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def check_topics(
    bootstrap: str, topics: Sequence[Topic], partitions: int | None = None, replicas: int = 1
) -> list[TopicReport]:
    """Compare topics with their declarations.

    `partitions`: of topics that have as many as the tick topic; None: as many as the first of them that exists.
    `replicas`: how many a partition has at least.
    """
    async with asyncio.timeout(ADMIN_LIMIT_S), _admin(bootstrap) as admin:
        found = await _partitions(admin, [topic.name for topic in topics])
        if partitions is None:
            known = (len(found[t.name]) for t in topics if t.partitions is None and t.name in found)
            partitions = next(known, None)
        settings = await _settings(admin, [t.name for t in topics if t.name in found])
        wanted = (partitions, replicas)
        return [_report(topic, found.get(topic.name, []), wanted, settings.get(topic.name, {})) for topic in topics]


async def apply_topics(
    bootstrap: str, topics: Sequence[Topic], partitions: int, replicas: int = 1
) -> list[TopicReport]:
    """Create the topics that are missing; those that exist are compared and left as they are. Raises TopicError."""
    missing = [r.topic for r in await check_topics(bootstrap, topics, partitions, replicas) if r.state == "missing"]
    async with asyncio.timeout(ADMIN_LIMIT_S), _admin(bootstrap) as admin:
        for topic in missing:
            await _create(admin, topic, topic.partitions or partitions, replicas)
        names = [topic.name for topic in missing]
        while len(await _partitions(admin, names)) < len(names):  # noqa: ASYNC110  # nobody tells us
            await asyncio.sleep(0.05)
    created = {topic.name for topic in missing}
    reports = await check_topics(bootstrap, topics, partitions, replicas)
    return [_created(r) if r.topic.name in created and r.state == "ok" else r for r in reports]


def require(reports: Iterable[TopicReport]) -> None:
    """Raise TopicError for a topic that is missing or has another number of partitions than declared."""
    wrong = [r for r in reports if r.state == "missing" or any(d.startswith("partitions") for d in r.differences)]
    if wrong:
        found = "; ".join(
            f"{r.topic.name} is {'missing' if r.state == 'missing' else ', '.join(r.differences)}" for r in wrong
        )
        raise TopicError(f"{found}. See `tapewatch topics check`; `tapewatch topics apply` creates what is missing")


async def partition_count(bootstrap: str, topic: str) -> int:
    """Number of partitions of a topic that exists. Raises TopicError."""
    async with asyncio.timeout(ADMIN_LIMIT_S), _admin(bootstrap) as admin:
        count = len((await _partitions(admin, [topic])).get(topic, []))
    if not count:
        raise TopicError(f"{topic} is missing; `tapewatch topics apply` creates what is declared")
    return count


async def has_committed(bootstrap: str, group: str, topic: str) -> bool:
    """Whether the group has ever committed an offset of the topic."""
    async with asyncio.timeout(ADMIN_LIMIT_S), _admin(bootstrap) as admin:
        try:
            found = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:
            return False  # a new cluster has no groups yet
    return any(tp.topic == topic and meta.offset > 0 for tp, meta in found.items())


@contextlib.asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap.split(","), client_id=CLIENT_ID)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, list[int]]:
    """Of the topics that exist: how many replicas each partition has."""
    described = await admin.describe_topics()
    found = [t for t in described if t["topic"] in names and not t["error_code"]]
    return {t["topic"]: [len(one["replicas"]) for one in t["partitions"]] for t in found}


async def _settings(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for code, message, _, name, entries in response.resources:
            if code:
                raise TopicError(f"settings of {name}: {message or for_code(code).__name__}")
            found[name] = {str(entry[0]): str(entry[1]) for entry in entries}
    return found


def _report(topic: Topic, found: list[int], wanted: tuple[int | None, int], settings: dict[str, str]) -> TopicReport:
    count, (partitions, replicas) = len(found), wanted
    if not found:
        return TopicReport(topic, "missing", 0)
    differences = [
        f"{name} {settings[name]} instead of {wanted}"
        for name, wanted in topic.config().items()
        if name in settings and settings[name] != wanted
    ]
    if min(found) < replicas:
        differences.insert(0, f"replicas {min(found)} instead of {replicas}")
    wanted_count = topic.partitions or partitions
    if wanted_count is not None and count != wanted_count:
        differences.insert(0, f"partitions {count} instead of {wanted_count}")
    return TopicReport(topic, "different" if differences else "ok", count, tuple(differences))


def _created(report: TopicReport) -> TopicReport:
    return TopicReport(report.topic, "created", report.partitions)


async def _create(admin: AIOKafkaAdminClient, topic: Topic, partitions: int, replicas: int) -> None:
    response: Any = await admin.create_topics(
        [NewTopic(topic.name, partitions, replicas, topic_configs=topic.config())]
    )
    for name, code, *message in response.topic_errors:
        if code and for_code(code).__name__ != "TopicAlreadyExistsError":
            raise TopicError(
                f"{name} cannot be created: {message[0] if message and message[0] else for_code(code).__name__}"
            )
