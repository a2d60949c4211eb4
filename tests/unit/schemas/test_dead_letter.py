"""A dead letter says where its record stood and why it is one, in the headers that Kafka Connect uses."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import MAX_REASON, error_headers, payload_of, reason_of
from schemas.frame import encode_frame
from schemas.topics import ALL, dead_letters_of
from tests.unit.schemas.examples import damaged, encoded_frames
from tests.unit.schemas.test_frame import columns_of


def test_the_headers_are_those_of_kafka_connect_and_the_place_in_the_frame() -> None:
    headers = error_headers("t", 3, 17, 2, "price: -1.0 is not above 0", "scan")
    assert {name.removeprefix("__connect.errors."): value for name, value in headers} == {
        "topic": b"t",
        "partition": b"3",
        "offset": b"17",
        "index": b"2",
        "stage": b"scan",
        "class.name": b"scan",
        "exception.class.name": b"price",
        "exception.message": b"price: -1.0 is not above 0",
    }
    assert all(name.startswith("__connect.errors.") for name, _ in headers)
    assert reason_of(headers) == "price: -1.0 is not above 0"
    assert reason_of([("other", b"x")]) == ""


@given(st.text(max_size=3_000))
def test_a_reason_of_any_length_takes_little_room(reason: str) -> None:
    headers = error_headers("t", 0, 0, 0, reason, "scan")
    assert reason_of(headers)[:MAX_REASON] == reason[:MAX_REASON]
    assert sum(len(name) + len(value) for name, value in headers) < 10 * MAX_REASON


@pytest.mark.parametrize("value", [b"", b"{", b'{"symbol":"A"}', b"\xf7 no frame"])
def test_the_bytes_of_a_record_are_kept(value: bytes) -> None:
    assert payload_of(value, -1) == payload_of(value, 0) == value


def test_of_a_record_without_value_nothing_is_kept() -> None:
    assert payload_of(None, -1) == b""


def test_a_trade_of_a_frame_is_kept_as_json() -> None:
    columns = columns_of(3)
    columns.price[1] = -4.5
    tick = msgspec.json.decode(payload_of(encode_frame(["A B"], columns), 1))
    assert tick == {"symbol": "A B", "ts": 10**18, "price": -4.5, "size": 1.0, "flags": 7}


@given(damaged(encoded_frames))
def test_the_bytes_of_a_damaged_frame_are_kept(value: bytes) -> None:
    assert payload_of(value, -1) == value


def test_a_topic_of_dead_letters_takes_what_its_topic_takes_and_the_headers() -> None:
    for topic in ALL:
        assert dead_letters_of(topic).max_message_bytes > topic.max_message_bytes + 10 * MAX_REASON
        assert dead_letters_of(topic).partitions == topic.partitions
