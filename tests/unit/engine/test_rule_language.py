"""The rule language: its one canonical spelling, and errors that name the place, the reason and the nearest name."""

import pytest

from engine.rules.lexer import MAX_TEXT
from engine.rules.parser import MAX_NESTING, parse_condition
from engine.rules.plan import NO_RULES, Plan, compile_rule_set
from schemas.rule import RuleBody, RuleEntry, RuleError, rule_hash

EXPECTED = "a metric, a number or a parenthesis is expected here, not"
BARS = "is not a number of bars, 1 to 200"
PLAIN = "a plain number cannot be compared with a number in $"
DURATION = "is not a duration, 60s to 300s or 1m to 4h or 1d to 20d"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  price>1.0  ", "price > 1"),
        ("1 > price", "price < 1"),
        ("1 <= price", "price >= 1"),
        ("1 == price", "price == 1"),
        ("rsi < 30", "rsi(14, 1m) < 30"),
        ("rsi() < 30", "rsi(14, 1m) < 30"),
        ("rsi( 7 , 60m ) < 30", "rsi(7, 1h) < 30"),
        ("ema(200, 15m) >= 1e2", "ema(200, 15m) >= 100"),
        ("sma(200, 1d) <= .5", "sma(200, 1d) <= 0.5"),
        ("change_pct(60m) != -0.5", "change_pct(1h) != -0.5"),
        ("change_pct(5m) > 2%", "change_pct(5m) > 2"),
        ("change_pct(5m) > 2 * 0.5% + 1", "change_pct(5m) > 2"),
        ("price > highest(20)[1]", "price > highest(20, 1m)[1]"),
        ("lowest(3) > lowest(3, close)", "lowest(3, 1m) > lowest(3, close(1m))"),
        ("volume > 75k", "volume(1m) > 75000"),
        ("volume > 1.5M", "volume(1m) > 1500000"),
        ("price > 1\nand price < 2", "price > 1 and price < 2"),
        ("price > 1 and (price < 2 and price != 1.5)", "price > 1 and price < 2 and price != 1.5"),
        ("price > 1 and price > 1", "price > 1"),
        ("price > 1 or price < 2 and price > 3", "price > 1 or price < 2 and price > 3"),
        ("(price > 1 or price < 2) and price > 3", "(price > 1 or price < 2) and price > 3"),
        ("not not price > 1", "price > 1"),
        ("not (price > 1 or price < 0.5)", "not (price > 1 or price < 0.5)"),
        ("price > vwap * (1 + 0.5)", "price > vwap * 1.5"),
        ("price - (day_open - day_low) > 0", "price - (day_open - day_low) > 0"),
        ("close[0] > close[1][2]", "close(1m) > close(1m)[3]"),
        ("crosses_above(price, vwap) == true", "crosses_above(price, vwap)"),
        ("crosses_above(price, vwap) == 0", "not crosses_above(price, vwap)"),
        ("for_last(3, close(5m) > open(5m))", "for_last(3, close(5m) > open(5m))"),
        ("price > -(-3)", "price > 3"),
        ("ma_dist_pct(ema(20, 60m)) > 2%", "100 * (price / ema(20, 1h) - 1) > 2"),
        ("ma_dist_pct(day_high - atr) > gap_pct", "100 * (price / (day_high - atr(14, 1m)) - 1) > gap_pct"),
    ],
)
def test_one_canonical_spelling(text: str, expected: str) -> None:
    assert parse_condition(text).text == expected
    assert parse_condition(expected).text == expected


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, f"{EXPECTED} the end"),
        ("price > 1 and", 14, f"{EXPECTED} the end"),
        ("> 1", 1, f"{EXPECTED} '>'"),
        ("(price > 1", 11, "')' is expected here, not the end"),
        ("price > 1)", 10, "an operator or the end is expected here, not ')'"),
        ("price > 1 price < 2", 11, "an operator or the end is expected here, not 'price'"),
        ("price ~ 1", 7, "'~ 1' begins nothing that a rule is made of"),
        ("price = 1", 7, "'= 1' begins nothing that a rule is made of"),
        ("price => 1", 7, "'=> 1' begins nothing that a rule is made of"),
        ("price > 1x", 9, "'1x' begins nothing that a rule is made of"),
        ("1 < price < 2", 11, "comparisons do not chain; join them with and"),
        ("price > 1e999", 9, "inf is not a finite number"),
        ("price > 1 / 0", 11, "division by zero"),
        ("price > 1 and  prise > 2", 16, "unknown metric 'prise'; did you mean price?"),
        ("RSI(14) > 1", 1, "unknown metric 'RSI'; did you mean rsi?"),
        ("price > 1 AND vwap > 2", 11, "an operator or the end is expected here, not 'AND'; did you mean and?"),
        ("emaa(20) > 1", 1, "unknown metric 'emaa'; did you mean ema?"),
        ("vwap_dis > 1", 1, "unknown metric 'vwap_dis'; did you mean vwap_dist?"),
        ("crosses_abov(price, vwap)", 1, "unknown metric 'crosses_abov'; did you mean crosses_above?"),
        ("xyzzy123 > 1", 1, "unknown metric 'xyzzy123'"),
        ("price(1m) > 1", 1, "price: takes no arguments, not 1"),
        ("rsi(14, 1m, 2) > 1", 1, "rsi: takes at most 2 arguments, not 3"),
        ("ema > 1", 1, "ema: argument n is missing: a number of bars, 1 to 200"),
        ("price > 1 and ema(0) > 1", 15, f"ema: '0' {BARS}"),
        ("ema(201) > 1", 1, f"ema: '201' {BARS}"),
        ("ema(5m) > 1", 1, f"ema: '5m' {BARS}"),
        ("ema(2.5) > 1", 1, f"ema: '2.5' {BARS}"),
        ("ema(201, 1d) > 1", 1, "ema: '201' is not a number of bars, 1 to 200"),
        ("ema(20, 3m) > 1", 1, "ema: '3m' is not a timeframe: 1m, 2m, 5m, 10m, 15m, 30m, 1h, 2h, 4h, 1d"),
        ("change(241m) > 1", 1, f"change: '241m' {DURATION}"),
        ("change(5h) > 1", 1, f"change: '5h' {DURATION}"),
        ("change(301s) > 1", 1, f"change: '301s' {DURATION}"),
        ("change(20) > 1", 1, f"change: '20' {DURATION}"),
        ("close[201] > 1", 7, "201 is not a number of bars from 0 to 200"),
        ("close(1d)[201] > 1", 11, "201 is not a number of bars from 0 to 200"),
        ("price > 1 + (price > 2)", 13, "price > 2 is true or false; a number is needed here"),
        ("price and price > 2", 1, "price is a number; a condition is needed here"),
        ("price > 1 and not 7", 15, "7 is a number; a condition is needed here"),
        ("price > change_pct(5m)", 7, "a number in $ cannot be compared with a number in %"),
        ("price > volume", 7, "a number in $ cannot be compared with a number in shares"),
        ("price > vwap * 101%", 14, "a share of something is written without %: 0.05 * price, 1.05 * vwap"),
        ("price > (1 + 5%) * vwap", 18, "a share of something is written without %: 0.05 * price, 1.05 * vwap"),
        ("time_of_day > -09:45", 15, "a number in time of day cannot be calculated with"),
        ('session == -"pre"', 12, "a number in session cannot be calculated with"),
        ("price > 5[2]", 10, "5 never changes, and has no bars before"),
        ("min(0, 2.5%) * rsi > halted", 20, "a number in 0-100 cannot be compared with a number in count"),
        (
            "min(5, price / vwap, price) > 1",
            1,
            f"{PLAIN}; multiply it by a price or a size",
        ),
        ("highest(0) > 1", 1, f"highest: '0' {BARS}"),
        ("1 < 2 * ma_dist_pct(rsi)", 9, "ma_dist_pct: rsi is no price"),
        ("ma_dist_pct > 1", 1, "ma_dist_pct: takes 1 argument, a price: a metric or a calculation, not 0"),
        ("ma_dist_pct(vwap, 20) > 1", 1, "ma_dist_pct: takes 1 argument, a price: a metric or a calculation, not 2"),
    ],
)
def test_an_error_names_the_place_and_what_is_wrong(text: str, column: int, reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_condition(text, "r")
    assert caught.value.where == f"r, column {column}"
    assert caught.value.reason.partition("; did you mean 100")[0] == reason
    assert str(caught.value).startswith(f"r, column {column}: {reason}")


@pytest.mark.parametrize("text", ["price", "price + 1", "highest(3, price)"])
def test_a_number_is_no_condition(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_condition(text, "r")
    assert str(caught.value) == f"r: {text} is a number, not a condition; compare it with something"


def test_a_text_has_at_most_so_many_characters() -> None:
    parse_condition("price > 1".ljust(MAX_TEXT))
    with pytest.raises(RuleError, match=r"^r: longer than 4000 characters"):
        parse_condition("price > 1".ljust(MAX_TEXT + 1), "r")


def test_parentheses_go_so_deep() -> None:
    deepest = MAX_NESTING - 1
    parse_condition("(" * deepest + "price > 1" + ")" * deepest)
    with pytest.raises(RuleError, match=r"nested more than 40 deep"):
        parse_condition("(" * (deepest + 1) + "price > 1" + ")" * (deepest + 1))


def compiled(*expressions: str, trigger: str = "each_row") -> Plan:
    """Rules r0, r1, ... of these expressions."""
    bodies = [RuleBody(text, trigger, 0) for text in expressions]
    entries = [RuleEntry(f"r{i}", rule_hash(body), "", 1) for i, body in enumerate(bodies)]
    return compile_rule_set("set", entries, {rule_hash(body): body for body in bodies})


def test_a_plan_holds_each_metric_once() -> None:
    assert (NO_RULES.metrics, NO_RULES.rules) == ((), ())
    plan = compiled("price > 1.0 and rsi < 3", "rsi(14, 1m) < 3.0 and price > 2")
    assert sorted(call.text for call in plan.metrics) == ["price", "rsi(14, 1m)"]
    assert [rule.id for rule in plan.rules] == ["r0", "r1"]


def test_a_rule_that_cannot_be_run_is_named() -> None:
    with pytest.raises(RuleError, match=r"^r1, column 1: unknown metric 'prise'; did you mean price"):
        compiled("price > 1", "prise > 1")
    with pytest.raises(RuleError, match=r"^r0: unknown trigger 'sometimes'"):
        compiled("price > 1", trigger="sometimes")
    with pytest.raises(RuleError, match=r"^gone: the body 123 is missing"):
        compile_rule_set("", [RuleEntry("gone", "123", "", 1)], {})
