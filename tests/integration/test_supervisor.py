"""A role that dies is started again, with growing pauses, and a crash loop can be seen from outside."""

import asyncio
import sys
from pathlib import Path

import pytest

from app import roles, supervisor
from app.roles import Role
from app.settings import Settings
from app.supervisor import RoleProcess, Supervisor
from tests.support.metrics import value_of

LIMIT_S = 60.0
DIES = "import os, sys; print(os.environ.get('TAPEWATCH_RESTARTS', '0'), flush=True); sys.exit(3)"


class Dying(RoleProcess):
    """A role that is ready at once and ends soon after."""

    def __init__(self, name: str, folder: Path, program: str = DIES) -> None:
        super().__init__(name, folder)
        self._command = (sys.executable, "-c", program)

    def is_ready(self) -> bool:
        return True


def test_it_is_started_again_with_growing_pauses_and_told_how_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.01)
    told: list[str] = []

    async def check() -> None:
        watching = Supervisor(told.append)
        dying, steady = Dying("scan", tmp_path), Dying("edge", tmp_path, "import time; time.sleep(1000)")
        await watching.start(steady)
        await watching.start(dying)
        async with asyncio.timeout(LIMIT_S):
            while watching.restarts["scan"] < 4:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.05)
        assert watching.restarts["edge"] == 0
        await watching.stop()
        assert not steady.running

    asyncio.run(check())
    assert dying_log(tmp_path)[:4] == ["0", "1", "2", "3"]
    pauses = [float(line.partition("again in ")[2].partition(" s")[0]) for line in told]
    assert pauses[:4] == sorted(set(pauses[:4]))
    assert "scan ended with code 3" in told[0]


def dying_log(folder: Path) -> list[str]:
    return (folder / "scan.log").read_text().split()


def test_a_crash_loop_is_in_readiness_and_in_the_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "setup_logs", lambda *_: None)
    looping = Role("scan", Settings(restarts=3))
    looping.ready = list
    assert looping._reasons() == ["in a crash loop: started again 3 times, each soon after the last"]
    assert value_of("tapewatch_restarts") == 3
    monkeypatch.setattr(roles, "STEADY_S", 0.0)
    assert looping._reasons() == [], "it has run for long enough"
    started_once = Role("scan", Settings(restarts=1))
    started_once.ready = list
    assert started_once._reasons() == []
