"""Load on scan workers while they are killed, and the comparison with the engine alone that ends each such test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka.errors import KafkaError

from tests.support.scanning import committed, told
from tests.support.tick_log import RULES, Market, apply_rules, offline_answer, write

PROGRESS_LIMIT_S = 120.0


@contextlib.asynccontextmanager
async def under_load(bootstrap: str, market: Market, pause_s: float = 0.05) -> AsyncIterator[None]:
    """Ticks come in until the end of the block, faster than the market's own clock."""
    await apply_rules(bootstrap, RULES)
    over = asyncio.Event()

    async def feed() -> None:
        values = market.seconds(4, poison=True)
        while not over.is_set():
            with contextlib.suppress(KafkaError):  # the broker is away, or the test has just ended it: once more
                await write(bootstrap, values)
                values = market.seconds(4, poison=True)
            await asyncio.sleep(pause_s)

    feeding = asyncio.create_task(feed())
    try:
        yield
    finally:
        over.set()
        await feeding


async def progress(bootstrap: str) -> None:
    """Wait until a worker commits something."""
    seen: list[dict[int, int]] = []
    async with asyncio.timeout(PROGRESS_LIMIT_S):
        while len(seen) < 2:
            with contextlib.suppress(KafkaError):
                found = await committed(bootstrap)
                if found not in seen:
                    seen.append(found)
            await asyncio.sleep(0.05)


def differing(told: Mapping[Any, object], expected: Mapping[Any, object], most: int = 5) -> str:
    """The first few of what was told and what the log says that are not the same."""
    keys = sorted(key for key in told.keys() | expected.keys() if told.get(key) != expected.get(key))
    lines = [f"{key}: told {told.get(key)}, the log says {expected.get(key)}" for key in keys[:most]]
    return "\n".join([f"{len(keys)} of {len(expected)} differ", *lines])


async def same_as_offline(bootstrap: str, least_alerts: int = 20) -> list[str]:
    """Assert that what was told is what the log says, once what came twice is collapsed; the ids of all alerts told."""
    answer, ids = await told(bootstrap)
    expected = await offline_answer(bootstrap)
    assert len(expected.alerts) >= least_alerts
    assert answer.alerts == expected.alerts, differing(answer.alerts, expected.alerts)
    assert answer.bars == expected.bars, differing(answer.bars, expected.bars)
    assert answer.metrics == expected.metrics, differing(answer.metrics, expected.metrics)
    assert answer.dead == expected.dead
    return ids
