"""Stores alerts, bars and figures in ClickHouse: what a table has acknowledged, and nothing else, is committed to the
log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import faust

from agents.sink_lane import Destination, Lane, SinkLimits
from infra.clickhouse import ClickHouse, patiently
from infra.clickhouse_migrations import migrate
from infra.clickhouse_rows import ALERTS as ALERTS_TABLE
from infra.clickhouse_rows import BARS as BARS_TABLE
from infra.clickhouse_rows import METRICS as METRICS_TABLE
from infra.clickhouse_rows import alert_row, bar_row, insert_alerts, insert_bars, insert_metrics, metrics_row
from infra.kafka.chunk import ChunkSchema
from infra.kafka.fatal import end_process
from schemas.topics import ALERTS, ALERTS_DEAD, BARS, BARS_DEAD, METRICS, METRICS_DEAD

DESTINATIONS: Final = (
    Destination(ALERTS, ALERTS_DEAD, ALERTS_TABLE, alert_row, insert_alerts),
    Destination(BARS, BARS_DEAD, BARS_TABLE, bar_row, insert_bars),
    Destination(METRICS, METRICS_DEAD, METRICS_TABLE, metrics_row, insert_metrics),
)


class Sink:
    """The agents and the lanes they fill. Order of calls: register, open, run the application, close."""

    def __init__(
        self,
        database: ClickHouse,
        limits: SinkLimits | None = None,
        fail: Callable[[str, BaseException], Any] = end_process,
    ) -> None:
        """`fail` is given what must not happen; it ends the process."""
        self._database, self._limits, self._fail = database, limits or SinkLimits(), fail
        self._lanes: list[Lane[Any]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._away = "ClickHouse was not asked yet"

    def register(self, app: faust.App) -> None:
        """Put the agents on `app`, which must have our transport."""
        for destination in DESTINATIONS:
            lane: Lane[Any] = Lane(destination, self._database, app, self._limits)
            self._lanes.append(lane)
            topic = app.topic(destination.topic.name, schema=ChunkSchema())
            app.agent(topic, name=f"sink {destination.table}")(self._agent(lane))

    async def open(self) -> None:
        """Wait for ClickHouse, bring its tables up to date, and be ready to store.

        Raises ClickHouseAwayError after `limits.away_s`, MigrationError, or clickhouse_connect's DatabaseError.
        """
        await patiently(lambda: migrate(self._database), self._limits.away_s, self._hear)
        for lane in self._lanes:
            self._tasks.append(asyncio.create_task(self._guarded(lane), name=f"sink {lane.table}"))

    async def close(self) -> None:
        """Leave what is not stored yet in the log, from where it is read again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._database.close()

    def ready(self) -> list[str]:
        """Why nothing is stored now."""
        return [reason for reason in (self._away, *(lane.away for lane in self._lanes)) if reason]

    def stats(self) -> dict[str, Any]:
        """Figures since the start, by table."""
        return {lane.table: lane.stats for lane in self._lanes}

    def _hear(self, reason: str) -> None:
        self._away = reason

    def _agent(self, lane: Lane[Any]) -> Callable[[Any], Any]:
        async def store(chunks: Any) -> None:
            async for chunk in chunks:
                await lane.put(chunk)

        return store

    async def _guarded(self, lane: Lane[Any]) -> None:
        try:
            await lane.run()
        except Exception as error:  # noqa: BLE001  # whatever it is, the log is not read on
            self._fail(f"storing {lane.table} failed", error)
