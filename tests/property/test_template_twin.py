"""Rules of every alert type fire in the engine exactly where they do in the plain second engine."""

import msgspec
import pytest

from engine.rules.body import rules_of
from engine.rules.templates.catalogue import TEMPLATES
from schemas.rule import RuleBody
from schemas.rule_file import load_rule_file
from tests.support.engine_runs import RuleSets, engine_outcome, random_cuts, twin_outcome
from tests.support.markets import Market

PACES = (3.0, 40.0)


def bodies() -> dict[str, RuleBody]:
    """A rule for each, that asks for no volume; a level is vwap."""
    more = {"volume_threshold": 0, "calculated_during": "all", "cooldown": 0}
    needed = {name: {"level": "vwap"} for name in ("crossed_above", "crossed_below")}
    rules = [{"id": name, "template": name, **more, **needed.get(name, {})} for name in TEMPLATES]
    entries, found = rules_of(load_rule_file(msgspec.json.encode(rules)))
    return {entry.id: found[entry.hash] for entry in entries}


@pytest.mark.parametrize("seed", range(4))
def test_engine_and_twin_agree(seed: int) -> None:
    sets = RuleSets()
    records = Market(seed, [sets.add(bodies())], PACES[seed % len(PACES)]).records(400)
    twin = twin_outcome(records, sets)
    engine = engine_outcome(records, sets, random_cuts(seed, len(records), 1 + seed))
    assert engine.alerts == twin.alerts
    assert engine == twin
    assert engine.alerts
