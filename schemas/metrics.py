"""Figures of a symbol at a bar's close, as they are published: one record a close, the values in the order of the
names."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import Final

import msgspec

from schemas.bar import TIMEFRAMES

NAMES_PER_RECORD: Final = 200
"""A close with more figures than these has several records, so that each stays far below what a topic takes."""


class MetricValues(msgspec.Struct, frozen=True, gc=False):
    """The figures just before the bar [start, start + timeframe) of a symbol closed, its own trades in. `start` and
    `ts`, the last moment of the bar, in UTC ns; a value that is None or NaN does not exist (in JSON both are null)."""

    symbol: str
    timeframe: str
    start: int
    ts: int
    names: tuple[str, ...]
    values: list[float | None]

    def existing(self) -> Iterator[tuple[str, float]]:
        """Name and value of those that exist."""
        for name, value in zip(self.names, self.values, strict=True):
            if value is not None and not isnan(value):
                yield name, value


class MetricLine(msgspec.Struct, frozen=True, gc=False):
    """One figure of a close, a line of a replay's file."""

    symbol: str
    timeframe: str
    start: int
    name: str
    value: float


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(MetricValues)
_LINE_DECODER: Final = msgspec.json.Decoder(MetricLine)


def encode_metrics(record: MetricValues) -> bytes:
    """Canonical bytes: the same figures always give the same."""
    return _ENCODER.encode(record)


def decode_metrics(value: bytes) -> MetricValues:
    """Raises msgspec.MsgspecError; ValueError where names and values do not go together."""
    record = _DECODER.decode(value)
    if len(record.names) != len(record.values):
        raise ValueError(f"{len(record.names)} names and {len(record.values)} values")
    return record


def lines_of(record: MetricValues) -> list[MetricLine]:
    """A line for each figure that exists."""
    symbol, timeframe, start = record.symbol, record.timeframe, record.start
    return [MetricLine(symbol, timeframe, start, name, value) for name, value in record.existing()]


def encode_line(line: MetricLine) -> bytes:
    """Canonical bytes."""
    return _ENCODER.encode(line)


def decode_line(value: bytes) -> MetricLine:
    """Raises msgspec.MsgspecError."""
    return _LINE_DECODER.decode(value)


def line_order(line: MetricLine) -> tuple[str, int, int, str]:
    """Sort key of digests and result files."""
    return line.symbol, TIMEFRAMES.index(line.timeframe), line.start, line.name
