"""The provider `file`: recorded ticks as JSON lines or CSV, plain or gzip, at the speed they came or as fast as it
goes."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec
import numpy as np

from ingest.batch import Batch
from ingest.csv_rows import ColumnMap, CsvReader
from ingest.json_lines import JsonLines, has_heartbeats
from ingest.provider import Health, ProviderError, Wanted

LINES_PER_BATCH: Final = 16_384


class FileOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`path` of a file whose name ends in .jsonl, .json or .csv, and .gz if it is compressed. `source`: its id in
    heartbeats. `columns`: for CSV, field=column pairs by comma, such as `symbol=sym,ts=time,price=px,size=qty`;
    `symbol`: of files without that column; `time_unit` of numbers in the column of times: s, ms, us or ns."""

    path: str
    source: str = "file"
    columns: str = ""
    symbol: str = ""
    time_unit: str = "ns"


class FileProvider:
    """All lines of a file, in order. A line that is no tick is refused with its number. Heartbeats that stand in it are
    all that there are, as in a replay of it."""

    def __init__(self, options: FileOptions) -> None:
        """Raises ProviderError for a file that is not there, or of no known kind."""
        self.source, self._path = options.source, Path(options.path)
        self._wanted, self._newest_ns, self._line = Wanted(), -1, 0
        self.heartbeats_from_rows = True
        bare = self._path.name.removesuffix(".gz")
        if not self._path.is_file():
            raise ProviderError(f"file: there is no file {self._path}")
        if bare.endswith(".csv"):
            columns = ColumnMap.parse(options.columns, options.symbol, options.time_unit)
            self._reader: CsvReader | JsonLines = CsvReader(columns)
        elif bare.endswith((".jsonl", ".json")):
            self._reader = JsonLines()
        else:
            raise ProviderError(f"file: {self._path.name} ends in none of .jsonl, .json, .csv, with or without .gz")

    async def universe(self) -> Sequence[str]:
        """None in advance: the file is read once."""
        return ()

    async def subscribe(self, symbols: Collection[str]) -> None:
        """Raises nothing: a symbol that does not occur gives nothing."""
        self._wanted.add(symbols)

    async def unsubscribe(self, symbols: Collection[str]) -> None:
        """Leave these out from the next batch on."""
        self._wanted.remove(symbols)

    def health(self) -> Health:
        """How far the file is read."""
        return Health(live=True, detail=f"{self._path.name}, line {self._line}", newest_ns=self._newest_ns)

    async def batches(self) -> AsyncIterator[Batch]:
        """Some thousand lines at a time. Raises ProviderError if the file cannot be read."""
        try:
            if isinstance(self._reader, JsonLines):
                self.heartbeats_from_rows = not await asyncio.to_thread(has_heartbeats, self._path)
            with self._open() as lines:
                for first, part in self._parts(lines):
                    batch = await asyncio.to_thread(self._reader.read, part, first, self._path.name)
                    self._line = first + len(part) - 1
                    if len(batch.trades):
                        self._newest_ns = max(self._newest_ns, int(batch.trades.ts.max()))
                    yield self._kept(batch)
        except (OSError, EOFError, zlib.error) as error:
            raise ProviderError(f"file: {self._path} cannot be read after line {self._line}: {error}") from error

    def _open(self) -> BinaryIO:
        if self._path.suffix == ".gz":
            return cast(BinaryIO, gzip.open(self._path, "rb"))
        return self._path.open("rb")

    def _parts(self, lines: BinaryIO) -> Iterator[tuple[int, list[bytes]]]:
        """(number of the first line, lines)."""
        first = self._reader.begin(lines, self._path.name)
        while part := list(islice(lines, LINES_PER_BATCH)):
            yield first, part
            first += len(part)

    def _kept(self, batch: Batch) -> Batch:
        wanted = self._wanted.rows(batch.names, batch.trades.symbol)
        if wanted is None or wanted.all():
            return batch
        rows = np.flatnonzero(wanted)
        placed = [p for p in batch.placed if p.symbol is None or p.symbol in self._wanted]
        moved = [type(p)(int(np.searchsorted(rows, p.row)), p.symbol, p.value) for p in placed]
        json = batch.json
        return Batch(
            batch.names,
            batch.trades.take(rows),
            lambda at: json(rows[at]),
            moved,
            batch.refused,
            batch.paced,
            batch.file,
        )
