"""The sink as a process: its settings, its Faust application, and what has to be there before it starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.sink import Sink
from agents.sink_lane import SinkLimits
from infra.clickhouse import ClickHouse, ClickHouseConfig
from infra.kafka.application import ApplicationConfig, new_application, run_application
from infra.kafka.fatal import end_process
from infra.kafka.topic_admin import check_topics, require, wait_for_broker
from schemas.topics import ALERTS, ALERTS_DEAD, BARS, BARS_DEAD, METRICS, METRICS_DEAD


@dataclass(frozen=True)
class SinkRole:
    """A sink: stores alerts, bars and figures in ClickHouse."""

    app_id: str
    bootstrap: str
    data_dir: Path
    clickhouse: ClickHouseConfig
    instance_id: str | None = None
    session_timeout_s: float = 10.0
    limits: SinkLimits = field(default_factory=SinkLimits)


class SinkApp:
    """A Faust application with the sink's agents."""

    def __init__(self, role: SinkRole, fail: Callable[[str, BaseException], Any] = end_process) -> None:
        """Make it inside the event loop that it will run in."""
        config = ApplicationConfig(role.app_id, role.bootstrap, role.data_dir, role.instance_id, role.session_timeout_s)
        self.faust, self._fail = new_application(config), fail
        self.sink = Sink(ClickHouse(role.clickhouse), role.limits, fail)
        self.sink.register(self.faust)

    async def open(self) -> None:
        """Wait for ClickHouse and bring its tables up to date; it may be cancelled. Raises what `Sink.open` does."""
        await self.sink.open()

    async def run(self, stop: asyncio.Event) -> None:
        """After `open`: work until `stop` is set. Raises what it crashed with."""
        try:
            await run_application(self.faust, stop, self._fail)
        finally:
            await self.sink.close()


async def prepare_sink(role: SinkRole) -> None:
    """Wait for the broker and check the topics. Raises TopicError."""
    await wait_for_broker(role.bootstrap)
    require(await check_topics(role.bootstrap, [BARS, METRICS, ALERTS, BARS_DEAD, METRICS_DEAD, ALERTS_DEAD]))
