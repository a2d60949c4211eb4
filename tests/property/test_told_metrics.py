"""Figures told at closes: those that the twin's rules on bar close see, whatever the cuts, crashes and glances at live
figures between."""

import random
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest

from engine.partition import Partition
from engine.rules.parser import parse_numbers
from engine.rules.plan import Asked
from engine.timeframes import ALL
from infra.calendars import load_calendars
from schemas.alert import AlertBody
from schemas.bar import decode_bar
from schemas.metrics import decode_metrics
from schemas.rule import BAR_CLOSE, RuleBody
from tests.property.test_restarts import run_with_crashes
from tests.support.engine_runs import Outcome, RuleSets, engine_outcome, feed, random_cuts, spans, twin_outcome
from tests.support.markets import Market
from tests.support.random_rules import METRICS, add_rule_sets
from tests.support.twin import Record

PACES = (0.3, 3.0, 40.0)
NEVER = -123_456.5
"""A bound that no figure equals, so that a rule fires wherever its number exists."""
CALCULATED = (
    "close(5m) - sma(2, 5m), 100 * (close / vwap - 1), prev(close), ema(4, 1m)[2], highest(3, rsi(3, 1m)), "
    "avg(4, close(15m)), max(high(5m), day_high) - min(low, day_low), count(5, close > sma(5, 1m)), prev(prev(vwap))"
)
NUMBERS = (*parse_numbers(", ".join(name for name, _ in METRICS)), *parse_numbers(CALCULATED))
Figures = dict[tuple[str, str, int], dict[str, float]]
"""By symbol, timeframe and last moment of the bar: those that exist."""


def told(outcome: Outcome) -> Figures:
    """As they were told; there is one record a close, for a bar that was told too."""
    found: Figures = {}
    bars = {symbol: [decode_bar(line) for line in lines] for symbol, lines in outcome.bars.items()}
    starts = {(bar.symbol, bar.timeframe, bar.start) for some in bars.values() for bar in some if bar.rev == 0}
    for record in (decode_metrics(line) for lines in outcome.metrics.values() for line in lines):
        assert (record.symbol, record.timeframe, record.start) in starts
        key = (record.symbol, record.timeframe, record.ts)
        assert key not in found
        found[key] = dict(record.existing())
    return found


def seen_by_rules(alerts: Sequence[bytes]) -> Figures:
    """What rules on bar close saw, each the difference of a number and NEVER."""
    found: Figures = {}
    for body in (msgspec.json.decode(alert, type=AlertBody) for alert in alerts):
        leaf = body.explanation[0]
        assert leaf.value is not None
        found.setdefault((body.symbol, body.trigger.split()[1], body.ts), {})[leaf.expression] = leaf.value
    return found


def closes() -> RuleSets:
    """A set with a rule on bar close for every number, all of them told besides."""
    sets = RuleSets(asked=Asked(NUMBERS))
    frames = {node: frame for frame, nodes in sets.asked.told(()).items() for node in nodes}
    rules = {node.text: RuleBody(f"{node.text} != {NEVER}", BAR_CLOSE, 0, frames[node].name) for node in NUMBERS}
    sets.add(rules)
    return sets


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_they_are_what_rules_on_bar_close_see(seed: int) -> None:
    sets = closes()
    (key,) = sets.plans
    records = Market(seed, [key], PACES[seed % 3]).records(250)
    outcome = engine_outcome(records, RuleSets(sets.plans, sets.rules), random_cuts(seed, len(records), 6))
    figures, twin = told(outcome), seen_by_rules(twin_outcome(records, sets).alerts)
    assert {key: some for key, some in figures.items() if some} == twin
    assert len({name for some in figures.values() for name in some}) > len(NUMBERS) / 2


@pytest.mark.parametrize("seed", range(4))
def test_those_of_rules_are_told_and_nothing_else_changes(seed: int) -> None:
    """With the metrics of rules on all rows told at their closes, bars and alerts are as without."""
    quiet, loud = RuleSets(), RuleSets(asked=Asked(of_rules=True))
    keys = add_rule_sets(quiet, seed)
    assert add_rule_sets(loud, seed) == keys
    records = Market(seed, keys, PACES[seed % 3]).records(400)
    before, outcome = engine_outcome(records, quiet), engine_outcome(records, loud)
    assert told(outcome)
    outcome.metrics.clear()
    assert outcome == before


def glanced_at(records: Sequence[Record], sets: RuleSets, seed: int) -> Outcome:
    """The log in pieces; between them somebody looks at the live figures."""
    rng, outcome = random.Random(seed), Outcome()
    partition = Partition(0, None, load_calendars(), without_rules=sets.without_rules)
    for start, end in spans(random_cuts(seed, len(records), 60), len(records)):
        feed(partition, records[start:end], sets, outcome)
        partition.live()
        given = partition.live_figures(rng.choice((1, 50, 10_000)))
        assert all(len(one.values) == len(given.names) for one in given.metrics)
    return outcome.ordered()


@pytest.mark.parametrize("seed", range(5))
def test_cuts_crashes_and_glances_change_nothing(seed: int) -> None:
    sets = RuleSets(asked=Asked(NUMBERS[seed::3], of_rules=bool(seed % 2)))
    records = Market(2_000 + seed, add_rule_sets(sets, seed), PACES[seed % 3]).records(400)
    whole = engine_outcome(records, sets)
    assert len(told(whole)) > 5
    assert glanced_at(records, sets, seed) == whole
    crashed = run_with_crashes(records, sets, seed, expelled=bool(seed % 2))
    assert {line for lines in crashed.metrics.values() for line in lines} == {
        line for lines in whole.metrics.values() for line in lines
    }


def test_a_close_tells_the_figures_with_its_own_bar_in() -> None:
    sets = RuleSets(asked=Asked(parse_numbers(", ".join(f"close({frame.name})" for frame in ALL))))
    outcome = engine_outcome(Market(4, [sets.add({})], 3.0).records(600), sets)
    closing: dict[tuple[str, str, int], float] = {}
    for bar in (decode_bar(line) for lines in outcome.bars.values() for line in lines):
        closing.setdefault((bar.symbol, bar.timeframe, bar.start), bar.close)
    records = [decode_metrics(line) for lines in outcome.metrics.values() for line in lines]
    found = {(one.symbol, one.timeframe, one.start): one.values[0] for one in records}
    assert found.items() <= closing.items()
    assert len(closing) - len(found) <= outcome.amended, "a bar that a late trade makes had no close"
    for one, following in pairwise(records):
        assert one.symbol != following.symbol or one.ts <= following.ts
