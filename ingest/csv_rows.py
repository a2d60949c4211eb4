"""CSV with a column map: recorded trades of any layout as ticks."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from infra.times import iso_ns
from ingest.batch import Batch, Refused
from ingest.json_lines import JsonLines
from ingest.provider import ProviderError
from schemas.tick import ALL_FLAGS, REGULAR_TRADE, TickRecord, encode_tick

FIELDS: Final = ("symbol", "ts", "price", "size", "id", "exchange", "flags")
REQUIRED: Final = ("ts", "price", "size")
_DECIMAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
UNITS_NS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Which column holds which field; `symbol` where no column does. `named`: fields whose column the user gave."""

    columns: dict[str, str]
    named: frozenset[str]
    symbol: str
    unit_ns: int

    @classmethod
    def parse(cls, text: str, symbol: str, time_unit: str) -> ColumnMap:
        """From `field=column` pairs; a field that is not named is the column of that name. Raises ProviderError."""
        named: dict[str, str] = {}
        for pair in filter(None, (part.strip() for part in text.split(","))):
            field, found, column = pair.partition("=")
            if field not in FIELDS or not found or not column:
                raise ProviderError(f"file: columns: {pair!r} is not one of {', '.join(FIELDS)} = a column's name")
            named[field] = column
        if time_unit not in UNITS_NS:
            raise ProviderError(f"file: time_unit is one of {', '.join(UNITS_NS)}, not {time_unit!r}")
        return cls({field: field for field in FIELDS} | named, frozenset(named), symbol, UNITS_NS[time_unit])


class CsvReader:
    """Rows of a CSV file with a header to batches."""

    def __init__(self, columns: ColumnMap) -> None:
        """The header is read by `begin`."""
        self._map, self._at = columns, dict[str, int]()
        self._lines = JsonLines()
        self._width = 0

    def begin(self, lines: BinaryIO, name: str) -> int:
        """Read the header; the number of the line after it. Raises ProviderError if a column is missing."""
        header = next(csv.reader([lines.readline().decode("utf-8-sig", "replace")]), [])
        self._width = len(header)
        self._at = {field: header.index(column) for field, column in self._map.columns.items() if column in header}
        needed = [field for field in FIELDS if field in REQUIRED or field in self._map.named]
        missing = [field for field in needed if field not in self._at]
        if not self._map.symbol and "symbol" not in (*self._at, *missing):
            missing.append("symbol")
        if missing:
            raise ProviderError(
                f"file: {name}:1: no column for {', '.join(missing)}; its columns are {', '.join(header)}"
            )
        return 2

    def read(self, lines: Sequence[bytes], first: int, name: str) -> Batch:
        """The rows from line `first` on."""
        records: list[bytes] = []
        refused: list[Refused] = []
        for number, line in enumerate(lines, first):
            text = line.decode("utf-8", "replace").strip()
            if not text:
                records.append(b"")
                continue
            try:
                records.append(self._record(next(csv.reader([text]))))
            except (ValueError, csv.Error) as error:
                records.append(b"")
                refused.append(Refused(line.strip(), f"{name}:{number}", number, str(error)))
        batch = self._lines.read(records, first, name)
        refused += [Refused(lines[r.position - first].strip(), r.where, r.position, r.reason) for r in batch.refused]
        refused.sort(key=lambda one: one.position)
        return Batch(batch.names, batch.trades, batch.json, batch.placed, refused, file=name)

    def _record(self, row: list[str]) -> bytes:
        if len(row) != self._width:
            raise ValueError(f"{len(row)} columns instead of {self._width}")
        text = {field: row[at].strip() for field, at in self._at.items()}
        record = TickRecord(
            symbol=text.get("symbol") or self._map.symbol,
            ts=self._ts_ns(text["ts"]),
            price=_number("price", text["price"]),
            size=_number("size", text["size"]),
            flags=_flags(text["flags"]) if text.get("flags") else REGULAR_TRADE,
            id=text.get("id") or None,
            exchange=text.get("exchange") or None,
        )
        return encode_tick(record)

    def _ts_ns(self, text: str) -> int:
        """A number in the map's unit, exact, or an ISO 8601 time (UTC if it has no zone)."""
        whole, _, fraction = text.partition(".")
        if text.isascii() and whole.isdigit() and (not fraction or fraction.isdigit()):
            digits = len(str(self._map.unit_ns)) - 1
            return int(whole) * self._map.unit_ns + int((fraction + "0" * digits)[:digits] or "0")
        try:
            return iso_ns(text)
        except ValueError:
            raise ValueError(f"ts: {text!r} is no time") from None


def _number(field: str, text: str) -> float:
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"{field}: {text!r} is no number")
    return float(text)


def _flags(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= ALL_FLAGS):
        raise ValueError(f"flags: {text!r} is not a set of eligibility bits")
    return int(text)
