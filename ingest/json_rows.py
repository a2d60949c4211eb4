"""Trades from columns to JSON records in bulk; the records are what `schemas.tick.TickRecord` reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ingest.batch import JsonRows
from schemas.batch import I64, U8, Trades
from schemas.tick import REGULAR_TRADE

TradeIds = Sequence[str | int | None] | I64
"""A trade id per row; None, or 0 in an array, where a trade has none."""


class _Trade(msgspec.Struct, gc=False, omit_defaults=True):
    """The fields of a trade and no others, by position: made three times as fast as a TickRecord."""

    symbol: str
    ts: int
    price: float
    size: float
    flags: int = REGULAR_TRADE
    ts_recv: int = 0
    id: str | int | None = None
    exchange: str | None = None


_ENCODE: Final = msgspec.json.Encoder().encode


def json_rows(
    names: Sequence[str], trades: Trades, ids: TradeIds, exchange: U8, exchanges: Sequence[str | None]
) -> JsonRows:
    """`trades.symbol` counts into `names`, `exchange` into `exchanges` (None: no exchange)."""

    def encode(rows: I64) -> list[bytes]:
        columns = (
            map(names.__getitem__, trades.symbol[rows].tolist()),
            *(column[rows].tolist() for column in (trades.ts, trades.price, trades.size, trades.flags, trades.ts_recv)),
            _picked(ids, rows),
            map(exchanges.__getitem__, exchange[rows].tolist()),
        )
        return list(map(_ENCODE, map(_Trade, *columns)))

    return encode


def _picked(ids: TradeIds, rows: I64) -> list[str | int | None]:
    if isinstance(ids, np.ndarray):
        numbers: list[str | int | None] = ids[rows].tolist()
        return numbers if 0 not in numbers else [number or None for number in numbers]
    return [ids[row] for row in rows.tolist()]
