"""The demo waits for a slow machine as long as anything still arrives."""

import asyncio
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app import demo
from app.settings import Settings

LOOKS = 80


def test_what_still_arrives_is_waited_for_beyond_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "CATCH_UP_LIMIT_S", 2.0)
    monkeypatch.setattr(demo, "LOOK_S", 0.05)
    looks, lags = count(1), list[int]()

    def scan() -> dict[str, int]:
        look = next(looks)
        lags.append(max(0, LOOKS - look))
        return {"ticks": min(look, LOOKS), "lag": lags[-1]}

    roles = {"scan": SimpleNamespace(stats=scan), "sink": SimpleNamespace(stats=dict)}
    stack: Any = SimpleNamespace(roles=roles)
    listener: Any = SimpleNamespace(told={})
    waiting = demo._Demo(demo.DemoOptions(1.0, 1, 1.0, True), Settings(), tmp_path)
    asyncio.run(waiting._caught_up(stack, listener))
    assert lags[-8:] == [0] * 8
