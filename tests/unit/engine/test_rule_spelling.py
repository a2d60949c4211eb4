"""The rule language over its whole width: spelling, units, bounds, random rules and random text."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rules.body import body_of
from engine.rules.parser import parse, parse_condition
from engine.rules.plan import compile_rule_set
from engine.rules.tree import number_text
from schemas.rule import RuleBody, RuleEntry, RuleError, SeedCondition, SeedRule, rule_hash
from tests.support.random_rules import random_body


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("price > 1.0", "price > 1"),
        ("  price>1  ", "price > 1"),
        ("1 < price", "price > 1"),
        ("rsi < 30", "rsi(14, 1m) < 30"),
        ("rsi() < 30", "rsi(14, 1m) < 30"),
        ("rsi( 7 , 60m ) < 30", "rsi(7, 1h) < 30"),
        ("ema(200, 15m) >= 1e2", "ema(200, 15m) >= 100"),
        ("sma(200, 1d) <= .5", "sma(200, 1d) <= 0.5"),
        ("change_pct(60m) != -0.5%", "change_pct(1h) != -0.5"),
        ("volume_day >= 75k and price < 1M", "volume_day >= 75000 and price < 1000000"),
        (
            "volume_last(90m) > 1 and (volume > 2 and price > 3)",
            "volume_last(90m) > 1 and volume(1m) > 2 and price > 3",
        ),
        ("price > 1 and price > 1", "price > 1"),
        ("not not price > 1", "price > 1"),
        ("not (price > 1 or vwap > 2)", "not (price > 1 or vwap > 2)"),
        ("price > 1 or price < 2 and vwap > 3", "price > 1 or price < 2 and vwap > 3"),
        ("(price > 1 or price < 2) and vwap > 3", "(price > 1 or price < 2) and vwap > 3"),
        ("price - (vwap - 1) > 1 + 2 * 3", "price - (vwap - 1) > 7"),
        ("price > -(-vwap)", "price > vwap"),
        ("close[2] > close(5m)[0]", "close(1m)[2] > close(5m)"),
        ("close[2][3] > 1", "close(1m)[5] > 1"),
        ("crosses_above( ema(9,5m), vwap )", "crosses_above(ema(9, 5m), vwap)"),
        ("for_last(3, price>1) == 1", "for_last(3, price > 1)"),
        ("count(10, price > prev(price)) >= 7", "count(10, price > prev(price)) >= 7"),
        ("highest(5, high - low) < avg(5, high)", "highest(5, high(1m) - low(1m)) < avg(5, high(1m))"),
        ("is_null(vwap) or true", "is_null(vwap) or true"),
    ],
)
def test_one_canonical_spelling(text: str, expected: str) -> None:
    assert parse_condition(text).text == expected
    assert parse_condition(expected).text == expected


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "a metric, a number or a parenthesis is expected here, not the end"),
        ("price > 1 and", 14, "a metric, a number or a parenthesis is expected here, not the end"),
        ("price > 1 and  prise > 2", 16, "unknown metric 'prise'; did you mean price?"),
        ("price ~ 1", 7, "'~ 1' begins nothing that a rule is made of"),
        ("price => 1", 7, "'=> 1' begins nothing that a rule is made of"),
        ("(price > 1", 11, "')' is expected here, not the end"),
        ("price > 1 vwap", 11, "an operator or the end is expected here, not 'vwap'"),
        ("1 < price < 2", 11, "comparisons do not chain; join them with and"),
        ("price and vwap > 1", 1, "price is a number; a condition is needed here"),
        ("(price > 1) + 1 > 2", 1, "price > 1 is true or false; a number is needed here"),
        ("price(1m) > 1", 1, "price: takes no arguments, not 1"),
        ("emaa(20) > 1", 1, "unknown metric 'emaa'; did you mean ema?"),
        ("ema > 1", 1, "ema: argument n is missing: a number of bars, 1 to 200"),
        ("ema(0) > 1", 1, "ema: '0' is not a number of bars, 1 to 200"),
        ("ema(5m) > 1", 1, "ema: '5m' is not a number of bars, 1 to 200"),
        ("ema(201, 1d) > 1", 1, "ema: '201' is not a number of bars, 1 to 200"),
        ("change(21d) > 1", 1, "change: '21d' is not a duration, 60s to 300s or 1m to 4h or 1d to 20d"),
        ("close[201] > 1", 7, "201 is not a number of bars from 0 to 200"),
        ("close[150][100] > 1", 12, "looks back 250 bars; at most 200 are kept"),
        ("for_last(0, price > 1)", 10, "0 is not a number of bars from 1 to 200"),
        ("for_last(3, price)", 13, "price is a number; a condition is needed here"),
        ("prev(1) > 1", 1, "prev of a number that never changes"),
        ("price > 1 / 0", 11, "division by zero"),
    ],
)
def test_an_error_names_the_place_and_what_is_wrong(text: str, column: int, reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_condition(text)
    assert (caught.value.where, caught.value.reason) == (f"expression, column {column}", reason)


@pytest.mark.parametrize(
    "text",
    [
        "price > change_pct(5m)",
        "price > volume",
        "rsi > ema(9)",
        "price + volume > 1",
        "price / vwap > price",
        "price > 1%",
    ],
)
def test_numbers_of_different_units_do_not_go_together(text: str) -> None:
    with pytest.raises(RuleError, match=r"cannot be (compared with|added to)"):
        parse_condition(text)


def test_a_percent_against_a_price_is_refused_with_a_hint() -> None:
    with pytest.raises(RuleError, match=r"did you mean 100 \* \(a / b - 1\), or a metric whose name ends in _pct\?"):
        parse_condition("price > change_pct(5m)")


@pytest.mark.parametrize(
    "text", ["price / vwap > 1.01", "100 * (price / vwap - 1) > change_pct(5m)", "price * volume > 1"]
)
def test_units_that_go_together(text: str) -> None:
    assert parse_condition(text).truth


def test_size_depth_and_length_are_bounded() -> None:
    assert parse_condition("price > 1".ljust(4_000)).text == "price > 1"
    with pytest.raises(RuleError, match="longer than 4000 characters"):
        parse_condition("price > 1".ljust(4_001))
    assert "ema" in body_of(SeedRule(id="r", expression=" and ".join(["back_to_ema"] * 20))).expression
    with pytest.raises(RuleError, match="column 529: longer than 4000 characters when its names are written out"):
        body_of(SeedRule(id="r", expression=" and ".join(["back_to_ema"] * 200)))
    returns = [SeedCondition(metric=f"back_to_ema(5m, {i})", op="==", value=1) for i in range(2, 66)]
    with pytest.raises(RuleError, match="longer than 4000 characters when its names are written out"):
        body_of(SeedRule(id="r", conditions=returns))
    past = [f"stdev(200, vwap + {i}) > 1" for i in range(26)]
    assert body_of(SeedRule(id="r", expression=" and ".join(past[:25]))).expression
    with pytest.raises(RuleError, match=r"^rule: looks at 5,200 values of bars before; at most 5,000"):
        body_of(SeedRule(id="r", expression=" and ".join(past)))
    with pytest.raises(RuleError, match=r"^rule.rearm: looks at 5,200 values of bars before; at most 5,000"):
        body_of(SeedRule(id="r", expression="price > 1", trigger="becomes_true", rearm=" and ".join(past)))
    with pytest.raises(RuleError, match="nested more than 40 deep"):
        parse_condition("(" * 41 + "price > 1" + ")" * 41)
    with pytest.raises(RuleError, match="too large"):
        parse_condition("+".join(["price"] * 600) + " > 1")


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet='prices()[]<>=!+-*/,.%1 059mdhsk"andorticflbu_', max_size=60))
def test_any_text_is_a_rule_or_an_error(text: str) -> None:
    try:
        node = parse(text)
    except RuleError:
        return
    assert parse(node.text) == node


@pytest.mark.parametrize("seed", range(40))
def test_random_rules_survive_their_own_spelling(seed: int) -> None:
    text = random_body(random.Random(seed)).expression
    assert parse_condition(text).text == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_spelled_exactly(value: float) -> None:
    assert float(number_text(value)) == value


def planned(trigger: str = "each_row", **expressions: str) -> object:
    bodies = {name: RuleBody(text, trigger, 0) for name, text in expressions.items()}
    entries = [RuleEntry(name, rule_hash(body), name, 1) for name, body in bodies.items()]
    return compile_rule_set("set", entries, {rule_hash(body): body for body in bodies.values()})


def test_a_plan_holds_each_metric_and_each_comparison_once() -> None:
    bodies = [RuleBody(text, "each_row", 0) for text in ("price > 1 and rsi < 3", "rsi(14, 1m) < 3 and price > 2")]
    entries = [RuleEntry(f"r{i}", rule_hash(body), "", 1) for i, body in enumerate(bodies)]
    plan = compile_rule_set("", entries, {rule_hash(body): body for body in bodies})
    assert [call.text for call in plan.metrics] == ["price", "rsi(14, 1m)"]
    (scope,) = plan.scopes
    assert [node.text for node in scope.columns] == ["price", "rsi(14, 1m)"]
    assert scope.leaf_bound.tolist() == [1, 2, 3]
    assert [sorted(rule.leaves) for rule in scope.rules] == [[0, 2], [1, 2]]


def test_a_rule_that_cannot_be_run_is_named() -> None:
    with pytest.raises(RuleError, match=r"^bad, column 1: unknown metric 'prise'; did you mean price"):
        planned(good="price > 1", bad="prise > 1")
    with pytest.raises(RuleError, match=r"^r: unknown trigger 'sometimes'"):
        planned("sometimes", r="price > 1")
    with pytest.raises(RuleError, match=r"^gone: the body 123 is missing"):
        compile_rule_set("", [RuleEntry("gone", "123", "", 1)], {})
