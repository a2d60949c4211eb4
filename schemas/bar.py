"""A finished bar as it is published; consumers keep the highest `rev` of each (symbol, timeframe, start)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

TIMEFRAMES: Final = ("1m", "2m", "5m", "10m", "15m", "30m", "1h", "2h", "4h", "1d")
SESSIONS: Final = ("closed", "pre", "regular", "post")


class Bar(msgspec.Struct, frozen=True, gc=False):
    """[start, start + timeframe) of a symbol; `start` in UTC ns, `vwap` null where no trade sets it."""

    symbol: str
    timeframe: str
    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float | None
    trades: int
    session: str
    rev: int


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Bar)


def encode_bar(bar: Bar) -> bytes:
    """Canonical bytes: the same bar always gives the same."""
    return _ENCODER.encode(bar)


def decode_bar(value: bytes) -> Bar:
    """Raises msgspec.MsgspecError."""
    return _DECODER.decode(value)


def bar_order(bar: Bar) -> tuple[str, int, int, int]:
    """Sort key of digests and result files."""
    return bar.symbol, TIMEFRAMES.index(bar.timeframe), bar.start, bar.rev


def digest(lines: Iterable[bytes]) -> str:
    """SHA-256 over the lines, each ended by a newline, as hex."""
    sha = hashlib.sha256()
    for line in lines:
        sha.update(line)
        sha.update(b"\n")
    return sha.hexdigest()
