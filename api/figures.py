"""The newest figures of each symbol, running and at closes, rendered once for all who ask. Clients are brought up to
date from here, however long they were behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import isnan
from typing import Final

import msgspec

from api.messages import push_metrics
from engine.rules.parser import parse
from engine.rules.tree import smallest_timeframe
from schemas.live import LiveFigures, LiveMetrics
from schemas.metrics import MetricValues
from schemas.rule import RuleError

SYMBOLS_PER_FRAME: Final = 50
NOTHING: Final = LiveMetrics("", 0, [])
_ENCODER: Final = msgspec.json.Encoder()


class Close(msgspec.Struct, frozen=True):
    """What a figure was at the close of the newest bar; `start` of the bar in UTC ns."""

    value: float | None
    start: int


class Figure(msgspec.Struct, frozen=True):
    """A figure as it is told. `value`: the newest, running or at a close, `ts`: event time of the row it is of, UTC ns.
    `unit` null: a plain number. `closed` null: no close is known yet."""

    name: str
    value: float | None
    unit: str | None
    ts: int
    timeframe: str
    closed: Close | None


@dataclass
class _Symbol:
    """`running`: the newest figures with their names; `closes`: by timeframe the records of its newest bar. Both as
    they came: thousands come in a second, and few are asked for."""

    running: tuple[Sequence[str], LiveMetrics] | None = None
    closes: dict[str, list[MetricValues]] = field(default_factory=dict)
    text: str | None = None
    changed_in: int = 0

    def put_close(self, record: MetricValues) -> bool:
        """Take it in; False for one of an older bar."""
        known = self.closes.get(record.timeframe, [])
        if known and known[0].start > record.start:
            return False
        others = [one for one in known if one.start == record.start and one.names != record.names]
        self.closes[record.timeframe] = [*others, record]
        return True

    def figures(self) -> list[Figure]:
        """In order of name."""
        found: dict[str, Figure] = {}
        for record in (one for records in self.closes.values() for one in records):
            for name, value in zip(record.names, record.values, strict=True):
                about, known = _about(name), _or_none(value)
                close = Close(known, record.start)
                found[name] = Figure(name, known, about.unit, record.ts, record.timeframe, close)
        names, running = self.running or ((), NOTHING)
        for name, value in zip(names, running.values, strict=False):
            about, at_close = _about(name), found.get(name)
            if at_close is None or at_close.ts <= running.ts:
                closed = None if at_close is None else at_close.closed
                found[name] = Figure(name, _or_none(value), about.unit, running.ts, about.timeframe, closed)
        return sorted(found.values(), key=lambda one: one.name)


class Figures:
    """Figures with the version in which they changed last. A version is one tick of the edge's clock."""

    def __init__(self) -> None:
        self._symbols: dict[str, _Symbol] = {}
        self._changed: set[str] = set()
        self.version = 0

    def __len__(self) -> int:
        return len(self._symbols)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._symbols

    def put_closes(self, records: Iterable[MetricValues]) -> None:
        """Take in records of closes in the order of the log; they are told with the next version."""
        for record in records:
            if self._of(record.symbol).put_close(record):
                self._touch(record.symbol)

    def put_running(self, figures: LiveFigures) -> None:
        """Take in running figures. What a symbol's names do not hold any more is no figure of a rule any more."""
        for one in figures.metrics:
            self._of(one.symbol).running = (figures.names, one)
            self._touch(one.symbol)

    def tick(self) -> bool:
        """Begin a new version, if anything changed."""
        if not self._changed:
            return False
        self.version += 1
        for symbol in self._changed:
            self._symbols[symbol].changed_in = self.version
        self._changed = set()
        return True

    def frames_since(self, version: int, symbols: Iterable[str]) -> list[str]:
        """What a client that knows `version` has missed of these symbols."""
        known = ((name, self._symbols.get(name)) for name in sorted(symbols))
        texts = [self.text(name) for name, found in known if found is not None and found.changed_in > version]
        return [push_metrics(texts[at : at + SYMBOLS_PER_FRAME]) for at in range(0, len(texts), SYMBOLS_PER_FRAME)]

    def text(self, symbol: str) -> str:
        """The newest figures of a symbol, as JSON; none are known: an empty list."""
        found = self._symbols.get(symbol) or _Symbol()
        if found.text is None:
            found.text = _ENCODER.encode({"symbol": symbol, "metrics": found.figures()}).decode()
        return found.text

    def _of(self, symbol: str) -> _Symbol:
        found = self._symbols.get(symbol)
        if found is None:
            found = self._symbols[symbol] = _Symbol()
        return found

    def _touch(self, symbol: str) -> None:
        self._symbols[symbol].text = None
        self._changed.add(symbol)


@dataclass(frozen=True)
class _About:
    unit: str | None = None
    timeframe: str = ""


@lru_cache(maxsize=4_096)
def _about(name: str) -> _About:
    """Unit and timeframe of a figure; none of a name that this version does not know."""
    try:
        node = parse(name)
    except RuleError:
        return _About()
    return _About(None if node.unit is None else node.unit.value, smallest_timeframe(node).name)


def _or_none(value: float | None) -> float | None:
    return None if value is None or isnan(value) else value
