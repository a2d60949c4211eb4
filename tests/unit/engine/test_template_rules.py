"""Rules of alert types, as fields and in lists: what they take from the alert type, and errors that say where."""

import msgspec
import pytest

from engine.rules.body import rules_of
from schemas.rule import RuleBody, RuleError
from schemas.rule_file import load_rule_file
from tests.support.lab import DAY, MINUTE, Lab, utc


def body(**rule: object) -> RuleBody:
    entries, bodies = rules_of(load_rule_file(msgspec.json.encode([{"id": "r"} | rule])))
    return bodies[entries[0].hash]


def condition(metric: str, value: float = 1, **more: object) -> RuleBody:
    return body(conditions=[{"metric": metric, "operator": "==", "value": value, **more}])


ORB = 'crosses_above(price, opening_range_high(15m)) and session == "regular" and volume_day >= 75000'
INSIDE = "high(5m) < high(5m)[1] and low(5m) > low(5m)[1]"


def test_trigger_session_and_volume_are_those_of_the_alert_type() -> None:
    assert body(template="opening_range_breakout", minutes=15) == RuleBody(ORB, "becomes_true", 10 * 10**9)
    assert body(template="inside_bar", volume_threshold=0) == RuleBody(INSIDE, "bar_close", 10 * 10**9, timeframe="5m")


def test_each_of_them_can_be_another() -> None:
    changed = {"volume_threshold": 5, "calculated_during": "premarket", "trigger": "once_per_bar", "timeframe": "60m"}
    found = body(template="opening_range_breakout", minutes="15m", cooldown=3, **changed)
    expression = 'crosses_above(price, opening_range_high(15m)) and session == "pre" and volume_day >= 5'
    assert found == RuleBody(expression, "once_per_bar", 3 * 10**9, timeframe="1h")
    told = body(template="inside_bar", timeframe="15m", trigger="becomes_true", volume_threshold=0)
    assert (told.trigger, told.timeframe, told.expression) == ("becomes_true", "", INSIDE.replace("5m", "15m"))


@pytest.mark.parametrize("symbol", ["AAPL", "A-USD"])
def test_the_first_price_of_a_day_is_no_new_extreme(symbol: str) -> None:
    low = body(template="new_day_low", cooldown=0)
    lab = Lab({"high": body(template="new_day_high", cooldown=0), "low": low})
    ten = utc("2025-11-05T15:00:00")
    for minute, price in enumerate((100, 101, 99)):
        lab.trade(ten + minute * MINUTE, price, symbol=symbol)
    for minute, price in enumerate((200, 200, 201)):
        lab.trade(ten + DAY + minute * MINUTE, price, symbol=symbol)
    lab.trade(ten + 2 * DAY, 50, symbol=symbol)
    assert lab.fired("high") == [ten + MINUTE, ten + DAY + 2 * MINUTE]
    assert lab.fired("low") == [ten + 2 * MINUTE]


def test_more_conditions_must_hold_as_well() -> None:
    more = {"conditions": [{"metric": "rsi_14", "operator": "<", "value": 30}], "expression": "price > 5"}
    found = body(template="inside_bar", volume_threshold=0, **more)
    assert found.expression == f"{INSIDE} and rsi(14, 1m) < 30 and price > 5"


def test_session_and_volume_of_a_rule_hold_for_all_of_it() -> None:
    found = body(expression="price > 1 or price < 0.5", calculated_during="market", volume_threshold=7)
    assert found.expression == '(price > 1 or price < 0.5) and session == "regular" and volume_day >= 7'


def test_without_an_id_a_rule_is_called_after_its_alert_type_and_parameters() -> None:
    rules = [{"template": "opening_range_breakout", "minutes": 15}, {"template": "inside_bar", "timeframe": "1h"}]
    entries, _ = rules_of(load_rule_file(msgspec.json.encode(rules)))
    assert [(entry.id, entry.name) for entry in entries] == [
        ("opening_range_breakout-15",) * 2,
        ("inside_bar-1h",) * 2,
    ]


@pytest.mark.parametrize(
    ("found", "expression"),
    [
        (condition("inside_bar_15m"), INSIDE.replace("5m", "15m")),
        (condition("inside_bar", timeframe="15m"), INSIDE.replace("5m", "15m")),
        (condition("inside_bar"), INSIDE),
        (condition("inside_bar", 0), f"not ({INSIDE})"),
        (condition("halt", volume_threshold=9), "halted > prev(halted) and volume_day >= 9"),
        (condition("crossed_above_vwap"), "crosses_above(price, vwap)"),
        (condition("crossed_below_ema20_5m"), "crosses_below(price, ema(20, 5m))"),
        (body(expression="not inside_bar"), f"not ({INSIDE})"),
        (body(expression="crossed_above(ema(20, 5m)[1])"), "crosses_above(price, ema(20, 5m)[1])"),
        (body(expression="block_trade(10k, 1M)"), "trade_size >= 10000 or trade_value >= 1000000"),
    ],
)
def test_an_alert_type_is_a_condition(found: RuleBody, expression: str) -> None:
    assert found.expression == expression


@pytest.mark.parametrize(
    ("rule", "where", "reason"),
    [
        ({"template": "inside_ba"}, "template", "unknown alert type 'inside_ba'; did you mean inside_bar?"),
        ({"template": 5}, "template", "Expected `str`, got `int`"),
        (
            {"template": "opening_range_breakout", "minuts": 5},
            "minuts",
            "is no parameter of opening_range_breakout and no field of a rule; did you mean minutes?",
        ),
        (
            {"template": "halt", "cooldwn": 5},
            "cooldwn",
            "is no parameter of halt and no field of a rule; did you mean cooldown?",
        ),
        ({"template": "opening_range_breakout", "minutes": 99}, "minutes", "'99m' is not a duration, 1m to 1h"),
        ({"template": "inside_bar", "timeframe": "7m"}, "timeframe", "'7m' is not a timeframe: 1m, 2m"),
        ({"template": "running_up", "percent": 0}, "percent", "'0' is not a number from 0.1 to 100"),
        ({"template": "running_up", "percent": True}, "percent", "is neither a number nor a text"),
        ({"template": "running_up", "window": 60}, "window", "'60' is not a duration, 60s to 300s"),
        ({"template": "crossed_above"}, "level", "argument level is missing: a price"),
        (
            {"template": "crossed_above", "level": "vwop"},
            "level, column 1",
            "unknown metric 'vwop'; did you mean vwap?",
        ),
        ({"template": "crossed_above", "level": "1) or (2"}, "level, column 2", "an operator or the end is expected"),
        (
            {"template": "inside_bar", "conditions": [{"metric": "x", "op": ">", "value": 1}]},
            "conditions[0].metric",
            "",
        ),
        ({"conditions": [{"metric": "halt", "op": ">", "value": 1}]}, "conditions[0].value", "halt is true or false"),
        (
            {"conditions": [{"metric": "halt", "op": "==", "value": 1, "timeframe": "5m"}]},
            "conditions[0].metric, column 1",
            "halt: takes nothing, not 1 arguments",
        ),
        ({"expression": "inside_bar(5m, 3)"}, "expression, column 1", "inside_bar: takes timeframe, not 2 arguments"),
        (
            {"expression": "sector > 5"},
            "expression, column 1",
            "there is no metric sector yet: it awaits figures that are",
        ),
    ],
)
def test_what_is_wrong_is_named(rule: dict[str, object], where: str, reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        body(**rule)
    assert caught.value.where.startswith(f"rules[0].{where}")
    assert caught.value.reason.startswith(reason)
