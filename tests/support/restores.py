"""Restores from a changelog as it was at each point of its past: every one must lead to the same answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

from engine.partition import DEFAULT_CONFIG, Partition
from engine.rules.plan import Plan, compile_rule_set
from infra.calendars import load_calendars
from infra.kafka.reader import Reader, chunk_of
from infra.kafka.rules import RuleLog
from schemas.alert import encode_body
from schemas.decode import decode_chunk
from schemas.topics import TICKS
from tables.ledger import Ledger
from tables.state import changelog_of
from tests.support.load import differing
from tests.support.scanning import APP_ID
from tests.support.tick_log import PARTITIONS, Answer, offline_answer

MOST_OF_A_PARTITION: Final = 25
SHARDS: Final = DEFAULT_CONFIG.shards


async def check_every_restore(bootstrap: str, chance: random.Random) -> int:
    """Restore each partition from many prefixes of its changelog, read the log to its end, and compare with the whole
    answer; how many restores there were."""
    whole, rules, done = await offline_answer(bootstrap), RuleLog(bootstrap), 0
    changelog = await _by_partition(bootstrap, changelog_of(APP_ID).name)
    ticks = await _by_partition(bootstrap, TICKS.name)
    for number, records in changelog.items():
        points = chance.sample(range(1, len(records) + 1), min(len(records), MOST_OF_A_PARTITION))
        for point in points:
            _check(whole, await _read_on(number, records[:point], ticks[number], rules), f"{number}/{point}")
            done += 1
    return done


def _check(whole: Answer, told: Answer, where: str) -> None:
    assert told.alerts.items() <= whole.alerts.items(), f"restored from changelog {where}"
    expected = {key: whole.bars.get(key) for key in told.bars}
    assert told.bars == expected, f"restored from changelog {where}: {differing(told.bars, expected)}"


async def _read_on(number: int, stored: Sequence[Any], ticks: Sequence[Any], rules: RuleLog) -> Answer:
    """What a worker would tell that has this state and reads the rest of the log."""
    state: dict[bytes, bytes] = {}
    for record in stored:
        if record.value is None:
            state.pop(record.key, None)
        else:
            state[record.key] = record.value
    found = Ledger("reader", SHARDS).restore(state)
    partition = Partition(number, PARTITIONS, load_calendars())
    for piece in found.pieces:
        partition.import_piece(piece)
    plans: dict[str, Plan] = {}
    if found.header.rule_set is not None:
        plans[found.header.rule_set] = await _plan(found.header.rule_set, rules)
    partition.begin_at(found.header, plans)
    rest = [record for record in ticks if record.offset > partition.position]
    batch = decode_chunk(chunk_of(rest), partition.symbols)
    for name in partition.switches(batch):
        plans[name] = await _plan(name, rules)
    result = partition.step(batch, plans)
    answer = Answer({fired.body.id: encode_body(fired.body) for fired in result.alerts})
    answer.take_bars(result.bars)
    return answer


async def _plan(name: str, rules: RuleLog) -> Plan:
    return compile_rule_set(name, *await rules.load(name))


async def _by_partition(bootstrap: str, topic: str) -> dict[int, list[Any]]:
    async with Reader(bootstrap, topic) as reader:
        return {
            whole.partition: [record async for batch in reader.read(whole) for record in batch]
            for whole in await reader.ranges()
        }
