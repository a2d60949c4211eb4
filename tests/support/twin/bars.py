"""Bars as plain records: what a trade does to one, and what a bar says when it is published."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from schemas.bar import Bar

LAST, HIGH_LOW, VOLUME, OPENING, CLOSING = 1, 2, 4, 8, 16
LENGTHS = {"1m": 1, "2m": 2, "5m": 5, "10m": 10, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240}


@dataclass
class Trade:
    """A trade that is well-formed. `flags`: LAST implies HIGH_LOW. `key`: the 16 bytes of exchange and id."""

    ts: int
    price: float
    size: float
    flags: int
    key: bytes | None
    offset: int
    index: int

    def can(self, flag: int) -> bool:
        """Whether it may."""
        return bool(self.flags & flag) or (flag == HIGH_LOW and bool(self.flags & LAST))


@dataclass
class Sums:
    """Exact sums."""

    size: Decimal = Decimal(0)
    last_size: Decimal = Decimal(0)
    notional: Decimal = Decimal(0)
    trades: int = 0

    def add(self, trade: Trade) -> None:
        """Take in a trade that may add volume."""
        if trade.can(VOLUME):
            size = Decimal(repr(trade.size))
            self.size += size
            self.trades += 1
            if trade.can(LAST):
                self.last_size += size
                self.notional += size * Decimal(repr(trade.price))

    def merge(self, other: Sums) -> None:
        """Add another's."""
        self.size += other.size
        self.last_size += other.last_size
        self.notional += other.notional
        self.trades += other.trades

    def vwap(self, price_scale: int, size_scale: int) -> float | None:
        """As section 4 has it: units to doubles, one division, then the scale."""
        if not self.last_size:
            return None
        notional = int(self.notional.scaleb(price_scale + size_scale))
        return float(notional) / float(int(self.last_size.scaleb(size_scale))) / 10.0**price_scale


def volume_of(size: Decimal, size_scale: int) -> float:
    """A sum of sizes as a number."""
    return float(int(size.scaleb(size_scale))) / 10.0**size_scale


@dataclass
class Build:
    """A bar in the making, or just closed. Times in ns; open None: it is not present."""

    start: int
    end: int
    session: str
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    open_ts: int = 2**63
    close_ts: int = -1
    sums: Sums = field(default_factory=Sums)
    rev: int = 0

    def trade(self, trade: Trade) -> None:
        """One trade of its minute."""
        if trade.can(LAST):
            if trade.ts < self.open_ts:
                self.open, self.open_ts = trade.price, trade.ts
            if trade.ts >= self.close_ts:
                self.close, self.close_ts = trade.price, trade.ts
        if trade.can(HIGH_LOW):
            self.high = trade.price if self.high is None else max(self.high, trade.price)
            self.low = trade.price if self.low is None else min(self.low, trade.price)
        self.sums.add(trade)

    def copy(self) -> Build:
        """Apart from this one."""
        return replace(self, sums=replace(self.sums))


@dataclass(frozen=True)
class Figures:
    """What is remembered of a closed bar, or known of a running one."""

    start: int
    end: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trades: float


def figures(build: Build, size_scale: int) -> Figures:
    """The figures of a bar that is present."""
    assert build.open is not None
    assert build.high is not None
    assert build.low is not None
    assert build.close is not None
    return Figures(
        build.start,
        build.end,
        build.open,
        build.high,
        build.low,
        build.close,
        volume_of(build.sums.size, size_scale),
        float(build.sums.trades),
    )


def joined(roll: Build | None, minute: Build, start: int, end: int) -> Build:
    """A roll-up with one more 1m bar, its newest; where there is none, of that bar alone."""
    if roll is None:
        return replace(minute.copy(), start=start, end=end, rev=0)
    made = roll.copy()
    join(made, minute)
    made.sums.merge(minute.sums)
    return made


def join(roll: Build, minute: Build) -> None:
    """Prices of a roll-up with its newest 1m bar."""
    assert roll.high is not None
    assert minute.high is not None
    assert roll.low is not None
    assert minute.low is not None
    roll.high, roll.low = max(roll.high, minute.high), min(roll.low, minute.low)
    roll.close, roll.close_ts = minute.close, minute.close_ts


def published(symbol: str, timeframe: str, build: Build, price_scale: int, size_scale: int) -> Bar:
    """The bar as it goes out."""
    known = figures(build, size_scale)
    return Bar(
        symbol,
        timeframe,
        build.start,
        known.open,
        known.high,
        known.low,
        known.close,
        known.volume,
        build.sums.vwap(price_scale, size_scale),
        build.sums.trades,
        build.session,
        build.rev,
    )
