"""A partition taken apart into pieces and put together again goes on as if nothing had happened."""

import random

import pytest

from engine.partition import Partition
from engine.pieces import Header
from infra.calendars import load_calendars
from tables.blob import StoredHeader, decode_blob, encode_blob
from tables.manifest import VERSION, Manifest, resume
from tests.support.engine_runs import Outcome, chunk_of, plans_of, random_split, run_engine, step
from tests.support.markets import Market, make_market, split


class Store:
    """Pieces and a manifest as a checkpoint stores them, as bytes."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.positions: dict[str, int] = {}
        self.header = Header()

    def checkpoint(self, partition: Partition) -> None:
        """All that changed, at one position."""
        self.header = partition.header
        for key in partition.changed_pieces():
            piece = partition.export_piece(key)
            self.blobs[key] = encode_blob(piece)
            self.positions[key] = piece.header.position

    def restore(self, plans: dict) -> tuple[Partition, int]:  # type: ignore[type-arg]  # plans by hash
        """A partition and the offset to read from."""
        manifest = Manifest(VERSION, 16, StoredHeader.of(self.header), self.positions, "test")
        found = resume(manifest, {key: decode_blob(blob) for key, blob in self.blobs.items()})
        partition = Partition(0, None, load_calendars())
        for piece in found.pieces:
            partition.import_piece(piece)
        partition.begin_at(found.header, plans)
        return partition, found.header.position + 1


def run_with_restarts(market: Market, seed: int, stale: bool) -> Outcome:
    """Checkpoints and crashes at random; with `stale` an expelled worker's old piece is written over a new one."""
    rng, plans, store, outcome = random.Random(seed), plans_of(market), Store(), Outcome()
    partition = Partition(0, None, load_calendars())
    position, told = 0, Outcome()
    while position < len(market.records):
        for batch in split(rng, market.records[position : position + rng.randrange(50, 400)], 60):
            step(partition, batch, plans, told)
            position = batch[-1].offset + 1
            if rng.random() < 0.2:
                before = dict(store.blobs)
                store.checkpoint(partition)
                if stale and before and rng.random() < 0.3:
                    shard = rng.choice(list(before)).rpartition("/")[2]
                    store.blobs |= {key: blob for key, blob in before.items() if key.rpartition("/")[2] == shard}
        partition, position = store.restore(plans)
        if rng.random() < 0.3:
            # Far enough from the last crash to get on.
            for batch in split(rng, market.records[position:], 200):
                step(partition, batch, plans, told)
            position = len(market.records)
    by_id = {alert.id: alert for alert in told.alerts}
    assert all(by_id[alert.id] == alert for alert in told.alerts), "an id stands for one body"
    outcome.alerts = list(by_id.values())
    outcome.bars = list({(b.symbol, b.timeframe, b.start, b.rev): b for b in told.bars}.values())
    return outcome.sorted()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("stale", [False, True])
def test_crashes_change_nothing(seed: int, stale: bool) -> None:
    market = make_market(1_000 + seed)
    whole = run_engine(market)
    crashed = run_with_restarts(market, seed, stale)
    assert crashed.bars == whole.bars
    assert crashed.alerts == whole.alerts


@pytest.mark.parametrize("seed", range(6))
def test_any_split_into_batches_gives_the_same(seed: int) -> None:
    market = make_market(2_000 + seed)
    whole = run_engine(market)
    for most in (2, 30, 700):
        assert run_engine(market, random_split(market, seed, most)) == whole


def test_a_chunk_reads_as_it_was_written() -> None:
    market = make_market(7, 50)
    assert list(chunk_of(market.records).values) == [record.value for record in market.records]
