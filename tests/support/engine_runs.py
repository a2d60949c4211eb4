"""The engine over a made log, in batches; what it gives, ready to be compared."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.partition import EngineConfig, Partition
from engine.rules.plan import Plan, compile_rule_set
from infra.calendars import load_calendars
from schemas.alert import AlertBody, body_order
from schemas.bar import Bar, bar_order
from schemas.batch import Chunk
from schemas.decode import decode_chunk
from tests.support.markets import Market, split
from tests.support.twin import Record


@dataclass
class Outcome:
    """In digest order."""

    bars: list[Bar] = field(default_factory=list)
    alerts: list[AlertBody] = field(default_factory=list)
    refused: int = 0
    late: int = 0
    amended: int = 0
    duplicates: int = 0

    def sorted(self) -> "Outcome":
        self.bars.sort(key=bar_order)
        self.alerts.sort(key=body_order)
        return self


def plans_of(market: Market) -> dict[str, Plan]:
    return {name: compile_rule_set(name, *rules) for name, rules in market.sets.items()}


def chunk_of(records: Sequence[Record]) -> Chunk:
    return Chunk([r.offset for r in records], [r.value for r in records], [r.append_ts for r in records])


def step(partition: Partition, records: Sequence[Record], plans: dict[str, Plan], outcome: Outcome) -> None:
    batch = decode_chunk(chunk_of(records), partition.symbols)
    result = partition.step(batch, plans)
    outcome.bars += result.bars
    outcome.alerts += [fired.body for fired in result.alerts]
    outcome.refused += len(batch.rejected) + len(result.rejected)
    outcome.late += len(result.late)
    outcome.amended += result.counts.amended
    outcome.duplicates += result.counts.duplicates


def run_engine(market: Market, batches: Iterable[Sequence[Record]] | None = None) -> Outcome:
    """Over the whole market; without `batches` in one."""
    partition = Partition(0, None, load_calendars(), EngineConfig())
    plans, outcome = plans_of(market), Outcome()
    for records in batches if batches is not None else [market.records]:
        step(partition, records, plans, outcome)
    return outcome.sorted()


def random_split(market: Market, seed: int, most: int) -> Iterable[Sequence[Record]]:
    return split(random.Random(seed), market.records, most)
