"""The engine on columns gives what a plain second engine gives, trade after trade: bars, alerts, explanations."""

import pytest

from tests.support.engine_runs import RuleSets, engine_outcome, random_cuts, twin_outcome
from tests.support.markets import Market
from tests.support.random_rules import add_rule_sets

PACES = (0.3, 3.0, 40.0)


@pytest.mark.parametrize("seed", range(30))
def test_engine_and_twin_agree(seed: int) -> None:
    sets = RuleSets()
    market = Market(seed, add_rule_sets(sets, seed), PACES[seed % len(PACES)])
    records = market.records(700)
    twin = twin_outcome(records, sets)
    engine = engine_outcome(records, sets, random_cuts(seed, len(records), 1 + seed % 12))
    assert engine.bars == twin.bars
    assert engine.alerts == twin.alerts
    assert engine == twin


@pytest.mark.parametrize("seed", range(6))
def test_the_markets_reach_what_they_are_made_for(seed: int) -> None:
    """Over a few seeds together; one alone may lack something."""
    found = set()
    for number in range(seed * 6, seed * 6 + 6):
        sets = RuleSets()
        records = Market(number, add_rule_sets(sets, number), PACES[number % len(PACES)]).records(700)
        outcome = engine_outcome(records, sets)
        counted = {"duplicates": outcome.duplicates, "amended": outcome.amended, "late": outcome.late}
        found |= {name for name, count in counted.items() if count}
        found |= {name for name, some in {"bars": outcome.bars, "alerts": outcome.alerts}.items() if some}
        found |= {"refused"} if outcome.refused else set()
        confined = [rule.hash.encode() for rules in sets.rules.values() for rule in rules if rule.body.universe]
        found |= {"confined"} if any(key in alert for alert in outcome.alerts for key in confined) else set()
    assert found == {"duplicates", "amended", "late", "bars", "alerts", "refused", "confined"}
