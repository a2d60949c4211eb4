"""Whatever fires, its reason is one line of bounded length, and every alert that says the same is told the same."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.sentence import MAX_LENGTH, sentence
from schemas.alert import AlertBody, Leaf, encode_body
from schemas.rule import OPERATORS
from tests.support.engine_runs import RuleSets, engine_outcome
from tests.support.markets import Market
from tests.support.random_rules import METRICS, add_rule_sets


@pytest.mark.parametrize("seed", range(12))
def test_random_rules_in_random_markets(seed: int) -> None:
    sets = RuleSets()
    records = Market(seed, add_rule_sets(sets, seed), (0.3, 3.0, 40.0)[seed % 3]).records(300)
    for told in engine_outcome(records, sets).alerts:
        body = msgspec.json.decode(told, type=AlertBody)
        found = sentence(body)
        assert found.startswith(f"{body.symbol} ")
        assert len(found) <= MAX_LENGTH
        assert "\n" not in found
        assert "no value" not in found or "is_null" in told.decode()


finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.none() | finite
expressions = st.sampled_from([metric for metric, _ in METRICS]) | st.text(max_size=30) | st.just("session")
verdicts = st.none() | st.booleans()
operators = st.sampled_from([*OPERATORS, "crosses_above", "is_null", "holds"]) | st.text(max_size=5)
simple = st.builds(
    Leaf, expressions, numbers, operators, numbers, verdicts, st.just("") | expressions,
    st.none() | st.tuples(numbers, numbers),
)  # fmt: skip
leaves = st.recursive(
    simple,
    lambda inner: st.builds(
        lambda operator, verdict, parts: Leaf("parts", None, operator, None, verdict, parts=tuple(parts)),
        st.sampled_from(["and", "or", "not"]),
        verdicts,
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)
bodies = st.builds(
    AlertBody, st.just("id"), st.just("r"), st.just("h"), st.text(max_size=40), st.just(1), st.just(0),
    st.just("each_row"), numbers, st.just("regular"), st.lists(leaves, max_size=6),
)  # fmt: skip


@given(bodies)
def test_whatever_a_body_says(body: AlertBody) -> None:
    found = sentence(body)
    assert len(found) <= MAX_LENGTH
    assert sentence(msgspec.json.decode(encode_body(body), type=AlertBody)) == found
