"""Canonical JSON lines: what anybody may write into the tick topic, one record a line, read through its own decoder."""

from __future__ import annotations

import gzip
from codecs import BOM_UTF8
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, cast

from ingest.batch import MAX_RECORD_BYTES, Batch, Placed, Refused
from schemas.batch import I64, Chunk
from schemas.control import DailyBar, Heartbeat, Reference, Status, Unapplied
from schemas.decode import decode_chunk
from schemas.symbols import SymbolTable

HEARTBEAT_SIGNS: Final = (b'"hb"', b"\\")
"""The field, or what can be another spelling of it."""
BLOCK_BYTES: Final = 131_072
"""Larger ones leave the processor's cache."""


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
        if first == 1:
            lines = without_mark(lines)
        by_number = {number: value for number, line in enumerate(lines, first) if (value := line.strip())}
        long = [number for number, value in by_number.items() if len(value) > MAX_RECORD_BYTES]
        refused = [_too_long(by_number.pop(number), number, name) for number in long]
        chunk = decode_chunk(Chunk([*by_number], [*by_number.values()], [-1] * len(by_number)), self._symbols)
        records = [by_number[number] for number in chunk.trades.offset.tolist()]
        placed = [Placed(m.row, _symbol(m.event), by_number[m.offset]) for m in chunk.marks]
        refused += [Refused(by_number[r.offset], f"{name}:{r.offset}", r.offset, r.reason) for r in chunk.rejected]

        def json(rows: I64) -> list[bytes]:
            return [records[row] for row in rows.tolist()]

        refused.sort(key=lambda one: one.position)
        return Batch(self._symbols.names, chunk.trades, json, placed, refused, file=name)


def without_mark(first_lines: Sequence[bytes]) -> list[bytes]:
    """The first lines of a file without the mark that some programs put before them."""
    return [first_lines[0].removeprefix(BOM_UTF8), *first_lines[1:]]


def unpacked(path: Path, raw: BinaryIO) -> BinaryIO:
    """The lines of an open file, through gzip where its name says so."""
    return cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw


def has_heartbeats(path: Path) -> bool:
    """Whether any line of a file is one: it then tells time itself. Only lines that look as if they might be are
    decoded."""
    with path.open("rb") as raw:
        lines = unpacked(path, raw)
        while block := lines.read(BLOCK_BYTES) + lines.readline():
            if _holds_heartbeat(block):
                return True
    return False


def _holds_heartbeat(block: bytes) -> bool:
    if not any(sign in block for sign in HEARTBEAT_SIGNS):
        return False
    found: list[bytes | None] = [
        line.strip() for line in block.split(b"\n") if any(sign in line for sign in HEARTBEAT_SIGNS)
    ]
    batch = decode_chunk(Chunk(range(len(found)), found, [-1] * len(found)), SymbolTable())
    return any(isinstance(mark.event, Heartbeat) for mark in batch.marks)


def _too_long(value: bytes, number: int, name: str) -> Refused:
    reason = f"record: {len(value)} bytes are more than the {MAX_RECORD_BYTES} that one may have"
    return Refused(value, f"{name}:{number}", number, reason)


def _symbol(event: object) -> str | None:
    return event.symbol if isinstance(event, DailyBar | Reference | Status | Unapplied) else None
