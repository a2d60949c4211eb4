"""The questions that are asked of ClickHouse. Each reads with FINAL, so repeats that are not merged yet count once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from clickhouse_connect.driver.asyncclient import AsyncClient

from infra.clickhouse import ClickHouse
from schemas.alert import Delivery
from schemas.bar import Bar

MAX_SYMBOLS: Final = 100_000

_BARS: Final = """
SELECT symbol, timeframe, toUnixTimestamp64Nano(start), open, high, low, close, volume, vwap, trades, session, rev
FROM bars FINAL
WHERE symbol = {symbol:String} AND timeframe = {timeframe:String}
  AND start >= fromUnixTimestamp64Nano({from_ns:Int64}) AND start < fromUnixTimestamp64Nano({to_ns:Int64})
ORDER BY start DESC LIMIT {limit:UInt32}
"""
_ALERTS: Final = """
SELECT toUnixTimestamp64Nano(ts), id, body, source_topic, source_partition, source_offset, source_index, ts_recv,
       append_ts, run_id, rule_name, rule_version
FROM alerts FINAL
WHERE {conditions}
ORDER BY ts DESC, id DESC LIMIT {{limit:UInt32}}
"""
_SYMBOLS: Final = "SELECT symbol FROM bars GROUP BY symbol ORDER BY symbol LIMIT {limit:UInt32}"


class Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where an alert stands in the order of event time (ns) and id."""

    ts: int
    id: str


class StoredAlert(msgspec.Struct, frozen=True):
    """An alert as it stood in the topic; the body is its JSON, untouched."""

    body: msgspec.Raw
    delivery: Delivery


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts: event time in [from_ns, to_ns), and older than `before`; None leaves a condition out."""

    symbol: str | None = None
    rule: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    before: Place | None = None

    def conditions(self) -> tuple[str, dict[str, Any]]:
        """SQL over the alerts table, and its bound parameters."""
        terms: list[str] = []
        bound: dict[str, Any] = {}
        for column, value in (("symbol", self.symbol), ("rule_id", self.rule)):
            if value is not None:
                terms.append(f"{column} = {{{column}:String}}")
                bound[column] = value
        for operator, name, ts_ns in ((">=", "from_ns", self.from_ns), ("<", "to_ns", self.to_ns)):
            if ts_ns is not None:
                terms.append(f"ts {operator} fromUnixTimestamp64Nano({{{name}:Int64}})")
                bound[name] = ts_ns
        if self.before is not None:
            terms.append("(ts, id) < (fromUnixTimestamp64Nano({before_ns:Int64}), {before_id:String})")
            bound |= {"before_ns": self.before.ts, "before_id": self.before.id}
        return " AND ".join(terms) or "1", bound


async def newest_alerts(database: ClickHouse, wanted: AlertFilter, limit: int) -> list[tuple[Place, StoredAlert]]:
    """The newest alerts that match, newest first. Raises as ClickHouse.run does."""
    conditions, bound = wanted.conditions()
    rows = await _rows(database, _ALERTS.format(conditions=conditions), bound | {"limit": limit})
    return [
        (Place(ts, name), StoredAlert(msgspec.Raw(body.encode()), Delivery(*delivery)))
        for ts, name, body, *delivery in rows
    ]


async def newest_bars(
    database: ClickHouse, symbol: str, timeframe: str, from_ns: int, to_ns: int, limit: int
) -> list[Bar]:
    """The newest bars that start in [from_ns, to_ns), oldest first. Raises as ClickHouse.run does."""
    bound = {"symbol": symbol, "timeframe": timeframe, "from_ns": from_ns, "to_ns": to_ns, "limit": limit}
    return [Bar(*row) for row in reversed(await _rows(database, _BARS, bound))]


async def known_symbols(database: ClickHouse) -> list[str]:
    """Every symbol that ever had a bar, in order. Raises as ClickHouse.run does."""
    return [symbol for (symbol,) in await _rows(database, _SYMBOLS, {"limit": MAX_SYMBOLS})]


async def _rows(database: ClickHouse, statement: str, parameters: dict[str, Any]) -> list[Sequence[Any]]:
    async def call(client: AsyncClient) -> list[Sequence[Any]]:
        return list((await client.query(statement, parameters=parameters)).result_rows)

    return await database.run(call)
