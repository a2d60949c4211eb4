"""What is remembered of a day and of the sessions around it, and what a row is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tests.support.twin.bars import HIGH_LOW, VOLUME, Figures, Sums, Trade
from tests.support.twin.sessions import Moment


@dataclass
class Day:
    """The symbol's day."""

    date: date | None = None
    start: int = 0
    end: int = 0
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    close_ts: int = -1
    by_opening: bool = False
    by_closing: bool = False
    bar_open: bool = False
    sums: Sums = field(default_factory=Sums)
    value: Decimal = Decimal(0)


@dataclass
class Extended:
    """A pre or post session that traded."""

    date: date | None = None
    high: float | None = None
    low: float | None = None
    size: Decimal = Decimal(0)

    def add(self, trade: Trade) -> None:
        """One trade inside."""
        if trade.can(HIGH_LOW):
            self.high = trade.price if self.high is None else max(self.high, trade.price)
            self.low = trade.price if self.low is None else min(self.low, trade.price)
        if trade.can(VOLUME):
            self.size += Decimal(repr(trade.size))


@dataclass
class Row:
    """A row: its time and place, and where it stands in sessions. `trade`: None at a bar close. `running`: bars that
    run at it, as far as somebody has asked."""

    t: int
    ordinal: int
    at: Moment
    trade: Trade | None
    closing: str | None = None
    running: dict[str, Figures | None] = field(default_factory=dict)
