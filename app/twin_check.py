"""Recomputes some symbols of a run with the slow second engine of the tests, where the source tree is at hand."""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.replay_answer import Answer
from infra.kafka.reader import Reader
from infra.kafka.rules import RuleLog
from schemas.alert import AlertBody, body_order, encode_body
from schemas.bar import Bar, bar_order, encode_bar
from schemas.control import RuleSetSwitch
from schemas.partitioning import partition_of
from schemas.topics import TICKS

SOURCE_TREE: Final = Path(__file__).resolve().parent.parent
TWIN: Final = "tests.support.twin"
CONTROL: Final = (b'"hb"', b'"end"', b'"ruleset"')

Tell = Callable[[str], object]


async def verify_symbols(bootstrap: str, answer: Answer, most: int, tell: Tell) -> tuple[int, list[str]]:
    """How many symbols were recomputed, and what differs. 0 where the program was installed without its tests."""
    twin = _twin()
    if twin is None:
        tell("no symbol is recomputed: the tests are not installed with the program")
        return 0, []
    names = sample(answer, most)
    tell(f"recomputing {len(names)} symbols with a second, slow engine: {', '.join(names)}")
    logs = await _logs(twin, bootstrap, names)
    found = await asyncio.to_thread(_in_processes, logs)
    return len(names), [
        text for log, told in zip(logs, found, strict=True) for text in compare(log.name, answer, *told)
    ]


def sample(answer: Answer, most: int) -> list[str]:
    """Symbols to look at: half of them those with the most alerts, the others spread over the alphabet."""
    busy = [name for name, _ in Counter(body.symbol for body in answer.alerts).most_common(most // 2)]
    others = sorted({bar.symbol for bar in answer.bars} - set(busy))
    return sorted([*busy, *others[:: max(1, -(-len(others) // max(1, most - len(busy))))]])


def compare(name: str, answer: Answer, bars: Iterable[Bar], alerts: Iterable[AlertBody]) -> list[str]:
    """What the twin has otherwise, a line each."""
    differences = []
    own_bars = [encode_bar(b) for b in sorted((b for b in answer.bars if b.symbol == name), key=bar_order)]
    own_alerts = [encode_body(a) for a in sorted((a for a in answer.alerts if a.symbol == name), key=body_order)]
    twin_bars = [encode_bar(bar) for bar in sorted(bars, key=bar_order)]
    twin_alerts = [encode_body(body) for body in sorted(alerts, key=body_order)]
    for what, own, other in (("bars", own_bars, twin_bars), ("alerts", own_alerts, twin_alerts)):
        if own != other:
            first = next((pair for pair in zip(own, other, strict=False) if pair[0] != pair[1]), (b"", b""))
            text = f"{name}: the second engine gives other {what} ({len(own)} and {len(other)})"
            differences.append(f"{text}, first {first[0].decode()} and {first[1].decode()}")
    return differences


def _twin() -> Any:
    if (SOURCE_TREE / TWIN.replace(".", "/")).is_dir() and str(SOURCE_TREE) not in sys.path:
        sys.path.append(str(SOURCE_TREE))
    try:
        return importlib.import_module(TWIN)
    except ImportError:
        return None


@dataclass
class _Log:
    """What of a partition's log can concern one symbol: offset, value and append time of records, and rule sets."""

    name: str
    partition: int
    partitions: int
    records: list[tuple[int, bytes, int]] = field(default_factory=list)
    rule_sets: dict[str, Any] = field(default_factory=dict)


async def _logs(twin: Any, bootstrap: str, names: list[str]) -> list[_Log]:
    rules, made = RuleLog(bootstrap), list[_Log]()
    async with Reader(bootstrap, TICKS.name) as reader:
        ranges = await reader.ranges()
        for whole in ranges:
            here = [name for name in names if partition_of(name, len(ranges)) == whole.partition]
            logs = [_Log(name, whole.partition, len(ranges)) for name in here]
            made += logs
            wanted = re.compile(b"|".join(map(re.escape, [*(name.encode() for name in here), *CONTROL])))
            rule_sets: dict[str, Any] = {}
            async for records in reader.read(whole):
                kept = [one for one in records if wanted.search(one.value or b"")] if here else []
                await _load(twin, kept, rule_sets, rules)
                for log in logs:
                    log.records += _of(log.name.encode(), kept)
                    log.rule_sets = rule_sets
    return made


def _of(name: bytes, records: Iterable[Any]) -> list[tuple[int, bytes, int]]:
    return [
        (one.offset, one.value, one.timestamp * 1_000_000)
        for one in records
        if name in one.value or any(part in one.value for part in CONTROL)
    ]


async def _load(twin: Any, records: list[Any], rule_sets: dict[str, Any], log: RuleLog) -> None:
    for record in records:
        if b'"ruleset"' in record.value:
            for _, given in twin.read(record.value, bool):
                if isinstance(given, RuleSetSwitch) and given.rule_set_hash not in rule_sets:
                    rule_sets[given.rule_set_hash] = await log.load(given.rule_set_hash)


def _in_processes(logs: list[_Log]) -> list[tuple[list[Bar], list[AlertBody]]]:
    """Bars and alerts of each; the longest begin first, so that none is left alone at the end."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max(1, min(len(logs), os.cpu_count() or 1)), context) as pool:
        longest = sorted(range(len(logs)), key=lambda number: -len(logs[number].records))
        futures = {number: pool.submit(_recompute, logs[number]) for number in longest}
        return [futures[number].result() for number in range(len(logs))]


def _recompute(log: _Log) -> tuple[list[Bar], list[AlertBody]]:
    """In a process of its own: the twin after the symbol's log."""
    twin = _twin()
    rule_sets = {name: twin.rules_of(*loaded) for name, loaded in log.rule_sets.items()}
    found = twin.Twin(rule_sets, [log.name], lambda symbol: partition_of(symbol, log.partitions) == log.partition)
    for record in log.records:
        found.take(twin.Record(*record))
    return found.bars, found.alerts
