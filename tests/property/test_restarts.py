"""A partition taken apart into pieces and put together again goes on as if nothing had happened."""

import random
from itertools import count

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.partition import Partition
from infra.calendars import load_calendars
from schemas.alert import AlertBody
from schemas.bar import decode_bar
from tables.ledger import Ledger, Records
from tests.support.engine_runs import Outcome, RuleSets, engine_outcome, feed
from tests.support.markets import Market
from tests.support.random_rules import add_rule_sets, add_tag_rules
from tests.support.twin import Record

SHARDS = 16


class Store:
    """Records of the state as the changelog and the disk have them, whoever wrote them."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}

    def take(self, records: Records) -> None:
        """As RocksDB and compaction do."""
        for key, value in records:
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value


class Life:
    """A worker from a restore to its death. It takes the records up to its last one in pieces of random length."""

    def __init__(self, store: Store, number: int, records: list[Record], sets: RuleSets, rng: random.Random) -> None:
        self._store, self._sets, self._rng = store, sets, rng
        self._ledger = Ledger(f"w{number}", SHARDS)
        found = self._ledger.restore(store.records)
        self.partition = Partition(0, None, load_calendars(), without_rules=sets.without_rules)
        for piece in found.pieces:
            self.partition.import_piece(piece)
        self.partition.begin_at(found.header, sets.plans)
        self._rest = [record for record in records if record.offset > self.partition.position]
        self._todo: list[Record] = []
        self.lives_on(len(self._rest) if rng.random() < 0.3 else rng.randrange(1, 200))

    @property
    def is_last(self) -> bool:
        """Whether it came to the end of the log."""
        return not self._todo and not self._rest

    def lives_on(self, records: int) -> None:
        """It takes so many records more."""
        self._todo, self._rest = self._rest[:records], self._rest[records:]

    def dies(self) -> None:
        """What it was still to do is never done."""
        self._rest, self._todo = [*self._todo, *self._rest], []

    def go_on(self, told: Outcome) -> bool:
        """The next chunk; False where there is none."""
        size = self._rng.randint(1, 40)
        chunk, self._todo = self._todo[:size], self._todo[size:]
        if chunk:
            feed(self.partition, chunk, self._sets, told)
        return bool(chunk)

    def checkpoint(self, told: Outcome) -> None:
        """All that changed; the log goes on between shards. At times the process dies before the manifest is written,
        or in the middle of a shard."""
        header, ends = self.partition.header, self._rng.random() < 0.7
        for shard in self.partition.changed_shards():
            records = self._ledger.encode(self.partition.export_changed(shard)).records
            if not ends and self._rng.random() < 0.1:
                self._store.take(records[: self._rng.randrange(len(records))])
                self.dies()
                return
            self._store.take(records)
            if self._rng.random() < 0.2:
                self.go_on(told)
        if ends:
            self._store.take([self._ledger.manifest(header)])
            self._store.take(self._ledger.take_superseded())
        else:
            self.dies()


def run_with_crashes(records: list[Record], sets: RuleSets, seed: int, expelled: bool) -> Outcome:
    """Checkpoints and crashes at random, until the end of the log; with `expelled`, workers that were given up go on
    and write their state beside that of their successors."""
    rng, store, told = random.Random(seed), Store(), Outcome()
    before: Life | None = None
    for number in count():
        life = Life(store, number, records, sets, rng)
        while life.go_on(told):
            if rng.random() < 0.3:
                life.checkpoint(told)
            if before is not None and rng.random() < 0.3 and before.go_on(told):
                before.checkpoint(told)
        if life.is_last:
            return told
        if expelled:
            before = life
            before.lives_on(rng.randrange(300))
    raise AssertionError("the log has an end")


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
@pytest.mark.parametrize("expelled", [False, True])
def test_crashes_change_nothing(seed: int, expelled: bool) -> None:
    sets = RuleSets()
    records = Market(1_000 + seed, add_rule_sets(sets, seed), pace=(0.3, 3.0, 40.0)[seed % 3]).records(900)
    whole = engine_outcome(records, sets)
    crashed = run_with_crashes(records, sets, seed, expelled)
    assert collapsed(crashed) == collapsed(whole)
    assert crashed.refused == whole.refused
    assert crashed.late == whole.late


@pytest.mark.parametrize("seed", range(6))
def test_crashes_change_nothing_where_tags_change_all_the_time(seed: int) -> None:
    sets = RuleSets()
    records = Market(seed, add_tag_rules(sets, seed), (0.3, 3.0, 40.0)[seed % 3], reference_share=0.3).records(600)
    whole = engine_outcome(records, sets)
    assert whole.alerts
    assert collapsed(run_with_crashes(records, sets, seed, expelled=bool(seed % 2))) == collapsed(whole)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(1, 299), max_size=40), pace=st.sampled_from([0.3, 3, 40]))
def test_any_split_into_batches_gives_the_same(seed: int, cuts: list[int], pace: float) -> None:
    sets = RuleSets()
    records = Market(seed, add_rule_sets(sets, seed), pace).records(300)
    assert engine_outcome(records, sets, cuts) == engine_outcome(records, sets)
