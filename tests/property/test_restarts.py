"""A partition taken apart into pieces and put together again goes on as if nothing had happened."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.partition import Partition
from engine.pieces import Header
from infra.calendars import load_calendars
from schemas.alert import AlertBody
from schemas.bar import decode_bar
from tables.blob import StoredHeader, decode_blob, encode_blob
from tables.manifest import VERSION, Manifest, resume
from tests.support.engine_runs import Outcome, RuleSets, engine_outcome, feed, random_cuts, spans
from tests.support.markets import Market
from tests.support.random_rules import add_rule_sets
from tests.support.twin import Record

SHARDS = 16


class Store:
    """Pieces and a manifest as a checkpoint stores them, as bytes."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self._positions: dict[str, int] = {}
        self._header = Header()

    def checkpoint(self, partition: Partition, ends: bool = True) -> None:
        """All that changed, at one position; without `ends` the process dies before the manifest is written."""
        for key in partition.changed_pieces():
            piece = partition.export_piece(key)
            self.blobs[key] = encode_blob(piece)
            if ends:
                self._positions[key] = piece.header.position
        if ends:
            self._header = partition.header

    def overwrite(self, old: dict[str, bytes], shard: str) -> None:
        """A shard's pieces as they were before: what an expelled worker does."""
        self.blobs |= {key: blob for key, blob in old.items() if key.rpartition("/")[2] == shard}

    def restore(self, sets: RuleSets) -> Partition:
        """A partition as a new worker makes it."""
        manifest = Manifest(VERSION, SHARDS, StoredHeader.of(self._header), self._positions, "test")
        found = resume(manifest, {key: decode_blob(blob) for key, blob in self.blobs.items()})
        partition = Partition(0, None, load_calendars())
        for piece in found.pieces:
            partition.import_piece(piece)
        partition.begin_at(found.header, sets.plans)
        return partition


def run_with_crashes(records: list[Record], sets: RuleSets, seed: int, stale: bool) -> Outcome:
    """Checkpoints and crashes at random, until the end of the log; with `stale` an expelled worker's old pieces are
    written over new ones just before a crash."""
    rng, store, told = random.Random(seed), Store(), Outcome()
    partition, done = Partition(0, None, load_calendars()), False
    while not done:
        todo = [record for record in records if record.offset > partition.position]
        lives = len(todo) if rng.random() < 0.3 else rng.randrange(1, 200)
        done = lives >= len(todo)
        for start, end in spans(random_cuts(rng.random(), min(lives, len(todo)), 8), min(lives, len(todo))):
            feed(partition, todo[start:end], sets, told)
            if rng.random() < 0.4:
                before = dict(store.blobs)
                ends = rng.random() < 0.8
                store.checkpoint(partition, ends)
                if stale and before and rng.random() < 0.5:
                    store.overwrite(before, rng.choice(sorted(before)).rpartition("/")[2])
                    ends = False
                if not ends:
                    done = False
                    break
        partition = store.restore(sets)
    return told


def collapsed(outcome: Outcome) -> tuple[dict[str, bytes], dict[tuple[str, str, int, int], bytes]]:
    """As consumers do: alerts by id, bars by key and revision. What comes twice must be the same."""
    alerts: dict[str, bytes] = {}
    bars: dict[tuple[str, str, int, int], bytes] = {}
    for body in outcome.alerts:
        assert alerts.setdefault(msgspec.json.decode(body, type=AlertBody).id, body) == body, (
            "an id stands for one body"
        )
    for text in (one for of_symbol in outcome.bars.values() for one in of_symbol):
        bar = decode_bar(text)
        assert bars.setdefault((bar.symbol, bar.timeframe, bar.start, bar.rev), text) == text
    return alerts, bars


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("stale", [False, True])
def test_crashes_change_nothing(seed: int, stale: bool) -> None:
    sets = RuleSets()
    records = Market(1_000 + seed, add_rule_sets(sets, seed), pace=(0.3, 3.0, 40.0)[seed % 3]).records(900)
    whole = engine_outcome(records, sets)
    crashed = run_with_crashes(records, sets, seed, stale)
    assert collapsed(crashed) == collapsed(whole)
    assert crashed.refused == whole.refused
    assert crashed.late == whole.late


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(1, 299), max_size=40), pace=st.sampled_from([0.3, 3, 40]))
def test_any_split_into_batches_gives_the_same(seed: int, cuts: list[int], pace: float) -> None:
    sets = RuleSets()
    records = Market(seed, add_rule_sets(sets, seed), pace).records(300)
    assert engine_outcome(records, sets, cuts) == engine_outcome(records, sets)
