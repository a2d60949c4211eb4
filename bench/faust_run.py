"""Runs the idiomatic Faust job, and holds its alerts against those of the engine over the same log."""

from __future__ import annotations

import asyncio
import sys
import uuid
from typing import Final

import msgspec

from bench.brokers import Filled
from bench.engine_alone import engine_alerts
from bench.faust_job import RESULT, Result, Told
from bench.rules import plans
from infra.embedded.process import ServerProcess
from infra.kafka.reader import Reader
from schemas.topics import ALERTS

LIMIT_S: Final = 180.0
Alerts = set[tuple[str, str, int, float | None]]


class DifferentAlertsError(RuntimeError):
    """The job and the engine do not do the same; the text has examples."""


class FaustJob(ServerProcess):
    """The job as a process; it is ready when it is done."""

    def __init__(self, filled: Filled, app_id: str) -> None:
        """Not started."""
        folder = filled.folder / app_id
        folder.mkdir(parents=True)
        self._result = folder / RESULT
        arguments = (filled.bootstrap, app_id, str(folder), str(filled.ticks), str(filled.warm_up))
        super().__init__("faust job", (sys.executable, "-m", "bench.faust_job", *arguments), folder / "job.log")

    def is_ready(self) -> bool:
        """Whether all ticks were seen."""
        return self._result.exists()

    def result(self) -> Result:
        """Once it is ready."""
        return msgspec.json.decode(self._result.read_bytes(), type=Result)


async def faust_run(filled: Filled) -> float:
    """Ticks a second. Raises DifferentAlertsError, ServerStartError."""
    app_id = f"bench-faust-{uuid.uuid4().hex[:8]}"
    job = FaustJob(filled, app_id)
    try:
        await asyncio.to_thread(job.start, LIMIT_S)
        result = job.result()
    finally:
        await asyncio.to_thread(job.stop)
    await _compare(filled.bootstrap, app_id)
    return result.ticks / result.seconds


async def _compare(bootstrap: str, app_id: str) -> None:
    told = await _told(bootstrap, app_id)
    expected: Alerts = {
        (body.rule_id, body.symbol, body.ts, body.price) for body in await engine_alerts(bootstrap, plans())
    }
    if told != expected or not expected:
        examples = f"the job alone: {sorted(told - expected)[:3]}, the engine alone: {sorted(expected - told)[:3]}"
        raise DifferentAlertsError(f"{len(told)} alerts of the job, {len(expected)} of the engine; {examples}")


async def _told(bootstrap: str, app_id: str) -> Alerts:
    found: Alerts = set()
    async with Reader(bootstrap, ALERTS.name) as reader:
        for whole in await reader.ranges():
            async for records in reader.read(whole):
                told = [msgspec.json.decode(record.value, type=Told) for record in records]
                found |= {(one.rule, one.symbol, one.ts, one.price) for one in told if one.run == app_id}
    return found
