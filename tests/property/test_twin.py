"""The engine on columns gives what a plain second engine gives, trade after trade: bars, alerts, explanations."""

import pytest

from engine.rules import matching
from tests.support.engine_runs import RuleSets, engine_outcome, random_cuts, twin_outcome
from tests.support.markets import Market
from tests.support.random_rules import add_rule_sets, add_tag_rules

PACES = (0.3, 3.0, 40.0)


@pytest.mark.parametrize("seed", range(30))
def test_engine_and_twin_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = RuleSets()
    market = Market(seed, add_rule_sets(sets, seed), PACES[seed % len(PACES)])
    records = market.records(700)
    twin = twin_outcome(records, sets)
    for directly in (matching.DIRECTLY, 0):  # how many rows are compared without blocks
        monkeypatch.setattr(matching, "DIRECTLY", directly)
        engine = engine_outcome(records, sets, random_cuts(seed, len(records), 1 + seed % 12))
        assert engine.bars == twin.bars
        assert engine.alerts == twin.alerts
        assert engine == twin


@pytest.mark.parametrize("seed", range(12))
def test_they_agree_where_tags_change_all_the_time(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = RuleSets()
    records = Market(seed, add_tag_rules(sets, seed), PACES[seed % len(PACES)], reference_share=0.3).records(500)
    twin = twin_outcome(records, sets)
    for directly in (matching.DIRECTLY, 0):
        monkeypatch.setattr(matching, "DIRECTLY", directly)
        assert engine_outcome(records, sets, random_cuts(seed, len(records), 1 + seed % 12)) == twin
    assert twin.alerts


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
        rules = [rule for rules in sets.rules.values() for rule in rules if rule.body.universe]
        confined = {rule.hash.encode(): rule for rule in rules}
        by_tags = [key for key, rule in confined.items() if rule.body.universe and rule.body.universe.is_by_tags]
        for name, keys in {"confined": confined, "tagged": by_tags}.items():
            found |= {name} if any(key in alert for alert in outcome.alerts for key in keys) else set()
    assert found == {"duplicates", "amended", "late", "bars", "alerts", "refused", "confined", "tagged"}
