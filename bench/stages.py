"""Where the time of an engine's step goes: stopwatches around the functions that begin a stage."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from bench.engine_alone import Log, engine_run
from engine import flow, scanner
from engine.closing import Closer
from engine.rules.evaluate import Evaluation
from engine.rules.fires import FireMemory
from engine.rules.plan import Plan

REST: Final = "intake"
"""What a step does outside of every other stage."""


class Stopwatches:
    """Seconds by stage; within a stage the time of the stages that it calls is theirs alone."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self._clock = clock
        self._open: list[str] = []
        self._since = 0.0

    def _note(self) -> None:
        now = self._clock()
        if self._open:
            stage = self._open[-1]
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what the block does."""
        self._note()
        self._open.append(name)
        try:
            yield
        finally:
            self._note()
            self._open.pop()

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return timed


@contextlib.contextmanager
def _watched(watches: Stopwatches) -> Iterator[None]:
    """The engine with stopwatches in it until the end of the block."""
    places: tuple[tuple[Any, str, str], ...] = (
        (flow, "run", "running"),
        (flow, "begin", "running"),
        (flow, "commit", "running"),
        (Closer, "close_through", "closing"),
        (scanner.Scanner, "evaluate", "rules"),
        (Evaluation, "number", "metrics"),
        (scanner, "fire", "firing"),
        (FireMemory, "select", "firing"),
    )
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for owner, name, stage in places:
        setattr(owner, name, watches.around(stage, getattr(owner, name)))
    try:
        yield
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)


def stage_times(log: Log, plans: dict[str, Plan]) -> dict[str, float]:
    """Microseconds a tick by stage, of the part that counts."""
    watches = Stopwatches()
    with _watched(watches):
        run = engine_run(log, plans, watches.seconds.clear)
    seconds = {**watches.seconds, REST: run.step_s - sum(watches.seconds.values())}
    return {name: 1e6 * spent / run.ticks for name, spent in seconds.items()}


def stage_seconds(stage: str, work: Callable[[], object]) -> float:
    """Processor time that `work` spends in a stage."""
    watches = Stopwatches(time.process_time)
    with _watched(watches):
        work()
    return watches.seconds[stage]
