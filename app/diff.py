"""Compares two sorted streams of alerts or bars: what was added, removed, changed, and which values differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

import msgspec

from app.replay_spill import Kind, Line
from app.replay_time import time_text
from schemas.alert import AlertBody, Leaf
from schemas.bar import TIMEFRAMES, Bar

ADDED: Final = "added"
REMOVED: Final = "removed"
CHANGED: Final = "changed"
_TIMES: Final = ("ts", "start")
Item = TypeVar("Item", Bar, AlertBody)


@dataclass(frozen=True)
class Change:
    """`what` is added, removed or changed, from the first to the second. `fields`: (first, second) by name; of an alert
    its leaves are named by their expressions."""

    what: str
    key: tuple[Any, ...]
    fields: Mapping[str, tuple[Any, Any]]


@dataclass
class Differences(Generic[Item]):
    """Of one kind. `shown`: the first so many of them."""

    kind: Kind[Item]
    most: int
    same: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    shown: list[Change] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether they differ."""
        return bool(self.counts)

    def add(self, change: Change) -> None:
        """Count it and keep it if there is room."""
        self.counts[change.what] += 1
        if len(self.shown) < self.most:
            self.shown.append(change)


def compare(
    kind: Kind[Item],
    first: Iterable[Line[Item]],
    second: Iterable[Line[Item]],
    most: int,
    judged: Callable[[Item], bool] = lambda _: True,
) -> Differences[Item]:
    """Both in the kind's order. What stands in `second` alone and is not to be `judged` is left out. One place may hold
    a line several times over; other lines than the first's make it changed."""
    found: Differences[Item] = Differences(kind, most)
    for key, ours, theirs in _side_by_side(first, second):
        if ours.keys() == theirs.keys():
            found.same += 1
        elif not ours:
            item = next(iter(theirs.values()))
            if judged(item):
                found.add(Change(ADDED, key, _fields(None, item)))
        elif not theirs:
            found.add(Change(REMOVED, key, _fields(next(iter(ours.values())), None)))
        else:
            other = next(item for line, item in theirs.items() if line not in ours)
            found.add(Change(CHANGED, key, _fields(next(iter(ours.values())), other)))
    return found


def _side_by_side(
    first: Iterable[Line[Item]], second: Iterable[Line[Item]]
) -> Iterator[tuple[tuple[Any, ...], dict[bytes, Item], dict[bytes, Item]]]:
    firsts, seconds = _places(first), _places(second)
    a, b = next(firsts, None), next(seconds, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a[0] < b[0]):
            assert a is not None, "one of the two is left"
            yield a[0], a[1], {}
            a = next(firsts, None)
        elif a is None or b[0] < a[0]:
            yield b[0], {}, b[1]
            b = next(seconds, None)
        else:
            yield a[0], a[1], b[1]
            a, b = next(firsts, None), next(seconds, None)


def _places(lines: Iterable[Line[Item]]) -> Iterator[tuple[tuple[Any, ...], dict[bytes, Item]]]:
    for key, some in groupby(lines, key=itemgetter(0)):
        yield key, {line: item for _, line, item in some}


def _fields(first: Item | None, second: Item | None) -> dict[str, tuple[Any, Any]]:
    """What differs by name, null where one has none; the id of an alert follows from the rest."""
    ours: dict[str, Any] = _flat(first)
    theirs: dict[str, Any] = _flat(second)
    names = [name for name in dict.fromkeys([*ours, *theirs]) if ours.get(name) != theirs.get(name)]
    return {name: (ours.get(name), theirs.get(name)) for name in names if name != "id" or len(names) == 1}


def _flat(item: Bar | AlertBody | None) -> dict[str, Any]:
    if item is None:
        return {}
    values = msgspec.structs.asdict(item)
    if isinstance(item, AlertBody):
        values |= msgspec.structs.asdict(values.pop("limits"))
    leaves: list[Leaf] = values.pop("explanation", [])
    for leaf in leaves:
        values[f"{leaf.expression} {leaf.operator}"] = [leaf.value, leaf.bound]
        values |= {f"{leaf.expression} {leaf.operator}, {name} bar": start for name, start in leaf.bars.items()}
    return values


def change_text(kind: Kind[Any], change: Change) -> str:
    """One line for people."""
    place = " ".join(str(part) for part in _named(kind, change.key))
    values = [
        f"{name}: {_value(name, ours)} -> {_value(name, theirs)}"
        if change.what == CHANGED
        else f"{name}: {_value(name, theirs if change.what == ADDED else ours)}"
        for name, (ours, theirs) in change.fields.items()
        if change.what == CHANGED or isinstance(ours or theirs, list)
    ]
    return f"{change.what} {kind.name[:-1]} {place}" + (f": {'; '.join(values)}" if values else "")


def _named(kind: Kind[Any], key: tuple[Any, ...]) -> tuple[Any, ...]:
    if kind.name == "alerts":
        symbol, ts, ordinal, rule = key
        return symbol, time_text(ts), f"row {ordinal}", rule
    symbol, timeframe, start, rev = key
    return symbol, TIMEFRAMES[timeframe], time_text(start), f"rev {rev}"


def _value(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"{value[0]} (bound {value[1]})"
    return time_text(value) if name in _TIMES and value is not None else str(value)
