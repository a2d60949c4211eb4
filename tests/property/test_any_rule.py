"""Whatever stands in a file of rules, the answer is rules or a RuleError, and never anything else."""

import random

import msgspec
import pytest

from engine.rules.body import rules_of
from engine.rules.parser import parse
from engine.rules.plan import compile_rule_set
from engine.rules.spelling import normal_file
from schemas.rule import RuleError
from schemas.rule_file import load_rule_file
from tests.support.any_rule import document
from tests.support.grown_rule import condition

SEEDS, CASES = 20, 1_000
"""20,000 files."""


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_file_is_rules_or_an_error(seed: int) -> None:
    rng, accepted = random.Random(seed), 0
    for case in range(CASES):
        whole = document(rng)
        try:
            file = load_rule_file(whole)
            entries, bodies = rules_of(file)
            compile_rule_set("set", entries, bodies)
        except RuleError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}, case {case}: {whole!r}") from error
        accepted += 1
        again = load_rule_file(msgspec.json.encode(normal_file(file)))
        assert rules_of(again) == (entries, bodies), (seed, case, whole)
    assert accepted > CASES // 20


@pytest.mark.parametrize("seed", range(5))
def test_what_can_be_read_has_a_normal_form_that_is_read_as_the_same(seed: int) -> None:
    rng, accepted = random.Random(seed), 0
    for _ in range(CASES):
        text = condition(rng, rng.randint(1, 5))
        try:
            node = parse(text)
        except RuleError:
            continue
        again = parse(node.text)
        assert (again.text, again.size, again.unit) == (node.text, node.size, node.unit), text
        accepted += 1
    assert accepted > CASES // 20


HUGE = b"1" + b"0" * 400


@pytest.mark.parametrize(
    "whole",
    [
        b"[" * 100_000,
        b'[{"template": "crossed_above", "level": ' + HUGE + b"}]",
        b'[{"template": "opening_range_breakout", "minutes": ' + HUGE * 20 + b"}]",
        b'[{"id": "r", "expression": "price > 1", "max_fires": ' + HUGE + b"}]",
        b'[{"id": "r", "expression": "price > 1", "version": ' + HUGE + b"}]",
        b'[{"id": "r", "conditions": [{"metric": "price", "op": ">", "value": ' + HUGE + b"}]}]",
        b'[{"id": "r", "expression": "price > 1", "runaway": {"fires": 5, "minutes": 1e308}}]',
        b'{"metrics": {"a": 5}, "rules": []}',
        b'{"metrics": [], "rules": []}',
        msgspec.json.encode({"metrics": {f"m_{i}x": f"m_{i + 1}x + m_{i + 1}x" for i in range(150)}, "rules": []}),
        msgspec.json.encode(
            {"metrics": {"m_99x": "price"} | {f"m_{i}x": f"m_{i + 1}x * m_{i + 1}x" for i in range(99)}, "rules": []}
        ),
    ],
    ids=range(11),
)
def test_what_is_too_large_is_an_error(whole: bytes) -> None:
    with pytest.raises(RuleError):
        rules_of(load_rule_file(whole))
