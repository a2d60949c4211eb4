"""The rule language: what it accepts, its one canonical spelling, and errors that name place and nearest name."""

import pytest
from engine.rules.language import MAX_CONDITIONS, parse_expression

from engine.rules.plan import compile_rule_set
from schemas.rule import RuleBody, RuleEntry, RuleError, rule_hash


def canonical(text: str) -> str:
    return " and ".join(condition.text for condition in parse_expression(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("price > 1", "price > 1.0"),
        ("  price>1  ", "price > 1.0"),
        ("rsi < 30", "rsi(14, 1m) < 30.0"),
        ("rsi() < 30", "rsi(14, 1m) < 30.0"),
        ("rsi(7) < 30", "rsi(7, 1m) < 30.0"),
        ("rsi( 7 , 60m ) < 30", "rsi(7, 1h) < 30.0"),
        ("ema(200, 15m) >= 1e2", "ema(200, 15m) >= 100.0"),
        ("sma(60, 1d) <= .5", "sma(60, 1d) <= 0.5"),
        ("change_pct(60m) != -0.5", "change_pct(1h) != -0.5"),
        ("change(300s) == 1", "change(5m) == 1.0"),
        ("volume_last(90m) > 1 and volume > 2", "volume_last(90m) > 1.0 and volume(1m) > 2.0"),
        ("price > 1\nand price < 2", "price > 1.0 and price < 2.0"),
    ],
)
def test_one_canonical_spelling(text: str, expected: str) -> None:
    assert canonical(text) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("", "expression, column 1", "'' is not of the form: metric operator number"),
        ("price", "expression, column 1", "'price' is not of the form: metric operator number"),
        ("price ~ 1", "expression, column 1", "'price ~ 1' is not of the form: metric operator number"),
        ("price > 1 and", "expression, column 14", "'' is not of the form: metric operator number"),
        ("price > 1 and  prise > 2", "expression, column 14", "unknown metric 'prise'; did you mean price?"),
        ("price > x", "expression, column 1", "'x' is not a number"),
        ("price > 1 or price < 2", "expression, column 1", "'1 or price < 2' is not a number"),
        ("price => 1", "expression, column 1", "'price =' is not a metric; one looks like price or ema(20, 5m)"),
        ("price = 1", "expression, column 1", "'price = 1' is not of the form: metric operator number"),
        ("price > nan", "expression, column 1", "nan is not a finite number"),
        ("price > -inf", "expression, column 1", "-inf is not a finite number"),
        ("price > 1e999", "expression, column 1", "inf is not a finite number"),
        ("> 1", "expression, column 1", "'' is not a metric; one looks like price or ema(20, 5m)"),
        ("1 > price", "expression, column 1", "'price' is not a number"),
        ("price(1m) > 1", "expression, column 1", "price takes 0 arguments, not 1"),
        ("rsi(14, 1m, 2) > 1", "expression, column 1", "rsi takes 2 arguments, not 3"),
        ("emaa(20) > 1", "expression, column 1", "unknown metric 'emaa'; did you mean ema?"),
        ("vwap_dist > 1", "expression, column 1", "unknown metric 'vwap_dist'; did you mean vwap_dist_pct?"),
        ("xyzzy123 > 1", "expression, column 1", "unknown metric 'xyzzy123'"),
        ("ema > 1", "expression, column 1, ema", "argument n is missing: a number of bars, 1 to 200 (1d: 60)"),
        ("ema(0) > 1", "expression, column 1, ema", "'0' is not a number of bars, 1 to 200 (1d: 60)"),
        ("ema(201) > 1", "expression, column 1, ema", "'201' is not a number of bars, 1 to 200 (1d: 60)"),
        ("ema(5m) > 1", "expression, column 1, ema", "'5m' is not a number of bars, 1 to 200 (1d: 60)"),
        ("ema(2.5) > 1", "expression, column 1, ema", "'2.5' is not a number of bars, 1 to 200 (1d: 60)"),
        ("ema(61, 1d) > 1", "expression, column 1, ema", "61 bars of 1d are more than the 60 that are kept"),
        ("ema(20, 2m) > 1", "expression, column 1, ema", "'2m' is not a timeframe: 1m, 5m, 15m, 1h, 1d"),
        ("change(241m) > 1", "expression, column 1, change", "'241m' is not a duration, 1m to 4h"),
        ("change(5h) > 1", "expression, column 1, change", "'5h' is not a duration, 1m to 4h"),
        ("change(90s) > 1", "expression, column 1, change", "'90s' is not a duration, 1m to 4h"),
        ("change(0m) > 1", "expression, column 1, change", "'0m' is not a duration, 1m to 4h"),
        ("change(20) > 1", "expression, column 1, change", "'20' is not a duration, 1m to 4h"),
    ],
)
def test_an_error_names_the_place_and_what_is_wrong(text: str, where: str, reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_expression(text)
    assert (caught.value.where, caught.value.reason) == (where, reason)
    assert str(caught.value) == f"{where}: {reason}"


def test_a_rule_has_at_most_so_many_conditions() -> None:
    parse_expression(" and ".join(["price > 1"] * MAX_CONDITIONS))
    with pytest.raises(RuleError, match="65 conditions; a rule has 1 to 64"):
        parse_expression(" and ".join(["price > 1"] * (MAX_CONDITIONS + 1)))


def test_a_text_has_at_most_so_many_characters() -> None:
    parse_expression("price > 1".ljust(4_000))
    with pytest.raises(RuleError, match="longer than 4000 characters"):
        parse_expression("price > 1".ljust(4_001))


def compiled(trigger: str = "each_row", **expressions: str) -> object:
    bodies = {name: RuleBody(text, trigger, 0) for name, text in expressions.items()}
    entries = [RuleEntry(name, rule_hash(body), name, 1) for name, body in bodies.items()]
    return compile_rule_set("set", entries, {rule_hash(body): body for body in bodies.values()})


def test_a_plan_holds_each_metric_and_each_comparison_once() -> None:
    plan = compile_rule_set("", [], {})
    assert (plan.metrics, plan.leaves, plan.rules) == ((), (), ())
    bodies = [RuleBody(text, "each_row", 0) for text in ("price > 1.0 and rsi < 3", "rsi(14, 1m) < 3.0 and price > 2")]
    entries = [RuleEntry(f"r{i}", rule_hash(body), "", 1) for i, body in enumerate(bodies)]
    plan = compile_rule_set("", entries, {rule_hash(body): body for body in bodies})
    assert [call.text for call in plan.metrics] == ["price", "rsi(14, 1m)"]
    assert [leaf.text for leaf in plan.leaves] == ["price > 1.0", "rsi(14, 1m) < 3.0", "price > 2.0"]
    assert [rule.leaves for rule in plan.rules] == [(0, 1), (1, 2)]


def test_a_rule_that_cannot_be_run_is_named() -> None:
    with pytest.raises(RuleError, match=r"^bad, column 1: unknown metric 'prise'; did you mean price"):
        compiled(good="price > 1", bad="prise > 1")
    with pytest.raises(RuleError, match=r"^r: unknown trigger 'sometimes'"):
        compiled("sometimes", r="price > 1")
    with pytest.raises(RuleError, match=r"^gone: the body 123 is missing"):
        compile_rule_set("", [RuleEntry("gone", "123", "", 1)], {})
