"""Consolidated prints and minute bars as the Lean project publishes them: their sale-condition bits in our terms."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from ingest.conditions import eligibility
from schemas.tick import Eligibility, TickRecord

NEW_YORK = ZoneInfo("America/New_York")
MS_NS = 1_000_000
PRICE_UNITS = 10_000
OPEN_MS, CLOSE_MS = 34_200_000, 57_600_000

# Bit i of a print as the letter of the consolidated tape; "T" is unrestricted outside of the regular session.
LETTERS = {
    0x1: "@",
    0x20: "F",
    0x40: "O",
    0x80: "6",
    0x100: "5",
    0x200: "4",
    0x400: "T",
    0x800: "L",
    0x2000: "T",
    0x4000: "Z",
    0x40000: "V",
    0x100000: "W",
    0x200000: "X",
    0x1000000: "M",
    0x4000000: "Q",
    0x20000000: "E",
}
UNLISTED = "?"


@dataclass(frozen=True)
class Print:
    """`ms`: since midnight in New York; `price` as a decimal number; `bits`: its sale conditions."""

    ms: int
    price: float
    size: int
    exchange: str
    bits: int

    @property
    def session(self) -> str:
        """Of a full trading day."""
        return "pre" if self.ms < OPEN_MS else "regular" if self.ms < CLOSE_MS else "post"


@dataclass(frozen=True)
class VendorBar:
    """One minute; prices as decimal numbers."""

    ms: int
    open: float
    high: float
    low: float
    close: float
    volume: int


def read_prints(path: Path) -> list[Print]:
    """A day of prints in the order of the tape."""
    return [
        Print(int(ms), int(price) / PRICE_UNITS, int(size), exchange, int(bits, 16))
        for ms, price, size, exchange, bits, _ in _rows(path)
    ]


def read_minutes(path: Path) -> list[VendorBar]:
    """A day of minute bars."""
    made = []
    for ms, *prices, volume in _rows(path):
        first, high, low, last = (int(price) / PRICE_UNITS for price in prices)
        made.append(VendorBar(int(ms), first, high, low, last, int(volume)))
    return made


def midnight_ns(day: date) -> int:
    """The start of the day in New York, in UTC ns."""
    return int(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()) * 1_000_000_000


def letters(bits: int) -> list[str]:
    """The sale conditions of a print; a bit without a letter of its own is one that the table of conditions lacks."""
    return [LETTERS.get(1 << place, UNLISTED) for place in range(bits.bit_length()) if bits >> place & 1]


def flags(one: Print, first: bool) -> Eligibility:
    """What the print may do; `first`: no print before it has set a price in its session."""
    return eligibility(letters(one.bits), one.session, "A", first)


def ticks(prints: list[Print], symbol: str, day: date) -> list[TickRecord]:
    """The prints as ticks, without ids: the tape has none."""
    start, made, priced = midnight_ns(day), [], False
    for one in prints:
        may = flags(one, not priced)
        priced |= bool(may & Eligibility.LAST)
        made.append(
            TickRecord(
                symbol=symbol,
                ts=start + one.ms * MS_NS,
                price=one.price,
                size=float(one.size),
                flags=int(may),
                exchange=one.exchange,
            )
        )
    return made


def closing_print_inside(prints: list[Print]) -> list[Print]:
    """The vendor counts the closing print to the last regular minute; so it is put at the end of that."""
    inside = [Print(CLOSE_MS - 1, p.price, p.size, p.exchange, p.bits) if p.bits & 0x80 else p for p in prints]
    inside.sort(key=lambda one: one.ms)
    assert all(before.ms <= after.ms for before, after in pairwise(inside))
    return inside


def _rows(path: Path) -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="ascii", newline="") as lines:
        yield from csv.reader(lines)
