"""The universe of a rule: what people may write, its normal form, and the symbols and rows that it lets through."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.body import body_of, rules_of
from engine.rules.fires import ARMED, SPENT
from engine.rules.spelling import normal_file
from engine.rules.symbol_names import SymbolNames
from schemas.rule import RuleBody, RuleError, Universe, encode_rule_body
from schemas.rule_file import load_rule_file, load_rules
from tests.support.lab import MINUTE, SECOND, Lab, utc

TEN = utc("2025-11-05T10:00:00")


def body(universe: Mapping[str, Any] | None, **fields: Any) -> RuleBody:
    rule = {"id": "r", "expression": "price > 5", "cooldown": 0, "universe": universe, **fields}
    return body_of(load_rules(msgspec.json.encode([rule]))[0], "rules[0]")


# --- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ({"symbols": ["MSFT", "AAPL", "MSFT"]}, Universe(("AAPL", "MSFT"))),
        ({"patterns": ["*-USD", "A*"]}, Universe(patterns=("*-USD", "A*"))),
        ({"patterns": ["A**", "A*?*", "AAPL"]}, Universe(("AAPL",), ("A*", "A?*"))),
        ({"exclude": ["B", "A*"]}, Universe(exclude=("A*", "B"))),
        ({"symbols": ["AAPL", "MSFT"], "exclude": ["AAPL", "TSLA"]}, Universe(("MSFT",))),
        ({"symbols": ["AAPL", "MSFT"], "exclude": ["A*"]}, Universe(("AAPL", "MSFT"), (), ("A*",))),
        ({"symbols": ["BRK.B"], "patterns": ["A*"], "exclude": ["AAPL"]}, Universe(("BRK.B",), ("A*",), ("AAPL",))),
        ({"symbols": ["AAPL"], "patterns": ["*"], "exclude": ["B"]}, Universe(exclude=("B",))),
        ({"tags": ["tech", "etf", "tech"]}, Universe(tags=("etf", "tech"))),
        ({"tags": ["tech"], "patterns": ["*"], "exclude": ["B"]}, Universe((), (), ("B",), ("tech",))),
        ({"tags": ["a", "b"], "exclude_tags": ["c", "b"]}, Universe(tags=("a",), exclude_tags=("b", "c"))),
        ({"exclude_tags": ["etf"], "symbols": ["A"]}, Universe(("A",), exclude_tags=("etf",))),
        ({"exclude_tags": []}, None),
        ({"patterns": ["*"]}, None),
        ({"min_price": 5}, None),
        ({}, None),
        (None, None),
    ],
)
def test_its_symbols_have_one_normal_form(written: dict[str, Any] | None, normal: Universe | None) -> None:
    assert body(written).universe == normal


@pytest.mark.parametrize(
    ("universe", "where", "reason"),
    [
        ({"symbol": ["A"]}, "", "unknown field `symbol`; did you mean symbols?"),
        ({"symbols": "AAPL"}, ".symbols", "Expected `array | null`, got `str`"),
        ({"symbols": ["AAPL", 7]}, ".symbols[1]", "Expected `str`, got `int`"),
        ({"symbols": ["AAPL", "A*"]}, ".symbols[1]", "'A*' is a pattern, and belongs under patterns"),
        ({"symbols": ["AAPL", "MS FT"]}, ".symbols[1]", "'MS FT' is not the name of a symbol"),
        ({"symbols": []}, "", "names no symbol; leave symbols and patterns out for all of them"),
        ({"symbols": ["A"] * 1_001}, ".symbols", "length <= 1000"),
        ({"patterns": ["[AB]*"]}, ".patterns[0]", "'[AB]*' fits no name of a symbol"),
        ({"patterns": ["A*", ""]}, ".patterns[1]", "'' is not the name of a symbol"),
        ({"patterns": ["?" * 33 + "*"]}, ".patterns[0]", "fits no name of a symbol"),
        ({"patterns": [f"A{i}*" for i in range(101)]}, ".patterns", "has more than 100 patterns"),
        ({"exclude": ["é*"]}, ".exclude[0]", "'é*' fits no name of a symbol"),
        ({"exclude": [f"A{i}*" for i in range(101)]}, ".exclude", "has more than 100 patterns"),
        ({"exclude": ["*"]}, ".exclude", "leaves no symbol"),
        ({"symbols": ["AAPL"], "exclude": ["AAPL"]}, ".exclude", "leaves no symbol"),
        ({"tag": ["tech"]}, "", "unknown field `tag`; did you mean tags?"),
        ({"tags": "tech"}, ".tags", "Expected `array | null`, got `str`"),
        ({"tags": ["tech", 7]}, ".tags[1]", "Expected `str`, got `int`"),
        ({"tags": []}, ".tags", "names no tag; leave tags out for symbols with any or none"),
        ({"tags": ["etf", "s&p 500"]}, ".tags[1]", "'s&p 500' is no tag: 1 to 64 letters, digits or ._:+/&-"),
        ({"tags": ["s&p 500"]}, ".tags[0]", "a letter or digit first; did you mean s&p-500?"),
        ({"exclude_tags": ["etf", "sp*"]}, ".exclude_tags[1]", "'sp*' is a pattern; tags are written out"),
        ({"exclude_tags": [""]}, ".exclude_tags[0]", "'' is no tag"),
        ({"tags": [f"t{i}" for i in range(101)]}, ".tags", "length <= 100"),
        ({"tags": ["a", "b"], "exclude_tags": ["b", "a"]}, ".exclude_tags", "leaves no tag"),
        ({"min_price": -1}, ".min_price", "-1.0 is not a price"),
        ({"max_price": "5"}, ".max_price", "Expected `float | null`, got `str`"),
        ({"min_price": 5, "max_price": 4}, ".min_price", "5.0 is above max_price, 4.0"),
        ({"min_volume": -1}, ".min_volume", "-1.0 is not a number of shares"),
    ],
)
def test_what_is_wrong_is_said_and_where(universe: dict[str, Any], where: str, reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        body(universe)
    assert caught.value.where == f"rules[0].universe{where}"
    assert reason in caught.value.reason


def test_bounds_are_conditions_and_symbols_are_none() -> None:
    found = body({"symbols": ["AAPL"], "min_price": 5, "max_price": 10.5, "min_volume": 1e6}, expression="vwap > 1")
    assert found.expression == "vwap > 1 and price >= 5 and price <= 10.5 and volume_day >= 1000000"
    assert found.universe == Universe(("AAPL",))
    assert body({"min_price": 5}) == body(None, expression="price > 5 and price >= 5")


def test_the_bytes_of_a_rule_without_one_are_as_they_were() -> None:
    assert encode_rule_body(body(None)) == b'{"expression":"price > 5","trigger":"each_row","cooldown_ns":0}'
    assert encode_rule_body(body({"symbols": ["A"]})).endswith(b'"cooldown_ns":0,"universe":{"symbols":["A"]}}')
    assert encode_rule_body(body({"tags": ["b", "a"]})).endswith(b'"universe":{"tags":["a","b"]}}')


@pytest.mark.parametrize("form", ["template", "conditions"])
def test_every_form_of_a_rule_has_one_and_keeps_it(form: str) -> None:
    forms: dict[str, dict[str, Any]] = {
        "template": {"template": "near_day_high", "percent": 1},
        "conditions": {"conditions": [{"metric": "rsi_14", "op": "<", "value": 30}]},
    }
    universe = {"patterns": ["A*"], "exclude": ["AAPL"], "tags": ["tech"], "exclude_tags": ["etf"], "min_price": 5}
    rule = {"id": "r", "universe": universe, **forms[form]}
    file = load_rule_file(msgspec.json.encode([rule]))
    again = load_rule_file(msgspec.json.encode(normal_file(file)))
    assert rules_of(again) == rules_of(file)
    (found,) = rules_of(file)[1].values()
    assert found.universe == Universe((), ("A*",), ("AAPL",), ("tech",), ("etf",))
    assert "price >= 5" in found.expression


NAMES = st.text(alphabet="AB.-1", min_size=1, max_size=7)
PATTERNS = st.text(alphabet="AB.-1*?", min_size=1, max_size=9).filter(lambda text: set(text) & set("*?"))


@given(st.lists(NAMES, max_size=8, unique=True), st.lists(PATTERNS, max_size=3), st.lists(NAMES | PATTERNS, max_size=2))
def test_patterns_fit_whole_names(names: list[str], patterns: list[str], exclude: list[str]) -> None:
    def fits(name: str, some: Iterable[str]) -> bool:
        return any(fnmatchcase(name, one) for one in some)

    found = SymbolNames(names).belonging(Universe((), tuple(patterns), tuple(exclude)))
    assert found.tolist() == [fits(name, patterns or ["*"]) and not fits(name, exclude) for name in names]


def test_a_pattern_of_many_stars_takes_no_longer() -> None:
    """One that may try every way to share out the name would not come back."""
    pattern = "*A" * 31 + "*B"
    assert not SymbolNames(["A" * 32]).belonging(Universe((), (pattern,))).any()


# --- what fires ------------------------------------------------------------------------------------------------------


def fired(lab: Lab) -> list[str]:
    return [alert.body.symbol for alert in lab.alerts]


@pytest.mark.parametrize(
    ("universe", "hits", "misses"),
    [
        ({"symbols": ["AAPL", "BRK.B"]}, ["AAPL", "BRK.B"], ["AAP", "AAPLE", "BRK-B", "aapl"]),
        ({"patterns": ["*-USD"]}, ["A-USD", "BTC-USD"], ["A-USDT", "A/USD", "AUSD"]),
        ({"patterns": ["A?"]}, ["AA", "A."], ["A", "AAA", "BA"]),
        ({"patterns": ["A*B*C"]}, ["ABC", "AXBXC"], ["ACB", "ABCD", "AXC"]),
        ({"symbols": ["ZZZ"], "patterns": ["A*"]}, ["ZZZ", "A"], ["ZZ", "BA"]),
        ({"exclude": ["AAPL", "B*"]}, ["AAP", "CB"], ["AAPL", "B", "BRK.B"]),
        ({"patterns": ["A*"], "exclude": ["AA*"]}, ["A", "AB"], ["AA", "AAPL", "B"]),
    ],
)
@pytest.mark.parametrize("trigger", ["each_row", "becomes_true"])
def test_only_its_symbols_fire(universe: dict[str, Any], hits: list[str], misses: list[str], trigger: str) -> None:
    lab = Lab({"r": body(universe, trigger=trigger)})
    symbols = [name for pair in zip(hits + misses, hits + misses, strict=True) for name in pair]
    for price in (4, 6):
        lab.send(*({"symbol": name, "ts": TEN, "price": price, "size": 1} for name in symbols))
    assert sorted(set(fired(lab))) == sorted(hits)


@pytest.mark.parametrize(
    ("universe", "fires"),
    [
        ({"min_price": 9.5}, [(9.5, 2), (10, 4), (10.01, 5)]),
        ({"max_price": 10}, [(9, 1), (9.5, 2), (10, 4)]),
        ({"min_price": 9.5, "max_price": 9.99}, [(9.5, 2)]),
        ({"min_volume": 4}, [(10, 4), (10.01, 5)]),
    ],
)
def test_only_rows_within_its_bounds_fire_and_the_alert_says_so(
    universe: dict[str, Any], fires: list[tuple[float, float]]
) -> None:
    lab = Lab({"r": body(universe, expression="volume_day > 0")})
    for price, size in ((9, 1), (9.5, 1), (10, 2), (10.01, 1)):
        lab.trade(TEN, price, size)
    assert [(alert.body.price, alert.body.explanation[0].value) for alert in lab.alerts] == fires
    leaves = {(leaf.expression, leaf.operator, leaf.bound) for alert in lab.alerts for leaf in alert.body.explanation}
    names = {"min_price": ("price", ">="), "max_price": ("price", "<="), "min_volume": ("volume_day", ">=")}
    assert leaves == {("volume_day", ">", 0), *((*names[name], bound) for name, bound in universe.items())}


def test_a_row_without_a_price_is_within_no_bounds() -> None:
    lab = Lab({"r": body({"max_price": 10}, expression="volume_day > 0"), "s": body(None, expression="volume_day > 0")})
    lab.trade(TEN, 9, flags=4)
    assert [alert.body.rule_id for alert in lab.alerts] == ["s"]


def test_a_price_that_comes_within_its_bounds_makes_a_rule_become_true() -> None:
    lab = Lab({"r": body({"min_price": 9}, expression="volume_day > 0", trigger="becomes_true")})
    for second, price in enumerate((8, 9, 10, 8, 11)):
        lab.trade(TEN + second * SECOND, price)
    assert [alert.body.price for alert in lab.alerts] == [9, 11]


def test_rules_on_closes_and_without_comparisons_keep_to_it_too() -> None:
    universe = {"patterns": ["B*"]}
    rules = {
        "c": body(universe, trigger="bar_close", timeframe="1m"),
        "p": body(universe, expression="price > prev(price)"),
        "e": body(universe, trigger="becomes_true", expression="price > 9", rearm="price < 8"),
    }
    lab = Lab(rules)
    for minute, price in enumerate((7, 10, 10)):
        lab.send(
            *({"symbol": name, "ts": TEN + minute * MINUTE, "price": price, "size": 1} for name in ("A-USD", "B-USD"))
        )
    found = [(alert.body.rule_id, alert.body.symbol, (alert.body.ts - TEN) // MINUTE) for alert in lab.alerts]
    assert sorted(found) == [("c", "B-USD", 0), ("c", "B-USD", 1), ("e", "B-USD", 1), ("p", "B-USD", 1)]


def test_symbols_that_come_later_are_told_apart_as_well() -> None:
    lab = Lab({"r": body({"symbols": ["S7", "S299", "S900"]}), "s": body({"patterns": ["S?00"]})})
    for first, end in ((0, 100), (50, 300), (290, 800)):
        lab.send(*({"symbol": f"S{n}", "ts": TEN, "price": 9, "size": 1} for n in range(first, end)))
    for rule_id, symbols in {"r": {"S7", "S299"}, "s": {f"S{n}00" for n in range(1, 8)}}.items():
        assert {alert.body.symbol for alert in lab.alerts if alert.body.rule_id == rule_id} == symbols


def test_another_rule_set_and_a_restart_change_nothing() -> None:
    one, other = body({"symbols": ["A", "B"]}), body({"patterns": ["?"], "exclude": ["A"]}, trigger="becomes_true")
    lab, told = Lab({"r": one}), []
    steps = (
        lambda: lab.switch({"r": one, "s": other}),
        lab.restart,
        lambda: lab.switch({"s": other}),
        lambda: lab.switch({"t": body(None)}),
        lambda: lab.switch({"r": one}),
    )
    for step in (lambda: None, *steps):
        step()
        lab.alerts.clear()
        for price in (4, 6):
            lab.send(*({"symbol": name, "ts": TEN, "price": price, "size": 1} for name in "ABC"))
        told.append(sorted((alert.body.rule_id, alert.body.symbol) for alert in lab.alerts))
    a, b = [("r", "A"), ("r", "B")], [("s", "B"), ("s", "C")]
    assert told == [a, a + b, a + b, b, [("t", "A"), ("t", "B"), ("t", "C")], a]


def test_of_symbols_outside_nothing_is_remembered() -> None:
    """An armed edge is what there is without memory."""
    lab = Lab({"r": body({"symbols": ["A"]}, trigger="becomes_true")})
    for price in (4, 6):
        lab.send(*({"symbol": name, "ts": TEN, "price": price, "size": 1} for name in "AB"))
    (fires,) = (one for text, one in lab.partition.scanner.stateful().items() if text.startswith("fires of"))
    assert fires.groups()["now"].take(np.arange(2))["edge"].tolist() == [SPENT, ARMED]
