"""Recomputes some symbols of a run with the slow second engine of the tests, where the source tree is at hand."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from app.replay import Answer
from infra.kafka.reader import Range, Reader
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
    async with Reader(bootstrap, TICKS.name) as reader:
        ranges = await reader.ranges()
        told = [await _partition(twin, reader, one, len(ranges), names, RuleLog(bootstrap)) for one in ranges]
    differences = []
    for name in names:
        bars = [bar for found in told for bar in found.bars if bar.symbol == name]
        alerts = [body for found in told for body in found.alerts if body.symbol == name]
        differences += compare(name, answer, bars, alerts)
    return len(names), differences


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


async def _partition(twin: Any, reader: Reader, whole: Range, partitions: int, names: list[str], log: RuleLog) -> Any:
    """The twin after a partition's log, of which only what can concern `names` is looked at."""
    wanted = re.compile(b"|".join(map(re.escape, [*(name.encode() for name in names), *CONTROL])))
    rule_sets: dict[str, Any] = {}
    found = twin.Twin(rule_sets, names, lambda symbol: partition_of(symbol, partitions) == whole.partition)
    async for records in reader.read(whole):
        kept = [
            twin.Record(record.offset, record.value, record.timestamp * 1_000_000)
            for record in records
            if wanted.search(record.value or b"")
        ]
        await _load(twin, kept, rule_sets, log)
        await asyncio.to_thread(_take, found, kept)
    return found


async def _load(twin: Any, records: list[Any], rule_sets: dict[str, Any], log: RuleLog) -> None:
    for record in records:
        if b'"ruleset"' in record.value:
            for _, given in twin.read(record.value, bool):
                if isinstance(given, RuleSetSwitch) and given.rule_set_hash not in rule_sets:
                    rule_sets[given.rule_set_hash] = twin.rules_of(*await log.load(given.rule_set_hash))


def _take(found: Any, records: Iterable[Any]) -> None:
    for record in records:
        found.take(record)
