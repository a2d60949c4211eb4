"""Holds a live run against its own log: an offline replay of the ticks says what should have been told, and to whom."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.diff_command import Both, diff_live
from app.replay_answer import Answer, Counts
from app.replay_command import make_folder
from app.replay_output import ALERTS as ALERT_LINES
from app.replay_output import BARS as BAR_LINES
from app.replay_output import read_manifest
from app.replay_request import Request
from app.replay_spill import ALERT, BAR, lines_of
from infra.clickhouse import ClickHouse, ClickHouseConfig
from infra.kafka.reader import Reader
from schemas.alert import body_bytes, decode_alert, encode_body
from schemas.bar import decode_bar, encode_bar
from schemas.topics import ALERTS, BARS, TICKS, TICKS_DEAD

MOST_SHOWN: Final = 5
_ALERTS_TOLD: Final = "SELECT id, count() FROM alerts FINAL GROUP BY id"
_BARS_TOLD: Final = "SELECT count() FROM bars FINAL"


@dataclass
class Found:
    """What a run has told. Alerts by id: of the topic their bodies, of ClickHouse how often its view has them."""

    alerts_topic: dict[str, bytes] = field(default_factory=dict)
    alerts_clickhouse: dict[str, int] = field(default_factory=dict)
    bars_topic: dict[tuple[str, str, int, int], bytes] = field(default_factory=dict)
    bars_clickhouse: int = 0
    dead_letters: int = 0
    ends: dict[int, int] = field(default_factory=dict)


@dataclass
class Verdict:
    """`lost`, `duplicates`: see the command's help. `differences`: lines for people; none if all is well."""

    lost: int = 0
    duplicates: int = 0
    differences: list[str] = field(default_factory=list)


async def collect(bootstrap: str, history: ClickHouseConfig) -> Found:
    """Read what was told."""
    found = Found()
    for record in await _records(bootstrap, ALERTS.name):
        found.alerts_topic[decode_alert(record.value).body.id] = body_bytes(record.value)
    for record in await _records(bootstrap, BARS.name):
        bar = decode_bar(record.value)
        found.bars_topic[bar.symbol, bar.timeframe, bar.start, bar.rev] = record.value
    found.dead_letters = len(await _records(bootstrap, TICKS_DEAD.name))
    async with Reader(bootstrap, TICKS.name) as reader:
        found.ends = {one.partition: one.end for one in await reader.ranges()}
    database = ClickHouse(history)
    try:
        rows = await database.run(lambda client: _query(client, _ALERTS_TOLD))
        found.alerts_clickhouse = {str(name): int(count) for name, count in rows}
        found.bars_clickhouse = int((await database.run(lambda client: _query(client, _BARS_TOLD)))[0][0])
    finally:
        await database.close()
    return found


async def _query(client: Any, statement: str) -> Any:
    return (await client.query(statement)).result_rows


async def _records(bootstrap: str, topic: str) -> list[Any]:
    async with Reader(bootstrap, topic) as reader:
        return [record for whole in await reader.ranges() async for batch in reader.read(whole) for record in batch]


async def expected(bootstrap: str, folder: Path) -> Answer:
    """What the ticks in the log give: a replay, which stays in `folder`."""
    manifest = await make_folder(Request(topic=TICKS.name), folder, bootstrap)
    bars = [bar for _, _, bar in lines_of(folder / BAR_LINES, BAR)]
    alerts = [body for _, _, body in lines_of(folder / ALERT_LINES, ALERT)]
    return Answer(bars, alerts, counts=Counts(ticks=manifest["counts"]["ticks"]))


async def diff_with_live(bootstrap: str, folder: Path) -> Both:
    """What `tapewatch replay diff FOLDER --live` finds."""
    return await asyncio.to_thread(diff_live, folder, read_manifest(folder), MOST_SHOWN, bootstrap)


def judge(answer: Answer, found: Found, socket: Mapping[str, int], unprocessed: int) -> Verdict:
    """Compare. `socket`: how often a client was told each alert; `unprocessed`: ticks that no worker has taken in."""
    verdict = Verdict(lost=unprocessed)
    bodies = {body.id: encode_body(body) for body in answer.alerts}
    for where, ids in (
        ("the topic", found.alerts_topic.keys()),
        ("ClickHouse", found.alerts_clickhouse.keys()),
        ("the socket", socket.keys()),
    ):
        missing, unknown = bodies.keys() - ids, ids - bodies.keys()
        verdict.lost += len(missing)
        _note(verdict, missing, f"alerts are missing in {where}")
        _note(verdict, unknown, f"alerts in {where} are not what the log gives")
    changed = {name for name, body in found.alerts_topic.items() if bodies.get(name, body) != body}
    _note(verdict, changed, "alerts in the topic say something else than the replay")
    bars = {(b.symbol, b.timeframe, b.start, b.rev): encode_bar(b) for b in answer.bars}
    _note(verdict, {str(k) for k in bars.keys() ^ found.bars_topic.keys()}, "bars are in the topic or the replay alone")
    _note(verdict, {str(k) for k, b in bars.items() if found.bars_topic.get(k, b) != b}, "bars differ")
    newest = len({key[:3] for key in bars})
    if found.bars_clickhouse != newest:
        verdict.differences.append(f"ClickHouse has {found.bars_clickhouse} bars, not {newest}")
    twice = Counter({name: count - 1 for name, count in found.alerts_clickhouse.items()})
    twice.update({name: count - 1 for name, count in socket.items()})
    verdict.duplicates = sum(twice.values())
    return verdict


def _note(verdict: Verdict, names: set[str], what: str) -> None:
    if names:
        verdict.differences.append(f"{len(names)} {what}, such as {', '.join(sorted(names)[:MOST_SHOWN])}")
