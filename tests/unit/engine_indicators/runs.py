"""Bars as wanted, fed as trades: what each indicator says at every row of a partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from unittest import mock

import msgspec
import numpy as np

from engine.firing import Fired, Place
from engine.partition import Partition
from engine.view import View
from infra.calendars import load_calendars
from schemas.bar import Bar
from schemas.batch import F64
from schemas.control import encode_heartbeat, encode_rule_set_switch
from schemas.decode import decode_chunk
from tests.support.engine_runs import RuleSets, chunk_of
from tests.support.markets import MINUTE, SECOND
from tests.support.twin import Record

SYMBOL = "BTC-USD"
START = 1_762_128_000 * SECOND  # 2025-11-03, 00:00 UTC
CORNERS = (1, 15, 30, 45)
PRICES_ONLY, NORMAL = 3, 7


@dataclass(frozen=True)
class Candle:
    """A bar."""

    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class Tape:
    """Bars as columns, as TA-Lib takes them."""

    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64

    def first(self, count: int) -> Tape:
        """The oldest ones."""
        return Tape(*(column[:count] for column in (self.open, self.high, self.low, self.close, self.volume)))


def tape(bars: Sequence[Candle | Bar]) -> Tape:
    """Of bars."""
    names = ("open", "high", "low", "close", "volume")
    return Tape(*(np.array([getattr(bar, name) for bar in bars], np.float64) for name in names))


def trades(candle: Candle, minute: int) -> list[Record]:
    """The four corners of a bar; the first one carries all its volume. `minute` since START."""
    made = []
    for corner, price in enumerate((candle.open, candle.high, candle.low, candle.close)):
        has_volume = corner == 0 and candle.volume > 0
        tick = {
            "symbol": SYMBOL,
            "ts": START + minute * MINUTE + CORNERS[corner] * SECOND,
            "price": price,
            "size": candle.volume if has_volume else 1.0,
            "flags": NORMAL if has_volume else PRICES_ONLY,
        }
        made.append(Record(0, msgspec.json.encode(tick)))
    return made


def log_of(candles: Sequence[Candle], spacing: int = 1) -> list[Record]:
    """A bar every `spacing` minutes, all closed in the end."""
    made = [one for place, candle in enumerate(candles) for one in trades(candle, place * spacing)]
    return [*made, Record(0, encode_heartbeat("a", START + len(candles) * spacing * MINUTE))]


@dataclass
class Seen:
    """`rows`: at each row its time and the value of every metric; `closes`: the newest values for each bar end."""

    rows: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)

    def at(self, t: int) -> dict[str, float]:
        """At the last row of that time."""
        return next(values for time, values in reversed(self.rows) if time == t)

    def closes(self, text: str, timeframe: str, length: int) -> tuple[Tape, F64]:
        """The closed bars of a timeframe of `length` ns, and the metric at the close of each."""
        bars = [bar for bar in self.bars if bar.timeframe == timeframe]
        last = dict(self.rows)
        return tape(bars), np.array([last[bar.start + length - 1][text] for bar in bars])


class Run:
    """A partition whose rules use these metrics, and what was seen of it."""

    def __init__(self, metrics: Sequence[str]) -> None:
        self.sets, self.seen = RuleSets(), Seen()
        key = self.sets.add({text: (f"{text} > 1e+300", 0) for text in metrics})
        self._partition = Partition(0, None, load_calendars())
        self._offset = 0
        self.feed([Record(0, encode_rule_set_switch(key, 1))])

    def feed(self, records: Sequence[Record], cut: int = 10**9) -> Seen:
        """More of the log, `cut` records at a time."""
        for start in range(0, len(records), cut):
            piece = [self._numbered(record) for record in records[start : start + cut]]
            with mock.patch.object(self._partition.scanner, "evaluate", self._watching()):
                batch = decode_chunk(chunk_of(piece), self._partition.symbols)
                result = self._partition.step(batch, self.sets.plans)
            assert not batch.rejected
            assert not result.rejected
            self.seen.bars += result.bars
        return self.seen

    def restart(self) -> None:
        """A new partition, made of a checkpoint of this one."""
        header = self._partition.header
        pieces = [self._partition.export_piece(key) for key in self._partition.all_pieces()]
        self._partition = Partition(0, None, load_calendars())
        for piece in sorted(pieces, key=lambda piece: not piece.key.startswith("live/")):
            self._partition.import_piece(piece)
        self._partition.begin_at(header, self.sets.plans)

    def _numbered(self, record: Record) -> Record:
        self._offset += 1
        return Record(self._offset, record.value, -1)

    def _watching(self) -> Callable[[View, Place], list[Fired]]:
        scanner = self._partition.scanner
        evaluate = scanner.evaluate

        def watched(view: View, at: Place) -> list[Fired]:
            columns = {text: metric.column(view) for text, metric in scanner.metrics.items()}
            for row, t in enumerate(view.row_ts.tolist()):
                self.seen.rows.append((t, {text: float(column[row]) for text, column in columns.items()}))
            return evaluate(view, at)

        return watched
