"""Bars, figures and alerts as rows of ClickHouse: what is written, and what could not be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from infra.clickhouse import ClickHouse
from schemas.alert import Alert, body_bytes, decode_alert
from schemas.bar import TIMEFRAMES, Bar, decode_bar
from schemas.metrics import MetricLine, MetricValues, decode_metrics, lines_of

BARS: Final = "bars"
ALERTS: Final = "alerts"
METRICS: Final = "metrics"
CLOSES_PER_INSERT: Final = 2_000
"""A close has some dozens of figures, each a row."""

_BAR_FIELDS: Final = Bar.__struct_fields__
_METRIC_FIELDS: Final = MetricLine.__struct_fields__
_BODY_FIELDS: Final = ("id", "ts", "ordinal", "symbol", "rule_id", "rule_hash", "trigger", "price", "session")
# Column -> field. The first four names alone would be words of SQL.
_DELIVERY_COLUMNS: Final = {
    "source_topic": "topic", "source_partition": "partition", "source_offset": "offset", "source_index": "index",
    "ts_recv": "ts_recv", "append_ts": "append_ts", "run_id": "run_id", "rule_name": "rule_name",
    "rule_version": "rule_version",
}  # fmt: skip

_INT32: Final = (-(1 << 31), (1 << 31) - 1)
_UINT32: Final = (0, (1 << 32) - 1)
_INT64: Final = (-(1 << 63), (1 << 63) - 1)
_YEARS: Final = (0, 4_102_444_800_000_000_000)  # of DateTime64(9): 1970 to 2099, well inside its range
_BAR_RANGES: Final = {"start": _YEARS, "trades": (0, (1 << 64) - 1), "rev": _UINT32}
_METRIC_RANGES: Final = {"start": _YEARS}
_BODY_RANGES: Final = {"ts": _YEARS, "ordinal": _UINT32}
_DELIVERY_RANGES: Final = {
    "partition": _INT32, "offset": _INT64, "index": _INT32, "ts_recv": _INT64, "append_ts": _INT64,
    "rule_version": _UINT32,
}  # fmt: skip


class AlertRow(NamedTuple):
    """An alert, and its body's bytes as they stood in the topic."""

    alert: Alert
    body: bytes


def bar_row(value: bytes) -> Bar:
    """The bar in a record's value. Raises ValueError or msgspec.MsgspecError: it is none that can be stored."""
    bar = decode_bar(value)
    _check_timeframe(bar.timeframe)
    _check(bar, _BAR_RANGES)
    return bar


def metrics_row(value: bytes) -> MetricValues:
    """The figures in a record's value. Raises ValueError or msgspec.MsgspecError: they are none that can be stored."""
    record = decode_metrics(value)
    _check_timeframe(record.timeframe)
    _check(record, _METRIC_RANGES)
    return record


def alert_row(value: bytes) -> AlertRow:
    """The alert in a record's value. Raises ValueError or msgspec.MsgspecError: it is none that can be stored."""
    alert = decode_alert(value)
    _check(alert.body, _BODY_RANGES)
    _check(alert.delivery, _DELIVERY_RANGES)
    return AlertRow(alert, body_bytes(value))


async def insert_bars(database: ClickHouse, bars: Sequence[Bar]) -> None:
    """Repeats are welcome: the table keeps the highest rev. Raises as ClickHouse.insert does."""
    await database.insert(BARS, {name: [getattr(bar, name) for bar in bars] for name in _BAR_FIELDS})


async def insert_metrics(database: ClickHouse, records: Sequence[MetricValues]) -> None:
    """A row for each figure that exists; repeats are welcome. Raises as ClickHouse.insert does."""
    for first in range(0, len(records), CLOSES_PER_INSERT):
        lines = [line for record in records[first : first + CLOSES_PER_INSERT] for line in lines_of(record)]
        if lines:
            await database.insert(METRICS, {name: [getattr(line, name) for line in lines] for name in _METRIC_FIELDS})


async def insert_alerts(database: ClickHouse, rows: Sequence[AlertRow]) -> None:
    """Repeats are welcome: the table keeps one row an id. Raises as ClickHouse.insert does."""
    columns: dict[str, list[object]] = {name: [getattr(row.alert.body, name) for row in rows] for name in _BODY_FIELDS}
    columns["body"] = [row.body.decode() for row in rows]
    for column, name in _DELIVERY_COLUMNS.items():
        columns[column] = [getattr(row.alert.delivery, name) for row in rows]
    await database.insert(ALERTS, columns)


def _check_timeframe(name: str) -> None:
    if name not in TIMEFRAMES:
        raise ValueError(f"timeframe {name!r} is none of {', '.join(TIMEFRAMES)}")


def _check(value: object, ranges: dict[str, tuple[int, int]]) -> None:
    for name, (low, high) in ranges.items():
        number = getattr(value, name)
        if not low <= number <= high:
            raise ValueError(f"{name} {number} is not in [{low}, {high}]")
