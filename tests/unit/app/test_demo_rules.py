"""Every rule of the demo fires in the demo's market, for a reason in words: an hour and a half of it, offline."""

import asyncio
import re
from collections import defaultdict
from datetime import time
from functools import cache
from itertools import islice

import msgspec

from app.demo import RULES
from app.rules_commands import read
from engine.partition import Partition
from engine.rules.plan import compile_rule_set
from engine.rules.sentence import sentence
from infra.calendars import load_calendars
from ingest.sim import SimProvider
from ingest.sim_options import SimOptions
from schemas.batch import Chunk
from schemas.control import encode_rule_set_switch
from schemas.decode import decode_chunk
from schemas.rule import rule_set_hash
from schemas.rule_file import load_rule_file

# As many ticks a symbol as in the demo's history.
MARKET = SimOptions(symbols=120, rate=1_200, history_rate=1_200 / 150, start=time(9, 30), live=time(11))
RECORDS_PER_STEP = 8_192


async def records() -> list[bytes]:
    """The market's history, as it is sent."""
    provider, found = SimProvider(MARKET), [encode_rule_set_switch(rule_set_hash(read(RULES)[0]), 1)]
    await provider.subscribe(await provider.universe())
    async for batch in provider.batches():
        if batch.paced:
            break
        found += [placed.value for placed in batch.placed]
        found += batch.json(batch.trades.offset)
    return found


@cache
def fired() -> dict[str, list[str]]:
    """What is said each time that a rule fires."""
    entries, bodies = read(RULES)
    plans = {rule_set_hash(entries): compile_rule_set(rule_set_hash(entries), entries, bodies)}
    partition, found = Partition(0, None, load_calendars()), defaultdict[str, list[str]](list)
    sent = iter(enumerate(asyncio.run(records())))
    while step := list(islice(sent, RECORDS_PER_STEP)):
        chunk = Chunk([offset for offset, _ in step], [value for _, value in step], [-1] * len(step))
        for alert in partition.step(decode_chunk(chunk, partition.symbols), plans).alerts:
            found[alert.body.rule_id].append(sentence(alert.body))
    return found


def test_every_rule_of_the_demo_fires() -> None:
    assert {entry.id for entry in read(RULES)[0]} - fired().keys() == set()


def test_every_reason_is_in_words() -> None:
    for rule, sentences in fired().items():
        for one in sentences:
            assert not re.search(r"_|\w\(\d+, |no value|==|\.\d{6}|…$", one), (rule, one)
    assert re.fullmatch(r"\S+ 1m change \S+% > 0.3%, 1m volume \S+x usual", fired()["momentum"][0])
    assert re.fullmatch(
        r"\S+ 5m bullish engulfing, price \S+ > VWAP \S+, day volume \S+ >= 50K", fired()["engulfing-above-vwap"][0]
    )


def test_the_demo_shows_what_rules_can_be() -> None:
    file = load_rule_file(RULES.read_bytes())
    assert len(file.rules) >= 25
    assert all(rule.name and rule.description for rule in file.rules)
    raw = msgspec.json.decode(RULES.read_bytes())
    for field in ("conditions", "expression", "template", "rearm", "trigger"):
        assert any(field in rule for rule in raw["rules"])
    assert file.metrics
