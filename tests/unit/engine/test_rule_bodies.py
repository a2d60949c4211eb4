"""Rules as people write them: expressions, triggers, limits, and the optional fields of the seed's conditions."""

import msgspec
import pytest

from engine.rules.body import body_of, rule_set
from schemas.rule import RuleBody, RuleError
from schemas.rule_file import load_rules


def body(**fields: object) -> RuleBody:
    entries, bodies = rule_set(load_rules(msgspec.json.encode([{"id": "r", **fields}])))
    return bodies[entries[0].hash]


def test_an_expression_alone_is_a_rule() -> None:
    assert body(expression="price>1") == RuleBody("price > 1", "each_row", 10 * 10**9)


def test_conditions_and_expression_hold_together() -> None:
    found = body(conditions=[{"metric": "rsi_14", "op": "<", "value": 30}], expression="vwap > 1 and price > 2")
    assert found.expression == "rsi(14, 1m) < 30 and vwap > 1 and price > 2"


def test_the_optional_fields_of_a_condition_become_part_of_the_expression() -> None:
    condition = {
        "metric": "volume",
        "operator": ">",
        "value": 1,
        "timeframe": "60m",
        "calculated_during": "premarket",
        "volume_threshold": 75_000,
    }
    assert body(conditions=[condition]).expression == 'volume(1h) > 1 and session == "pre" and volume_day >= 75000'


def test_all_limits_of_a_trigger() -> None:
    found = body(
        expression="price > 2",
        trigger="becomes_true",
        rearm="price<1",
        cooldown=0,
        expires_at=1_800_000_000,
        max_fires=3,
        runaway={"fires": 5, "minutes": 1.5},
    )
    assert found == RuleBody(
        "price > 2",
        "becomes_true",
        0,
        rearm="price < 1",
        expires_ns=1_800_000_000 * 10**9,
        max_fires=3,
        runaway_fires=5,
        runaway_ns=90 * 10**9,
    )
    assert body(expression="price > 2", trigger="bar_close", timeframe="60m").timeframe == "1h"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, r"rules\[0\].conditions: 0 conditions"),
        ({"expression": "price"}, "price is a number, not a condition"),
        ({"expression": "price > 1", "trigger": "sometimes"}, "unknown trigger 'sometimes'; known are each_row"),
        ({"expression": "price > 1", "trigger": "bar_close"}, "do not go together"),
        ({"expression": "price > 1", "timeframe": "5m"}, "do not go together"),
        ({"expression": "price > 1", "trigger": "bar_close", "timeframe": "7m"}, "'7m' is not a timeframe"),
        ({"expression": "price > 1", "rearm": "price < 1"}, "only becomes_true has a rearm condition"),
        ({"expression": "price > 1", "max_fires": -1}, "-1 is not a number of fires"),
        ({"expression": "price > 1", "runaway": {"fires": 1, "minutes": 1}}, "needs 2 to 100 fires"),
        ({"expression": "price > 1", "cooldwn": 3}, "unknown field `cooldwn`"),
        ({"conditions": [{"metric": "vwap", "op": ">", "value": 1, "timeframe": "5m"}]}, "vwap is on no timeframe"),
        ({"conditions": [{"metric": "price", "op": ">", "value": 1, "value_type": "%"}]}, "price is not counted in %"),
        (
            {"conditions": [{"metric": "price", "op": ">", "value": 1, "calculated_during": "noon"}]},
            "Invalid enum value",
        ),
    ],
)
def test_what_is_no_rule_is_named(fields: dict[str, object], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        body(**fields)


def test_a_body_is_its_own_normal_form() -> None:
    rule = load_rules(b'[{"id": "r", "expression": "close[1] < vwap", "trigger": "once_per_session"}]')[0]
    again = load_rules(
        msgspec.json.encode([{"id": "r", "expression": body_of(rule).expression, "trigger": "once_per_session"}])
    )
    assert body_of(again[0]) == body_of(rule)
