"""What a long replay gives: sorted runs on disk, merged in digest order, so that memory stays bounded."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import msgspec

from schemas.alert import AlertBody, body_order, encode_body
from schemas.bar import Bar, bar_order, decode_bar, encode_bar
from schemas.metrics import MetricLine, decode_line, encode_line, line_order

MOST_IN_MEMORY: Final = 100_000
MOST_OPEN: Final = 128
"""Runs that are merged at a time: each is an open file."""

Item = TypeVar("Item")
Line = tuple[tuple[Any, ...], bytes, Item]


@dataclass(frozen=True)
class Kind(Generic[Item]):
    """How items of a kind are ordered and written, one a line."""

    name: str
    order: Callable[[Item], tuple[Any, ...]]
    encode: Callable[[Item], bytes]
    decode: Callable[[bytes], Item]


BAR: Final = Kind[Bar]("bars", bar_order, encode_bar, decode_bar)
METRIC: Final = Kind[MetricLine]("metrics", line_order, encode_line, decode_line)
ALERT: Final = Kind[AlertBody]("alerts", body_order, encode_body, msgspec.json.Decoder(AlertBody).decode)


class Spill(Generic[Item]):
    """Takes items in any order; `close` gives the files of sorted lines that hold them."""

    def __init__(self, folder: Path, prefix: str, kind: Kind[Item], most: int = MOST_IN_MEMORY) -> None:
        """Files are called PREFIX-KIND-NUMBER below `folder`. `most` items are held in memory."""
        self._folder, self._prefix, self._kind, self._most = folder, prefix, kind, most
        self._items: list[Item] = []
        self._runs: list[Path] = []

    def add(self, items: Iterable[Item]) -> None:
        """Keep these."""
        self._items += items
        if len(self._items) >= self._most:
            self._write()

    def close(self) -> list[Path]:
        """Write what is left; all runs."""
        if self._items:
            self._write()
        return self._runs

    def _write(self) -> None:
        self._items.sort(key=self._kind.order)
        path = self._folder / f"{self._prefix}-{self._kind.name}-{len(self._runs)}"
        write_lines(path, map(self._kind.encode, self._items))
        self._runs.append(path)
        self._items = []


class Spills:
    """All results of one partition."""

    def __init__(self, folder: Path, prefix: str, most: int = MOST_IN_MEMORY) -> None:
        """See `Spill`."""
        self.bars = Spill(folder, prefix, BAR, most)
        self.alerts = Spill(folder, prefix, ALERT, most)
        self.metrics = Spill(folder, prefix, METRIC, most)

    def take(self, bars: list[Bar], alerts: list[AlertBody], metrics: list[MetricLine]) -> None:
        """Keep them."""
        self.bars.add(bars)
        self.alerts.add(alerts)
        self.metrics.add(metrics)


def merged(runs: Sequence[Path], kind: Kind[Item], most_open: int = MOST_OPEN) -> Iterator[Line[Item]]:
    """(order, line, item) of all runs, in order. Where there are very many, some are merged into larger ones first."""
    going = list(runs)
    while len(going) > most_open:
        some, going = going[:most_open], going[most_open:]
        joined = some[0].with_name(f"{some[0].name}+")
        write_lines(joined, (line for _, line, _ in _merge(some, kind)))
        for path in some:
            path.unlink()
        going.append(joined)
    return _merge(going, kind)


def lines_of(path: Path, kind: Kind[Item]) -> Iterator[Line[Item]]:
    """(order, line, item) of a file of lines."""
    with path.open("rb") as file:
        for text in file:
            line = text.rstrip(b"\n")
            item = kind.decode(line)
            yield kind.order(item), line, item


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Each with a newline behind it."""
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)


def _merge(runs: Sequence[Path], kind: Kind[Item]) -> Iterator[Line[Item]]:
    return heapq.merge(*(lines_of(path, kind) for path in runs), key=itemgetter(0))
