"""Formulas that a file of rules gives names to."""

import msgspec
import pytest

from engine.rules.body import rules_of
from engine.rules.names import MAX_FORMULAS
from schemas.rule import RuleBody, RuleError
from schemas.rule_file import load_rule_file

DISTANCE = {"my_dist": "100 * (price / ema(20, 5m) - 1)"}


def bodies(metrics: dict[str, str], *rules: dict[str, object]) -> list[tuple[str, RuleBody]]:
    """Hash and body of each rule."""
    entries, found = rules_of(load_rule_file(msgspec.json.encode({"metrics": metrics, "rules": rules})))
    return [(entry.hash, found[entry.hash]) for entry in entries]


def expression(metrics: dict[str, str], text: str) -> str:
    return bodies(metrics, {"id": "r", "expression": text})[0][1].expression


def test_a_formula_is_written_out_with_its_unit() -> None:
    assert expression(DISTANCE, "my_dist > 2") == "100 * (price / ema(20, 5m) - 1) > 2"
    assert expression({"middle": "(high + low) / 2"}, "price - middle > 0") == "price - (high(1m) + low(1m)) / 2 > 0"
    with pytest.raises(RuleError, match=r"rules\[0\].expression, column 8: .* cannot be compared with"):
        expression({"middle": "(high + low) / 2"}, "middle > volume")


def test_formulas_use_each_other_and_alert_types_in_any_order() -> None:
    metrics = {"strong": "far and inside_bar(1m)", "far": "wide > 2", "wide": "high - low"}
    inside = "high(1m) < high(1m)[1] and low(1m) > low(1m)[1]"
    assert expression(metrics, "strong") == f"high(1m) - low(1m) > 2 and {inside}"


def test_everything_in_a_rule_may_use_them() -> None:
    level = {"level": "sma(5)", "rising": "price > level"}
    rule = {
        "id": "r",
        "template": "crossed_above",
        "level": "level",
        "volume_threshold": 0,
        "conditions": [{"metric": "rising", "operator": "==", "value": 1}],
        "rearm": "price < level",
    }
    ((_, body),) = bodies({"level": "sma(5)", "rising": level["rising"]}, rule)
    assert body.expression == "crosses_above(price, sma(5, 1m)) and price > sma(5, 1m)"
    assert body.rearm == "price < sma(5, 1m)"


def test_a_rule_has_another_hash_when_its_formula_is_another() -> None:
    rule: dict[str, object] = {"id": "r", "expression": "my_dist > 2"}
    hashes = {bodies({"my_dist": text}, rule)[0][0] for text in ("rsi", "rsi(14, 1m)", "rsi(15)")}
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("metrics", "where", "reason"),
    [
        ({"a": "price + prise"}, "metrics.a, column 9", "unknown metric 'prise'; did you mean price?"),
        ({"a": "b", "b": "c + 1", "c": "a"}, "metrics.a", "is made of itself: a > b > c > a"),
        ({"a": "a"}, "metrics.a", "is made of itself: a > a"),
        ({"a": ""}, "metrics.a, column 1", "a metric, a number or a parenthesis is expected here"),
        ({"a b": "price"}, "metrics.a b", "a name is made of letters, digits and _"),
        ({"ema": "price"}, "metrics.ema", "is a metric already; take another name"),
        ({"prev": "price"}, "metrics.prev", "is a function already; take another name"),
        ({"halt": "price"}, "metrics.halt", "is an alert type already; take another name"),
        ({"and": "price"}, "metrics.and", "is a word of the language; take another name"),
        ({"rsi_14": "price"}, "metrics.rsi_14", "means rsi(14) already; take another name"),
        ({"a": 5}, "metrics.a", "is not the text of a formula"),
    ],
)
def test_a_formula_that_is_none_is_named(metrics: dict[str, str], where: str, reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        bodies(metrics)
    assert caught.value.where == where
    assert caught.value.reason.startswith(reason)


def test_a_formula_takes_no_arguments() -> None:
    with pytest.raises(RuleError, match="my_dist: is a formula, and takes no arguments"):
        expression(DISTANCE, "my_dist(5m) > 1")


def test_a_misspelled_one_names_the_nearest() -> None:
    with pytest.raises(RuleError, match=r"unknown metric 'my_dst'; did you mean my_dist\?"):
        expression(DISTANCE, "my_dst > 1")


def test_a_file_has_at_most_so_many() -> None:
    bodies({f"formula_{i}x": "price" for i in range(MAX_FORMULAS)})
    with pytest.raises(RuleError, match="201 are more than the 200 that a file may have"):
        bodies({f"formula_{i}x": "price" for i in range(MAX_FORMULAS + 1)})
