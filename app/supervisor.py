"""Roles as child processes: started in order, started again with growing pauses when they die, stopped in order."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.settings import environment_of
from infra.embedded.ports import LOOPBACK, free_ports
from infra.embedded.process import STORE_NICENESS, ServerProcess, ServerStartError

logger = logging.getLogger(__name__)

ASK_LIMIT_S: Final = 2.0
LOOK_S: Final = 0.2
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
STEADY_S: Final = 30.0
"""A role that ran this long begins with the shortest pause again."""


class RoleProcess(ServerProcess):
    """`tapewatch ROLE` in a process of its own. Its figures are asked for over its operators' port."""

    def __init__(self, role: str, folder: Path, **settings: object) -> None:
        """`settings` besides those of this process's environment."""
        self.ops_port = free_ports(1)[0]
        environment = environment_of(ops_port=self.ops_port, **settings)
        command = (sys.executable, "-m", "app.cli", role)
        niceness = STORE_NICENESS if role == "sink" else 0
        super().__init__(role, command, folder / f"{role}.log", (self.ops_port,), environment, niceness)

    def was_restarted(self, times: int) -> None:
        """What it is told at its next start: how often it was started again, each time soon after the last."""
        self._environment |= environment_of(restarts=times)

    def is_ready(self) -> bool:
        """Whether /ready says so."""
        return self._ask("/ready") is not None

    def stats(self) -> dict[str, Any]:
        """Its figures, empty while it does not answer."""
        answer = self._ask("/stats")
        return {} if answer is None else dict(json.loads(answer))

    def _ask(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.ops_port}{path}", timeout=ASK_LIMIT_S) as answer:
                return bytes(answer.read())
        except (OSError, urllib.error.URLError, ValueError):
            return None


@dataclass
class _Watched:
    process: RoleProcess
    restarts: int = 0
    in_a_row: int = 0
    pause_s: float = FIRST_PAUSE_S
    started_at: float = field(default_factory=time.monotonic)
    starting: asyncio.Task[None] | None = None


class Supervisor:
    """Keeps roles running until `stop`. `finished` names roles that may end by themselves, with code 0."""

    def __init__(self, tell: Callable[[str], object], finished: frozenset[str] = frozenset({"ingest"})) -> None:
        """`tell` is given a line when a role dies."""
        self._tell, self._may_finish = tell, finished
        self._watched: list[_Watched] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def restarts(self) -> dict[str, int]:
        """How often each role had to be started again."""
        return {watched.process.name: watched.restarts for watched in self._watched}

    async def start(self, process: RoleProcess) -> None:
        """Start a role, wait until it is ready, and keep it running. Raises ServerStartError."""
        await asyncio.to_thread(process.start)
        self._watched.append(_Watched(process))
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="supervisor")

    async def stop(self) -> None:
        """Stop the roles, the first started last."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for watched in reversed(self._watched):
            if watched.starting is not None:
                watched.starting.cancel()
                await asyncio.gather(watched.starting, return_exceptions=True)
            await asyncio.to_thread(watched.process.stop)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for watched in self._watched:
                busy = watched.starting is not None and not watched.starting.done()
                if not busy and not watched.process.running and not self.has_finished(watched.process):
                    watched.starting = asyncio.create_task(self._start_again(watched))

    def has_finished(self, process: RoleProcess) -> bool:
        """Whether it has done all it had to do."""
        return not process.running and process.name in self._may_finish and process.exit_code == 0

    async def _start_again(self, watched: _Watched) -> None:
        process = watched.process
        if time.monotonic() - watched.started_at > STEADY_S:
            watched.pause_s, watched.in_a_row = FIRST_PAUSE_S, 0
        ended = f"{process.name} ended with code {process.exit_code}; again in {watched.pause_s:g} s."
        self._tell(f"{ended} {last_line(process.log)}")
        await asyncio.sleep(watched.pause_s)
        watched.pause_s = min(2 * watched.pause_s, LONGEST_PAUSE_S)
        watched.restarts, watched.in_a_row = watched.restarts + 1, watched.in_a_row + 1
        process.was_restarted(watched.in_a_row)
        watched.started_at = time.monotonic()
        try:
            await asyncio.to_thread(process.start)
        except ServerStartError as error:
            logger.warning("%s", error)
        except asyncio.CancelledError:
            await asyncio.to_thread(process.kill)  # which ends the wait for it as well
            raise


def last_line(log: Path) -> str:
    """What a process said last."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return f"Its log ends: {lines[-1][:500]}" if lines else "It has said nothing"
