"""One market event as it stands in the tick log: the JSON form that anybody can produce, and the limits every tick
must keep."""

from __future__ import annotations

import re
from enum import IntFlag
from typing import Annotated, Final

import msgspec

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Eligibility(IntFlag):
    """What a trade may do to the figures of its symbol; decided once, at ingest, from its sale conditions and its
    session."""

    LAST = 1
    HIGH_LOW = 2
    VOLUME = 4
    OPENING = 8
    CLOSING = 16


REGULAR_TRADE: Final = int(Eligibility.LAST | Eligibility.HIGH_LOW | Eligibility.VOLUME)
ALL_FLAGS: Final = REGULAR_TRADE | int(Eligibility.OPENING | Eligibility.CLOSING)
KINDS: Final = ("trade", "quote", "correction", "cancel", "status", "daily", "reference")

HALTED: Final = "halted"
STATUSES: Final = (HALTED, "resumed")

MIN_TS_NS: Final = 10**17
MAX_TS_NS: Final = 41 * 10**17
MAX_PRICE_DECIMALS: Final = 9
MAX_SIZE_DECIMALS: Final = 8
MAX_UNITS: Final = 10**15
"""Prices and sizes have at most 15 significant digits: what a double carries through decimal text and back."""

SYMBOL_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:^=+/\-]{0,31}", re.ASCII)


class LeanTick(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A trade with the four required fields and nothing else; decoding it is the fast path."""

    symbol: Annotated[str, msgspec.Meta(min_length=1)]
    ts: Int64
    price: float
    size: float


class TickRecord(msgspec.Struct, gc=False, omit_defaults=True, kw_only=True):
    """Any JSON record of the tick log. A trade has symbol, ts, price and size; a control record has `hb`, `end` or
    `ruleset`.

    `ts`, `ts_recv`, `hb` are UTC nanoseconds. `flags` is a set of `Eligibility` bits. Fields not listed are ignored.
    """

    symbol: str = ""
    ts: Int64 = 0
    price: float = 0.0
    size: float = 0.0
    kind: str = "trade"
    flags: Int64 = REGULAR_TRADE
    id: str | int | None = None
    exchange: str | None = None
    conditions: list[str | int] | None = None
    seq: Int64 | None = None
    ts_recv: Int64 = 0
    source: str | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    volume: float | None = None
    market: str | None = None
    status: str | None = None
    hb: Int64 | None = None
    end: str | None = None
    ruleset: str | None = None


_ENCODER: Final = msgspec.json.Encoder()


def encode_tick(record: TickRecord) -> bytes:
    """The record as JSON, fields that hold their default left out."""
    return _ENCODER.encode(record)
