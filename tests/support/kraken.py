"""An exchange's recorded trades and its own bars over them, every number from its text, and its larger bars."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from pathlib import Path

from ingest.heartbeats import NOT_STARTED
from schemas.control import encode_heartbeat
from schemas.tick import TickRecord, encode_tick
from tests.support.twin import Record

SYMBOL = "XBT/USDT"
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
COLUMN_MAP = "ts=time_s,size=volume,id=trade_id"
"""The columns of the recorded trades, for the provider `file`."""


@dataclass(frozen=True)
class ExchangeBar:
    """`start` in UTC ns; `vwap` as the exchange rounds it."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    vwap: Decimal
    volume: Decimal
    trades: int

    @property
    def figures(self) -> tuple[float, float, float, float, float, int]:
        """What must be equal."""
        prices = (float(self.open), float(self.high), float(self.low), float(self.close))
        return (*prices, float(self.volume), self.trades)


def read_ticks(path: Path) -> list[TickRecord]:
    """The recorded trades."""
    with path.open(newline="", encoding="ascii") as lines:
        return [
            TickRecord(
                symbol=SYMBOL, ts=exact_ns(row["time_s"]), price=float(row["price"]), size=float(row["volume"]),
                id=row["trade_id"],
            )
            for row in csv.DictReader(lines)
        ]  # fmt: skip


def exact_ns(seconds: str) -> int:
    """Seconds with up to nine decimals; ValueError where that loses anything."""
    ns = Decimal(seconds) * SECOND_NS
    if ns != int(ns):
        raise ValueError(f"{seconds} is no whole number of ns")
    return int(ns)


def read_bars(path: Path) -> dict[int, ExchangeBar]:
    """The exchange's minutes with trades, by start in ns."""
    with path.open(newline="", encoding="ascii") as lines:
        made = [
            ExchangeBar(
                int(row["start_s"]) * SECOND_NS,
                Decimal(row["open"]),
                Decimal(row["high"]),
                Decimal(row["low"]),
                Decimal(row["close"]),
                Decimal(row["vwap"]),
                Decimal(row["volume"]),
                int(row["trades"]),
            )
            for row in csv.DictReader(lines)
        ]
    return {bar.start: bar for bar in made if bar.trades}


def rolled_up(minutes: Iterable[ExchangeBar], length_ns: int) -> dict[int, ExchangeBar]:
    """Larger bars from those inside them, by start."""
    inside: defaultdict[int, list[ExchangeBar]] = defaultdict(list)
    for bar in sorted(minutes, key=lambda one: one.start):
        inside[bar.start // length_ns * length_ns].append(bar)
    return {start: _together(start, bars) for start, bars in inside.items()}


def _together(start: int, bars: Sequence[ExchangeBar]) -> ExchangeBar:
    volume = sum((bar.volume for bar in bars), Decimal(0))
    return ExchangeBar(
        start,
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum((bar.vwap * bar.volume for bar in bars), Decimal(0)) / volume,
        volume,
        sum(bar.trades for bar in bars),
    )


def log_of(ticks: Sequence[TickRecord], first: Sequence[bytes] = (), source: str = "kraken") -> list[Record]:
    """The ticks after the records `first`, with a heartbeat before each new second and one long after the last."""
    values, second = list(first), NOT_STARTED
    for tick in ticks:
        if tick.ts // SECOND_NS > second:
            second = tick.ts // SECOND_NS
            values.append(encode_heartbeat(source, second * SECOND_NS))
        values.append(encode_tick(tick))
    last = encode_heartbeat(source, (second + 7200) * SECOND_NS)
    return [Record(offset, value) for offset, value in enumerate(chain(values, [last]))]
