"""Brokers with a filled tick topic: what every worker, client and job of the benchmark reads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from app.topology import topics_of
from bench.rules import entries_and_bodies
from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from infra.kafka.rules import RuleLog
from infra.kafka.topic_admin import apply_topics, require, wait_for_broker
from ingest.provider import Provider
from ingest.run import IngestConfig, run_ingest

PARTITIONS: Final = 4
START_LIMIT_S: Final = 60.0
FILL_LIMIT_S: Final = 180.0


@dataclass(frozen=True)
class Filled:
    """A running broker whose tick topic holds a rule set and then `ticks`, the first `warm_up` of them few and far
    between."""

    bootstrap: str
    folder: Path
    ticks: int
    warm_up: int


@contextlib.asynccontextmanager
async def filled_broker(
    folder: Path, runtime: KafkaRuntime, provider: Provider, form: Literal["json", "frame"]
) -> AsyncIterator[Filled]:
    """A broker of its own until the end of the block."""
    async with empty_broker(folder, runtime) as broker:
        async with asyncio.timeout(FILL_LIMIT_S):
            done = await run_ingest(
                IngestConfig(broker.bootstrap, form, speed=0), provider, asyncio.Event(), hear=lambda text: None
            )
        yield Filled(broker.bootstrap, folder, done.ticks, getattr(provider, "warm_up", 0))


@contextlib.asynccontextmanager
async def empty_broker(folder: Path, runtime: KafkaRuntime) -> AsyncIterator[Filled]:
    """The same with the rule set alone in the tick topic."""
    broker = KafkaBroker(folder / "kafka", runtime)
    await asyncio.to_thread(broker.start)
    try:
        await wait_for_broker(broker.bootstrap, START_LIMIT_S)
        require(await apply_topics(broker.bootstrap, topics_of("scan"), PARTITIONS))
        await RuleLog(broker.bootstrap).apply(*entries_and_bodies())
        yield Filled(broker.bootstrap, folder, 0, 0)
    finally:
        await asyncio.to_thread(broker.stop)
