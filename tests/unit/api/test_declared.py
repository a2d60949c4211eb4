"""The lists of metrics and alert types over REST: all of them, each with what a form for rules needs."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

from api import declared
from engine.indicators.catalogue import CATALOGUE
from engine.rules.parser import parse
from engine.rules.templates.catalogue import TEMPLATES


def answer(path: str) -> list[dict[str, Any]]:
    async def ask() -> httpx.Response:
        app = FastAPI()
        app.include_router(declared.router())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as client:
            return await client.get(f"/{path}")

    found = asyncio.run(ask())
    assert (found.status_code, found.headers["content-type"]) == (200, "application/json")
    listed: list[dict[str, Any]] = found.json()[path]
    return listed


def test_every_metric_with_its_parameters() -> None:
    listed = {one["name"]: one for one in answer("metrics")}
    assert listed.keys() == CATALOGUE.keys()
    assert listed["rsi"] == {
        "name": "rsi",
        "parameters": [
            {"name": "n", "wanted": "number of bars, 1 to 200", "default": "14"},
            {"name": "timeframe", "wanted": "timeframe: 1m, 2m, 5m, 10m, 15m, 30m, 1h, 2h, 4h, 1d", "default": "1m"},
        ],
        "unit": "0-100",
        "definition": "Wilder's relative strength index of the close; null where nothing changed at all",
        "first_value": "bar n + 1",
        "moves_with": "forming bar",
        "source": "TA-Lib RSI",
    }
    assert listed["high_52w"]["moves_with"] == "closed bars"


def test_every_alert_type_with_a_condition_that_its_defaults_make_whole() -> None:
    listed = {one["name"]: one for one in answer("templates")}
    assert listed.keys() == TEMPLATES.keys()
    for one in listed.values():
        given = {p["name"]: p["default"] or "vwap" for p in one["parameters"]}
        assert parse(one["condition"].format(**given)).truth, one["name"]
    breakout = listed["opening_range_breakout"]
    assert (breakout["trigger"], breakout["volume_threshold"]) == ("becomes_true", 75_000)
    assert (breakout["calculated_during"], breakout["mirror"]) == ("market", "opening_range_breakdown")
