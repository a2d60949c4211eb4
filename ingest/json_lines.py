"""Canonical JSON lines: what anybody may write into the tick topic, one record a line, read through its own decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from ingest.batch import Batch, Placed, Refused
from schemas.batch import I64, Chunk
from schemas.control import DailyBar, Reference, Status, Unapplied
from schemas.decode import decode_chunk
from schemas.symbols import SymbolTable


class JsonLines:
    """Lines of a file to batches. Trades keep their bytes, so that nothing is lost of fields that nobody knows."""

    def __init__(self) -> None:
        """Nothing read yet."""
        self._symbols = SymbolTable()

    def begin(self, lines: BinaryIO, name: str) -> int:
        """The number of the first line."""
        return 1

    def read(self, lines: Sequence[bytes], first: int, name: str) -> Batch:
        """The lines from number `first` on; empty ones count but give nothing."""
        values = [line.strip() for line in lines]
        numbers = [first + i for i, value in enumerate(values) if value]
        values = [value for value in values if value]
        chunk = decode_chunk(Chunk(numbers, values, [-1] * len(values)), self._symbols)
        by_number = dict(zip(numbers, values, strict=True))
        records = [by_number[number] for number in chunk.trades.offset.tolist()]
        placed = [Placed(m.row, _symbol(m.event), by_number[m.offset]) for m in chunk.marks]
        refused = [Refused(by_number[r.offset], f"{name}:{r.offset}", r.offset, r.reason) for r in chunk.rejected]

        def json(rows: I64) -> list[bytes]:
            return [records[row] for row in rows.tolist()]

        trades = chunk.trades
        trades.offset = np.arange(len(trades), dtype=np.int64)
        return Batch(self._symbols.names, trades, json, placed, refused)


def _symbol(event: object) -> str | None:
    return event.symbol if isinstance(event, DailyBar | Reference | Status | Unapplied) else None
