"""Every alert type fires where it should and not where it just should not, however a rule names it."""

import msgspec
import pytest

from engine.rules.body import rules_of
from engine.rules.parser import parse_condition
from engine.rules.templates.catalogue import TEMPLATES
from schemas.rule import BAR_CLOSE, RuleBody
from schemas.rule_file import load_rule_file
from tests.support.candles import fires
from tests.unit.engine.template_cases import CASES, Case

SILENT = {"id": "r", "cooldown": 0}


def body(**rule: object) -> RuleBody:
    """Of a rule with these fields."""
    entries, bodies = rules_of(load_rule_file(msgspec.json.encode([SILENT | rule])))
    return bodies[entries[0].hash]


def of_template(case: Case) -> RuleBody:
    return body(template=case.name, volume_threshold=0, **case.parameters)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_fires_on_a_series_made_for_it(case: Case) -> None:
    assert len(fires(of_template(case), case.fires)) > case.opening


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_silent_on_a_near_miss(case: Case) -> None:
    assert len(fires(of_template(case), case.silent)) == case.opening


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_in_an_expression_and_in_a_list_of_conditions_it_is_the_same_condition(case: Case) -> None:
    rule = body(template=case.name, volume_threshold=0, calculated_during="all", **case.parameters)
    assert body(expression=case.call).expression == rule.expression
    assert parse_condition(rule.expression).text == rule.expression
    if case.name != "volume_spike":
        assert body(conditions=[{"metric": case.seed, "operator": "==", "value": 1}]).expression == rule.expression


def test_every_alert_type_has_a_case() -> None:
    assert sorted(case.name for case in CASES) == sorted(TEMPLATES)


def test_declarations_hold_together() -> None:
    for name, template in TEMPLATES.items():
        assert template.name == name
        assert not template.mirror or TEMPLATES[template.mirror].mirror == name
        assert template.timeframe is None or template.parameters[0] is template.timeframe
        assert template.trigger != BAR_CLOSE or template.timeframe is not None
        assert template.description.endswith(".")
