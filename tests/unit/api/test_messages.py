"""A client's message is understood, or refused with its id."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.messages import BadMessageError, Ping, Position, Subscribe, decode_message, refusal, reply

ANY = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["epoch", "offsets", "0"]), inner),
)
OPS = st.sampled_from(["subscribe", "unsubscribe", "ping", "fly"])


def test_messages_are_understood() -> None:
    assert decode_message('{"op":"ping","id":"a"}') == Ping(id="a")
    assert decode_message(
        '{"id":1,"op":"subscribe","symbols":["A"],"backlog":5,"resume":{"epoch":"e","offsets":{"0":3}}}'
    ) == Subscribe(id=1, symbols=["A"], backlog=5, resume=Position("e", {"0": 3}))


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ("", None),
        ("nonsense", None),
        ("[" * 10_000, None),
        ("[]", None),
        ('{"op":"ping"}', None),
        ('{"op":"ping","id":-1}', None),
        ('{"op":"ping","id":1.5}', None),
        ('{"op":"fly","id":1}', 1),
        ('{"id":2}', 2),
        ('{"op":"ping","id":3,"more":1}', 3),
        ('{"op":"subscribe","id":4,"symbols":"A"}', 4),
        ('{"op":"subscribe","id":5,"symbols":["' + "A" * 129 + '"]}', 5),
        ('{"op":"subscribe","id":6,"backlog":1001}', 6),
        ('{"op":"subscribe","id":7,"resume":{"epoch":"e"}}', 7),
        ('{"op":"subscribe","id":8,"symbols":[' + ",".join(['"A"'] * 1001) + "]}", 8),
        ('{"op":"subscribe","id":9,"metrics":true}', 9),
        ('{"op":"subscribe","id":10,"metrics":true,"symbols":[' + ",".join(['"A"'] * 101) + "]}", 10),
    ],
)
def test_what_is_no_message_is_refused_with_its_id(text: str, message_id: int | None) -> None:
    with pytest.raises(BadMessageError) as refused:
        decode_message(text)
    assert refused.value.id == message_id
    assert str(refused.value)


def answer_to(text: str) -> str:
    try:
        return reply(decode_message(text).id)
    except BadMessageError as refused:
        return refusal(refused.id, "bad_message", str(refused))


@given(st.text() | st.fixed_dictionaries({"op": OPS, "id": ANY, "symbols": ANY, "resume": ANY}).map(json.dumps))
def test_whatever_a_client_sends_is_a_message_or_refused(text: str) -> None:
    answer = json.loads(answer_to(text))
    assert answer["ok"] is ("error" not in answer)
    assert answer["id"] is None or answer["id"] == json.loads(text)["id"]
