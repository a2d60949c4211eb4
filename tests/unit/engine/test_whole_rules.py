"""The rules of the catalogue and of the seed fire where they should, in both forms, and not on a near miss."""

import msgspec
import pytest

from engine.rules.body import rules_of
from schemas.rule_file import load_rule_file
from tests.support.lab import MINUTE, Lab
from tests.unit.engine.whole_rules import CATALOGUE, OTHER_MISSES, SEED, Tape, Whole

FORMS = ("conditions", "expression")
CASES = [*CATALOGUE, *OTHER_MISSES, *SEED]


def fired(whole: Whole, form: str, tape: Tape) -> int:
    """How often the rule fires on the tape."""
    fields: object = whole.expression
    if form == "conditions":
        fields = [dict(zip(("metric", "operator", "value"), one, strict=True)) for one in whole.conditions]
    entries, bodies = rules_of(load_rule_file(msgspec.json.encode([{"id": "r", form: fields, "cooldown": 0}])))
    lab = Lab({"r": bodies[entries[0].hash]})
    for record in tape:
        lab.send(record)
    lab.beat(tape[-1]["ts"] + 10 * MINUTE)
    assert lab.rejected == []
    return len(lab.fired("r"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("whole", CASES, ids=lambda whole: whole.name)
def test_it_fires_on_a_tape_made_for_it(whole: Whole, form: str) -> None:
    assert fired(whole, form, whole.tape(True)) >= 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("whole", CASES, ids=lambda whole: whole.name)
def test_it_is_silent_on_a_near_miss(whole: Whole, form: str) -> None:
    assert fired(whole, form, whole.tape(False)) == 0
