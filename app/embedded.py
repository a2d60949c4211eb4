"""The whole scanner on one machine: real engines and every role as its own process, in one folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.rules_commands import read
from app.settings import Settings
from app.supervisor import RoleProcess, Supervisor
from app.topology import topics_of
from infra.clickhouse import ClickHouseConfig
from infra.embedded.clickhouse import ChdbServer
from infra.embedded.kafka import KafkaBroker, find_runtime
from infra.embedded.ports import LOOPBACK, free_ports, is_free
from infra.kafka.rules import RuleLog
from infra.kafka.topic_admin import apply_topics, require, wait_for_broker

BROKER_LIMIT_S: Final = 60.0

Tell = Callable[[str], object]


@dataclass
class Stack:
    """What runs. `roles` by name."""

    kafka: KafkaBroker
    clickhouse: ChdbServer
    supervisor: Supervisor
    roles: dict[str, RoleProcess]
    page: str

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.kafka.bootstrap

    @property
    def history(self) -> ClickHouseConfig:
        """ClickHouse's address."""
        return ClickHouseConfig(self.clickhouse.host, self.clickhouse.port)

    async def stop(self) -> None:
        """Everything, what depends on others first."""
        await self.supervisor.stop()
        await asyncio.gather(asyncio.to_thread(self.clickhouse.stop), asyncio.to_thread(self.kafka.stop))


async def start_stack(folder: Path, settings: Settings, rules: Path, tell: Tell) -> Stack:
    """Engines, topics, rules and all roles but ingest. What was started is stopped again if something fails."""
    runtime = await asyncio.to_thread(find_runtime, settings.cache, tell)
    kafka, clickhouse = KafkaBroker(folder / "kafka", runtime), ChdbServer(folder / "clickhouse")
    stack = Stack(kafka, clickhouse, Supervisor(tell), {}, "")
    try:
        tell("starting Apache Kafka and ClickHouse")
        await asyncio.gather(asyncio.to_thread(kafka.start), asyncio.to_thread(clickhouse.start))
        await wait_for_broker(kafka.bootstrap, BROKER_LIMIT_S)
        require(await apply_topics(kafka.bootstrap, topics_of(settings.scan_app_id), settings.partitions))
        entries, bodies = read(rules)
        await RuleLog(kafka.bootstrap).apply(entries, bodies)
        tell(f"{len(entries)} rules are in force; starting the roles")
        await _start_roles(stack, folder, settings)
    except BaseException:
        await stack.stop()
        raise
    return stack


async def _start_roles(stack: Stack, folder: Path, settings: Settings) -> None:
    port = settings.edge_port if settings.edge_port and is_free(settings.edge_port) else free_ports(1)[0]
    shared = {
        "bootstrap": stack.bootstrap,
        "data_dir": folder,
        "clickhouse_host": stack.clickhouse.host,
        "clickhouse_port": stack.clickhouse.port,
        "edge_host": LOOPBACK,
        "edge_port": port,
    }
    for name in ("scan", "sink", "edge"):
        stack.roles[name] = RoleProcess(name, folder / "logs", instance_id=f"{name}-1", **shared)
    started = await asyncio.gather(
        *(stack.supervisor.start(role) for role in stack.roles.values()), return_exceptions=True
    )
    failed = next((error for error in started if isinstance(error, BaseException)), None)
    if failed is not None:
        raise failed
    stack.page = f"http://{LOOPBACK}:{port}/"


def ingest_role(stack: Stack, folder: Path, provider: str, options: str, for_s: float | None) -> RoleProcess:
    """The ingest role, not started."""
    return RoleProcess(
        "ingest",
        folder / "logs",
        bootstrap=stack.bootstrap,
        data_dir=folder,
        provider=provider,
        provider_options=options,
        ingest_for_s=for_s or 0,
    )
