"""Values in one buffer are the values that were put there."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.values import Values

LISTS = st.lists(st.one_of(st.none(), st.binary(max_size=20)), max_size=12)


@given(LISTS)
def test_they_are_what_was_put_in(given_values: list[bytes | None]) -> None:
    values = Values.of(given_values)
    expected = [value or b"" for value in given_values]
    assert list(values) == [values[i] for i in range(len(values))] == expected
    for begin in range(len(expected)):
        assert list(values.part(begin, begin + 3)) == expected[begin : begin + 3]
    assert list(values.only(values.starts < values.ends)) == [value for value in expected if value]


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1))
def test_bytes_at_a_place_and_lines(given_values: list[bytes]) -> None:
    values = Values.of(given_values)
    assert values.byte(0).tolist() == [value[0] for value in given_values]
    assert values.byte(-1).tolist() == [value[-1] for value in given_values]
    lengths = [len(value) for value in given_values]
    assert values.lines() == b"\n".join(given_values), "no byte more between them"
    some = values.only(values.byte(0) < 128)
    kept = [value for value in given_values if value[0] < 128]
    assert b"\n".join(part for part in some.lines().split(b"\n") if part) == b"\n".join(
        part for value in kept for part in value.split(b"\n") if part
    )
    assert len(lengths) == len(values)


@given(st.lists(st.binary(max_size=6).map(lambda text: bytes(byte % 3 + 97 for byte in text)), max_size=12))
def test_those_that_hold_one_of_some_parts(given_values: list[bytes]) -> None:
    values = Values.of([b"", *given_values, b"cc"]).part(1, len(given_values) + 1)
    assert values.holding((b"aa", b"bc")) == [i for i, one in enumerate(given_values) if b"aa" in one or b"bc" in one]
