"""`tapewatch replay diff`: two replays, or a replay and the live run, alert by alert and bar by bar."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from app.diff import Differences, change_text, compare
from app.diff_live import live_results
from app.replay_answer import ReplayError
from app.replay_output import read_manifest
from app.replay_spill import ALERT, BAR, Kind, lines_of, merged
from app.settings import Settings, SettingsError
from schemas.alert import AlertBody
from schemas.bar import Bar

Item = TypeVar("Item", Bar, AlertBody)
Both = tuple[Differences[AlertBody], Differences[Bar]]


def diff(first: Path, second: Path | None, live: bool, most: int, as_json: bool, settings: Settings) -> int:
    """1 where they differ. Raises SettingsError, ReplayError and what reading the live topics raises."""
    if live == (second is not None):
        raise SettingsError("give a second folder, or --live")
    manifest = read_manifest(first)
    if second is not None:
        read_manifest(second)
        found: Both = _compared(ALERT, first, second, most), _compared(BAR, first, second, most)
    else:
        found = diff_live(first, manifest, most, settings.bootstrap)
    _show(found, as_json)
    return int(any(one.any for one in found))


def diff_live(folder: Path, manifest: Mapping[str, Any], most: int, bootstrap: str) -> Both:
    """The replay in `folder` against what the live topics hold over the same offsets."""
    if "topic" not in manifest["input"]:
        raise ReplayError(f"{folder} is the replay of a file, of which there is no live run")
    with tempfile.TemporaryDirectory(prefix="tapewatch-diff-") as runs:
        live = asyncio.run(live_results(bootstrap, manifest, Path(runs)))
        for text in live.forgotten:
            print(f"{text}: what it held before counts as removed")
        alerts = compare(ALERT, lines_of(folder / "alerts.jsonl", ALERT), merged(live.alerts, ALERT), most)
        bars = compare(BAR, lines_of(folder / "bars.jsonl", BAR), merged(live.bars, BAR), most, live.judged)
    return alerts, bars


def _compared(kind: Kind[Item], first: Path, second: Path, most: int) -> Differences[Item]:
    ours, theirs = (lines_of(folder / f"{kind.name}.jsonl", kind) for folder in (first, second))
    try:
        return compare(kind, ours, theirs, most)
    except OSError as error:
        raise ReplayError(str(error)) from error


def _show(found: Both, as_json: bool) -> None:
    if as_json:
        print(json.dumps({one.kind.name: _to_json(one) for one in found}))
        return
    for one in found:
        for change in one.shown:
            print(change_text(one.kind, change))
        print(counted(one))


def counted(one: Differences[Any]) -> str:
    """One line for people."""
    counts = ", ".join(f"{one.counts[what]} {what}" for what in ("added", "removed", "changed"))
    return f"{one.kind.name}: {one.same} the same, {counts}"


def _to_json(one: Differences[Any]) -> Mapping[str, Any]:
    shown = [{"what": c.what, "place": c.key, "fields": c.fields} for c in one.shown]
    return {"same": one.same, **{what: one.counts[what] for what in ("added", "removed", "changed")}, "shown": shown}
