"""Bars, figures and alerts of a replay as Parquet, for those who go on in notebooks and databases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from app.replay_spill import ALERT, BAR, METRIC, Kind, lines_of
from schemas.alert import AlertBody, Leaf
from schemas.bar import Bar
from schemas.metrics import MetricLine

ROWS: Final = 65_536
"""Of a row group; so many are in memory."""

_TIME: Final = pa.timestamp("ns", tz="UTC")
_LEAF: Final = pa.struct(
    [
        ("level", pa.int32()),
        ("expression", pa.string()),
        ("value", pa.float64()),
        ("operator", pa.string()),
        ("bound", pa.float64()),
        ("verdict", pa.bool_()),
        ("against", pa.string()),
        ("previous", pa.list_(pa.float64())),
        ("bars", pa.map_(pa.string(), _TIME)),
    ]
)
"""A condition of an alert. Parquet knows no trees: the parts of a condition follow it, one level down."""
_NUMBERS: Final = ("open", "high", "low", "close", "volume", "vwap")
_BARS: Final = pa.schema(
    [
        ("symbol", pa.string()),
        ("timeframe", pa.string()),
        ("start", _TIME),
        *((name, pa.float64()) for name in _NUMBERS),
        ("trades", pa.int64()),
        ("session", pa.string()),
        ("rev", pa.int32()),
    ]
)
_METRICS: Final = pa.schema(
    [
        ("symbol", pa.string()),
        ("timeframe", pa.string()),
        ("start", _TIME),
        ("name", pa.string()),
        ("value", pa.float64()),
    ]
)
_LIMITS: Final = pa.struct(
    [
        ("cooldown_ns", pa.int64()),
        ("rearm", pa.string()),
        ("expires_ns", pa.int64()),
        ("max_fires", pa.int64()),
        ("runaway_fires", pa.int64()),
        ("runaway_ns", pa.int64()),
    ]
)
_TEXTS: Final = ("id", "rule_id", "rule_hash", "symbol")
_ALERTS: Final = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        ("ts", _TIME),
        ("ordinal", pa.int64()),
        ("trigger", pa.string()),
        ("price", pa.float64()),
        ("session", pa.string()),
        ("explanation", pa.list_(_LEAF)),
        ("muted", pa.bool_()),
        ("limits", _LIMITS),
    ]
)
Item = TypeVar("Item", Bar, AlertBody, MetricLine)


def write_parquet(folder: Path) -> None:
    """bars.parquet, alerts.parquet and, where there are figures, metrics.parquet beside the files of lines."""
    _write(folder, BAR, _BARS)
    _write(folder, ALERT, _ALERTS)
    if (folder / f"{METRIC.name}.jsonl").exists():
        _write(folder, METRIC, _METRICS)


def _write(folder: Path, kind: Kind[Item], schema: Any) -> None:
    lines = lines_of(folder / f"{kind.name}.jsonl", kind)
    with pq.ParquetWriter(folder / f"{kind.name}.parquet", schema, compression="zstd") as writer:
        while rows := _rows(lines):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _rows(lines: Iterator[tuple[Any, bytes, Item]]) -> list[dict[str, Any]]:
    return [_row(item) for _, _, item in islice(lines, ROWS)]


def _row(item: Bar | AlertBody | MetricLine) -> dict[str, Any]:
    values = msgspec.structs.asdict(item)
    if isinstance(item, AlertBody):
        values["limits"] = msgspec.structs.asdict(item.limits)
        values["explanation"] = [leaf for top in item.explanation for leaf in _leaves(top, 0)]
    return values


def _leaves(leaf: Leaf, level: int) -> Iterator[dict[str, Any]]:
    """A condition and all that it is made of."""
    values = msgspec.structs.asdict(leaf)
    yield values | {"level": level, "bars": list(leaf.bars.items())}
    for part in leaf.parts:
        yield from _leaves(part, level + 1)
