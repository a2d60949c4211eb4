"""`tapewatch demo --chaos`: kills one process of the demo after the other, as crashes would, while ticks come in."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from app.embedded import Stack
from infra.embedded.process import ServerProcess

PAUSE_S: Final = (2.0, 6.0)
"""Least and longest time between a process that is well again and the next kill."""
READY_LIMIT_S: Final = 90.0
LOOK_S: Final = 0.1

Tell = Callable[[str], object]


class Chaos:
    """One kill at a time: what is checked is that any single process may die. `kills` counts them by name.

    Ingest is left alone: the simulated market would begin anew, which is another market.
    """

    def __init__(self, stack: Stack, tell: Tell, seed: int | None = None) -> None:
        """`seed`: to repeat the same order of kills."""
        self.kills: Counter[str] = Counter()
        self._stack, self._tell = stack, tell
        self._seed = random.SystemRandom().randrange(10**6) if seed is None else seed
        self._random = random.Random(self._seed)

    async def run(self, over: asyncio.Event) -> None:
        """Kill until `over` is set; what was killed last is well again when this returns."""
        self._tell(f"chaos begins, seed {self._seed}")
        while not await _is_set(over, self._random.uniform(*PAUSE_S)):
            await self._kill(self._random.choice(["kafka", "clickhouse", *self._stack.roles]))

    async def _kill(self, name: str) -> None:
        self.kills[name] += 1
        self._tell(f"chaos kills {name}")
        engines: dict[str, ServerProcess] = {"kafka": self._stack.kafka, "clickhouse": self._stack.clickhouse}
        process = engines.get(name) or self._stack.roles[name]
        begun = time.monotonic()
        await asyncio.to_thread(process.kill)
        if name in engines:
            await asyncio.to_thread(process.start)
        async with asyncio.timeout(READY_LIMIT_S):
            while not (process.running and await asyncio.to_thread(process.is_ready)):  # noqa: ASYNC110  # no event
                await asyncio.sleep(LOOK_S)
        self._tell(f"{name} is back after {time.monotonic() - begun:.1f} s")


async def _is_set(event: asyncio.Event, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
