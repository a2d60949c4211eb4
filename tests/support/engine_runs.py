"""The engine and its twin over the same log, their answers in one comparable form."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from engine.partition import Partition
from engine.result import StepResult
from engine.rules.parser import parse_condition
from engine.rules.plan import NOTHING_ASKED, Asked, Plan, compile_rule_set
from infra.calendars import load_calendars
from schemas.alert import body_order, encode_body
from schemas.bar import encode_bar
from schemas.batch import Chunk, TickBatch
from schemas.decode import decode_chunk
from schemas.metrics import encode_metrics
from schemas.partitioning import partition_of
from schemas.rule import EACH_ROW, RuleBody, RuleEntry, rule_hash, rule_set_hash
from tests.support.twin import Record, Rule, rules_of, run_log


@dataclass
class RuleSets:
    """Rule sets by hash, for the engine and for the twin. `asked`: what is told at closes with each of them."""

    plans: dict[str, Plan] = field(default_factory=dict)
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    asked: Asked = NOTHING_ASKED

    @property
    def without_rules(self) -> Plan:
        """Before the first set."""
        return compile_rule_set("", (), {}, self.asked)

    def add(self, rules: Mapping[str, RuleBody | tuple[str, int]]) -> str:
        """A set of bodies by rule id, or of expressions with a cooldown in ns that fire on each row; its hash."""
        bodies = {
            name: rule if isinstance(rule, RuleBody) else RuleBody(parse_condition(rule[0]).text, EACH_ROW, rule[1])
            for name, rule in rules.items()
        }
        entries = [RuleEntry(name, rule_hash(body), name, 1) for name, body in bodies.items()]
        by_hash = {rule_hash(body): body for body in bodies.values()}
        key = rule_set_hash(entries)
        self.plans[key] = compile_rule_set(key, entries, by_hash, self.asked)
        self.rules[key] = rules_of(entries, by_hash)
        return key


@dataclass
class Outcome:
    """What a log gives. `bars`, `metrics`: of each symbol in publishing order; `refused`, `late`: places in the log."""

    bars: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    alerts: list[bytes] = field(default_factory=list)
    metrics: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    refused: set[tuple[int, int]] = field(default_factory=set)
    late: set[tuple[int, int]] = field(default_factory=set)
    duplicates: int = 0
    amended: int = 0

    def add(self, batch: TickBatch, result: StepResult) -> None:
        """A step of the engine."""
        for bar in result.bars:
            self.bars[bar.symbol].append(encode_bar(bar))
        for record in result.metrics:
            self.metrics[record.symbol].append(encode_metrics(record))
        self.alerts += [encode_body(fired.body) for fired in sorted(result.alerts, key=lambda f: body_order(f.body))]
        self.refused |= {(one.offset, max(one.index, 0)) for one in (*batch.rejected, *result.rejected)}
        self.late |= {(trade.offset, trade.index) for trade in result.late}
        self.duplicates += result.counts.duplicates
        self.amended += result.counts.amended

    def ordered(self) -> Outcome:
        """Alerts sorted, so that runs compare."""
        self.alerts.sort()
        return self


def chunk_of(records: Sequence[Record]) -> Chunk:
    """The records as fetched."""
    return Chunk([r.offset for r in records], [r.value for r in records], [r.append_ts for r in records])


def feed(partition: Partition, records: Sequence[Record], sets: RuleSets, outcome: Outcome) -> None:
    """One chunk through the engine."""
    batch = decode_chunk(chunk_of(records), partition.symbols)
    outcome.add(batch, partition.step(batch, sets.plans))


def engine_outcome(
    records: Sequence[Record], sets: RuleSets, cuts: Sequence[int] = (), number: int = 0, partitions: int | None = None
) -> Outcome:
    """What the engine makes of the log, cut into chunks before the records at `cuts`."""
    partition = Partition(number, partitions, load_calendars(), without_rules=sets.without_rules)
    outcome = Outcome()
    for start, end in spans(cuts, len(records)):
        feed(partition, records[start:end], sets, outcome)
    return outcome.ordered()


def spans(cuts: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Begin and end of the pieces between the cuts."""
    edges = sorted({0, count, *(cut for cut in cuts if 0 < cut < count)})
    return list(pairwise(edges))


def random_cuts(seed: float, count: int, most: int) -> list[int]:
    """Up to `most` places to cut `count` records at."""
    rng = random.Random(seed)
    return [rng.randrange(count + 1) for _ in range(rng.randint(0, most))]


def _belongs(number: int, partitions: int | None) -> Callable[[str], bool]:
    return lambda symbol: partitions is None or partition_of(symbol, partitions) == number


def twin_outcome(records: Sequence[Record], sets: RuleSets, number: int = 0, partitions: int | None = None) -> Outcome:
    """What the twin makes of the log."""
    twin, outcome = run_log(records, sets.rules, belongs=_belongs(number, partitions)), Outcome()
    for bar in twin.bars:
        outcome.bars[bar.symbol].append(encode_bar(bar))
    outcome.alerts = [encode_body(body) for body in twin.alerts]
    outcome.refused = {(offset, max(place, 0)) for offset, place in twin.refused}
    for symbol in twin.symbols.values():
        outcome.late |= {(trade.offset, trade.index) for trade in symbol.late}
        outcome.duplicates += symbol.duplicates
        outcome.amended += symbol.amended
    return outcome.ordered()
