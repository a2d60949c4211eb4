"""A file of rules is read, or the place is named where it is wrong."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rule import RuleError
from schemas.rule_file import load_rules

RULE: dict[str, object] = {"id": "a", "conditions": [{"metric": "price", "operator": ">", "value": 1}]}


@pytest.mark.parametrize("form", [[RULE], {"rules": [RULE]}, {"rules": [RULE], "metrics": {}}])
def test_a_list_stands_alone_or_under_rules(form: object) -> None:
    assert [rule.id for rule in load_rules(msgspec.json.encode(form))] == ["a"]


@pytest.mark.parametrize(
    ("document", "where", "reason"),
    [
        (b"", "file", "not JSON"),
        (b"[{]", "file", "not JSON: JSON is malformed: object keys must be strings (byte 2)"),
        (b"\xff", "file", "not JSON"),
        (b"[" * 100_000, "file", "not JSON"),
        (b'{"rules": [], "metrisc": {}}', "file", "Object contains unknown field `metrisc`; did you mean metrics?"),
        (b"7", "file", "needs a list of at most 100000 rules"),
        (b'{"rules":{}}', "file", "needs a list of at most 100000 rules"),
        (b'["a"]', "rules[0]", "Expected `object`, got `str`"),
        (b'[{"conditions":[]}]', "rules[0]", "Object missing required field `id`"),
        (b'[{"id":"","conditions":[]}]', "rules[0].id", "'' is empty or used twice"),
        (b'[{"id":"a","conditions":[]},{"id":"a","conditions":[]}]', "rules[1].id", "'a' is empty or used twice"),
        (b'[{"id":"a","conditions":[{"metric":1}]}]', "rules[0].conditions[0].metric", "Expected `str`, got `int`"),
        (
            b'[{"id":"a","conditions":[{"metric":"price","operator":">","value":"1"}]}]',
            "rules[0].conditions[0].value",
            "Expected `float`, got `str`",
        ),
        (b'[{"id":"a","conditions":[],"cooldown":"1m"}]', "rules[0].cooldown", "Expected `float | null`, got `str`"),
    ],
)
def test_what_is_wrong_is_said_and_where(document: bytes, where: str, reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        load_rules(document)
    assert caught.value.where.startswith(where)
    assert reason in caught.value.reason


@given(st.binary(max_size=60))
def test_other_bytes_are_no_rules(document: bytes) -> None:
    with pytest.raises(RuleError):
        load_rules(document)
