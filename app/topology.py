"""THE MAP: every topic, table and agent in the order data flows, and how the processes that hold them are put together.

providers -> ingest --> ticks.v1 --> agents/scan + tables/state --> bars.v1, metrics.v1, alerts.v1 --> agents/sink
                          |                |                   \\-> live.v1      |              (to ClickHouse)
rules apply --> rules.v1, rulesets.v1      |                           \\--------\\--> api (REST, WebSocket)
                                           \\-> late.v1, ticks.v1.dlq
"""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import faust

from agents.scan import Scan, ScanConfig
from agents.scan_output import ENCODERS
from engine.partition import EngineConfig
from engine.rules.parser import parse_numbers
from engine.rules.plan import Asked
from infra.calendars import load_calendars
from infra.kafka.application import ApplicationConfig, new_application, run_application
from infra.kafka.fatal import end_process
from infra.kafka.outbox import Outbox, new_producer
from infra.kafka.records import give_plain_records
from infra.kafka.rules import RuleLog
from infra.kafka.topic_admin import (
    TopicError,
    apply_topics,
    check_topics,
    has_committed,
    partition_count,
    require,
    wait_for_broker,
)
from infra.kafka.transport import Transport
from schemas.topics import (
    ALERTS,
    ALERTS_DEAD,
    ALL,
    BARS,
    BARS_DEAD,
    LATE,
    LIVE,
    METRICS,
    METRICS_DEAD,
    RULE_SETS,
    RULES,
    STATE_BATCH_BYTES,
    TICKS,
    TICKS_DEAD,
    Topic,
)
from tables.state import StateTable, changelog_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stage:
    """A process' part of the flow: what it reads, keeps and writes."""

    role: str
    agents: tuple[str, ...]
    reads: tuple[Topic, ...]
    writes: tuple[Topic, ...]
    tables: tuple[str, ...] = ()


MAX_RESULT_BYTES: Final = 1_048_576

FLOW: Final = (
    Stage("ingest", (), reads=(), writes=(TICKS, TICKS_DEAD)),
    Stage("rules apply", (), reads=(), writes=(RULES, RULE_SETS, TICKS)),
    Stage(
        "scan",
        ("agents.scan",),
        reads=(TICKS, RULES, RULE_SETS),
        writes=(BARS, METRICS, ALERTS, LIVE, LATE, TICKS_DEAD, TICKS),
        tables=("tables.state",),
    ),
    Stage("sink", ("agents.sink",), reads=(BARS, METRICS, ALERTS), writes=(BARS_DEAD, METRICS_DEAD, ALERTS_DEAD)),
    Stage("edge", (), reads=(ALERTS, METRICS, LIVE), writes=()),
)


def topics_of(app_id: str) -> tuple[Topic, ...]:
    """Every topic that the program needs, with the changelog of the scan workers of that application id."""
    return (*ALL, changelog_of(app_id))


@dataclass(frozen=True)
class ScanRole:
    """A scan worker. `instance_id`: its name in the group over restarts; `data_dir`: its own folder for RocksDB."""

    app_id: str
    bootstrap: str
    data_dir: Path
    instance_id: str | None = None
    session_timeout_s: float = 10.0
    request_timeout_s: float = 60.0
    checkpoint_s: float = 1.5
    live_s: float = 0.3
    max_poll_records: int | None = None
    max_fetch_bytes: int = 4 * 1_048_576
    engine: EngineConfig = field(default_factory=EngineConfig)
    pause_limit_s: float | None = None
    """How long the process may stand still; None: half the session time-out."""
    heartbeat_s: float = 0.0
    heartbeat_delay_s: float = 1.0
    dead_letter_share: float = 0.5
    dead_letter_window: int = 10_000
    restore_limit_s: float = 180.0
    metrics: tuple[str, ...] = ()
    """Figures that are published at closes, numbers of the rule language."""
    metrics_of_rules: bool = True
    """So are the metrics that rules use."""
    live_values: int = 6_000
    replicas: int = 1
    """Of the changelog, where this worker is the first to make it."""
    standby_replicas: int = 0
    """Other workers that follow the changelog of each partition, so that they can take it over at once."""

    @property
    def asked(self) -> Asked:
        """What is published. Raises RuleError."""
        return Asked(tuple(node for text in self.metrics for node in parse_numbers(text)), self.metrics_of_rules)


class ScanApp:
    """A Faust application with the scan agent, the state table, and the way out."""

    def __init__(
        self, role: ScanRole, partitions: int, fail: Callable[[str, BaseException], Any] = end_process
    ) -> None:
        """`partitions` of the tick topic. Make it inside the event loop that it will run in."""
        give_plain_records([TICKS.name])
        self._fail = fail
        self.faust: faust.App = new_application(
            ApplicationConfig(
                role.app_id,
                role.bootstrap,
                role.data_dir,
                role.instance_id,
                role.session_timeout_s,
                role.max_poll_records,
                role.max_fetch_bytes,
                role.standby_replicas,
                request_timeout_s=role.request_timeout_s,
            )
        )
        tag = uuid.uuid4().hex[:8]
        writer = f"{role.instance_id or role.app_id}@{socket.gethostname()}/{tag}"
        limit_s = role.request_timeout_s
        results, alerts = (
            new_producer(role.bootstrap, f"{writer}-{name}", limit_s, MAX_RESULT_BYTES) for name in ("out", "alerts")
        )
        blobs = new_producer(
            role.bootstrap, f"{writer}-state", limit_s, STATE_BATCH_BYTES, max_batch_bytes=STATE_BATCH_BYTES
        )
        self._producers = (results, alerts, blobs)
        self._outbox = Outbox(
            results, ENCODERS, lambda error: fail("sending results failed", error), {ALERTS.name: alerts}
        )
        state = StateTable(self.faust, blobs, partitions, role.engine.shards, tag)
        config = ScanConfig(
            partitions,
            writer,
            role.engine,
            role.checkpoint_s,
            2 * role.request_timeout_s,
            role.live_s,
            pause_limit_s=role.session_timeout_s / 2 if role.pause_limit_s is None else role.pause_limit_s,
            heartbeat_s=role.heartbeat_s,
            heartbeat_delay_s=role.heartbeat_delay_s,
            dead_letter_share=role.dead_letter_share,
            dead_letter_window=role.dead_letter_window,
            restore_limit_s=role.restore_limit_s,
            asked=role.asked,
            live_values=role.live_values,
        )
        self.scan = Scan(self.faust, config, load_calendars(), RuleLog(role.bootstrap), self._outbox, state, fail)
        self.scan.register()
        transport = self.faust.transport
        assert isinstance(transport, Transport), "applications of ours have our transport"
        transport.lifecycle = self.scan

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Raises what it crashed with."""
        for producer in self._producers:
            await producer.start()
        self.scan.open()
        try:
            await run_application(self.faust, stop, self._fail)
        finally:
            await self.scan.close()
            await self._outbox.close()
            for producer in self._producers:
                await producer.stop()


async def prepare_scan(role: ScanRole) -> int:
    """Wait for the broker, make the changelog the first time, check the topics; the number of partitions.

    Raises TopicError: a topic is missing or has another number of partitions, or the changelog of a group that has
    worked is gone.
    """
    await wait_for_broker(role.bootstrap)
    partitions = await partition_count(role.bootstrap, TICKS.name)
    changelog = changelog_of(role.app_id)
    [report] = await check_topics(role.bootstrap, [changelog], partitions)
    if report.state == "missing":
        if await has_committed(role.bootstrap, role.app_id, TICKS.name):
            raise TopicError(
                f"{changelog.name} is missing, though the group {role.app_id} has worked: its state is gone. Bring the "
                "topic back, or start under another application id (setting scan_app_id) and read the log again"
            )
        await apply_topics(role.bootstrap, [changelog], partitions, role.replicas)
    require(await check_topics(role.bootstrap, topics_of(role.app_id), partitions))
    return partitions
