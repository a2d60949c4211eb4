"""Which records a restore puts together, whoever wrote them and in whatever order they arrived."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from engine.partition import Partition
from infra.calendars import load_calendars
from schemas.batch import Chunk
from schemas.decode import decode_chunk
from tables.blob import BlobError
from tables.ledger import Ledger, Records, Resumption

MINUTE_NS = 60_000_000_000
START_NS = 1_767_600_000_000_000_000
SYMBOL = "BTC-USD"


class Worker:
    """A partition of one symbol whose trades are numbered like their offsets."""

    def __init__(self, name: str, stored: dict[bytes, bytes]) -> None:
        self.ledger = Ledger(name, 16)
        self.found: Resumption = self.ledger.restore(stored)
        self.partition = Partition(0, None, load_calendars())
        for piece in self.found.pieces:
            self.partition.import_piece(piece)
        self.partition.begin_at(self.found.header, {})

    def trades(self, *minutes: float) -> None:
        """One trade at each of these minutes since the start; the price is 100 and the minute."""
        first = self.partition.position + 1
        values = [
            msgspec.json.encode(
                {"symbol": SYMBOL, "ts": START_NS + round(m * MINUTE_NS), "price": 100 + m // 1, "size": 1}
            )
            for m in minutes
        ]
        chunk = Chunk(list(range(first, first + len(values))), values, [-1] * len(values))
        self.partition.step(decode_chunk(chunk, self.partition.symbols), {})

    def pieces(self) -> Records:
        """What has changed, as records."""
        return [
            record
            for shard in self.partition.changed_shards()
            for record in self.ledger.encode(self.partition.export_changed(shard)).records
        ]

    def checkpoint(self) -> Records:
        """The same with the manifest, and what it makes needless."""
        pieces = self.pieces()
        return [*pieces, self.ledger.manifest(self.partition.header), *self.ledger.take_superseded()]

    def closes(self) -> list[float]:
        """Of the closed 1m bars, oldest first."""
        history, at = self.partition.state.history["1m"], self.partition.symbols[SYMBOL]
        numbers = np.arange(history.count[at])
        return [float(close) for close in history.at("close", np.full(len(numbers), at), numbers)]


def put(stored: dict[bytes, bytes], records: Records) -> None:
    """As the changelog keeps them once it is compacted."""
    for key, value in records:
        stored.pop(key, None) if value is None else stored.update({key: value})


def test_what_a_worker_stored_comes_back() -> None:
    stored: dict[bytes, bytes] = {}
    one = Worker("one", stored)
    one.trades(0, 1, 2, 3)
    put(stored, one.checkpoint())
    two = Worker("two", stored)
    assert two.partition.position == 3
    assert two.closes() == [100, 101, 102]


def test_late_records_of_a_killed_worker_do_not_mix_with_those_of_its_successor() -> None:
    """Records on their way when a worker was killed may arrive after the new one has stored bars and before it stores
    live figures alone: with one key for both, the bars of the dead and the figures of the living were put together."""
    stored: dict[bytes, bytes] = {}
    dead = Worker("dead", stored)
    dead.trades(0, 1)
    put(stored, dead.checkpoint())
    dead.trades(2)
    late = dead.checkpoint()
    alive = Worker("alive", stored)
    alive.trades(2, 3, 4)
    put(stored, alive.checkpoint())
    put(stored, late)
    alive.trades(4.5)
    put(stored, alive.checkpoint())
    next_one = Worker("next", stored)
    assert next_one.partition.position == alive.partition.position
    assert next_one.found.stale == []
    assert next_one.closes() == [100, 101, 102, 103]


def test_a_checkpoint_cut_short_leaves_the_one_before() -> None:
    stored: dict[bytes, bytes] = {}
    one = Worker("one", stored)
    one.trades(0, 1)
    put(stored, one.checkpoint())
    one.trades(2)
    bars_without_live = one.pieces()[:-1]
    put(stored, bars_without_live)
    two = Worker("two", stored)
    assert two.partition.position == 1
    two.trades(2, 3)
    assert two.closes() == [100, 101, 102]


def test_a_shard_newer_than_the_manifest_is_taken_and_its_records_are_skipped() -> None:
    stored: dict[bytes, bytes] = {}
    one = Worker("one", stored)
    one.trades(0, 1)
    put(stored, one.checkpoint())
    one.trades(2)
    put(stored, one.pieces())
    two = Worker("two", stored)
    assert two.partition.position == 1
    two.trades(2, 3)
    assert two.closes() == [100, 101, 102]


def test_bars_that_ran_so_far_ahead_that_the_ring_wrapped_are_not_taken() -> None:
    stored: dict[bytes, bytes] = {}
    one = Worker("one", stored)
    one.trades(*range(300))
    put(stored, one.checkpoint())
    one.trades(*range(300, 700))
    put(stored, one.pieces()[:-1])
    two = Worker("two", stored)
    assert two.found.stale == ["live/" + str(one.partition.state.origin.shard[0])]
    assert two.partition.position == -1


def test_lost_bars_are_noticed() -> None:
    stored: dict[bytes, bytes] = {}
    one = Worker("one", stored)
    one.trades(0, 1, 2)
    put(stored, one.checkpoint())
    del stored[next(key for key in stored if key.startswith(b"bars/1m/"))]
    two = Worker("two", stored)
    assert len(two.found.stale) == 1
    assert two.partition.position == -1


def test_records_of_former_writers_are_deleted_once_they_are_replaced() -> None:
    stored: dict[bytes, bytes] = {}
    for number in range(5):
        worker = Worker(f"w{number}", stored)
        worker.trades(number)
        put(stored, worker.checkpoint())
    assert {key.rpartition(b"@")[2] for key in stored} == {b"w4"}


def test_state_of_another_version_or_division_is_refused() -> None:
    with pytest.raises(BlobError, match="older version"):
        Worker("one", {b"manifest": b""})
    stored: dict[bytes, bytes] = {}
    one = Worker("one", stored)
    one.trades(0)
    put(stored, one.checkpoint())
    with pytest.raises(BlobError, match="16 shards, the setting says 8"):
        Ledger("two", 8).restore(stored)
