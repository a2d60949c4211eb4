"""Prices and running figures for screens: the newest state of a symbol, coalesced, part of no digest."""

from __future__ import annotations

from typing import Final

import msgspec


class LiveQuote(msgspec.Struct, frozen=True, gc=False):
    """`ts` = event time of the symbol's newest row in UTC ns; `change_pct` since the prior close, or since the day's
    open without one."""

    symbol: str
    ts: int
    price: float
    change_pct: float | None
    day_high: float | None
    day_low: float | None
    volume_day: float
    vwap: float | None
    session: str


class LiveMetrics(msgspec.Struct, frozen=True, gc=False):
    """Running figures of a symbol on its newest row; None or NaN: there is no value (in JSON both are null)."""

    symbol: str
    ts: int
    values: list[float | None]


class LiveFigures(msgspec.Struct, frozen=True):
    """The values of each symbol are in the order of the names."""

    names: list[str]
    metrics: list[LiveMetrics]


class LiveBatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record of the live topic: the symbols of a partition that changed since the record before. `figures` may be
    those of fewer symbols: they take turns."""

    partition: int
    quotes: list[LiveQuote]
    figures: LiveFigures | None = None


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(LiveBatch)


def encode_live(batch: LiveBatch) -> bytes:
    """The record's value."""
    return _ENCODER.encode(batch)


def decode_live(value: bytes) -> LiveBatch:
    """Raises msgspec.MsgspecError."""
    return _DECODER.decode(value)
