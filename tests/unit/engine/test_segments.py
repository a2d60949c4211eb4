"""Running figures over segments, against plain loops."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.segments import Segments
from schemas.batch import I64

SMALL = st.integers(-100, 100)
ANY = st.one_of(SMALL, st.integers(-(2**63) + 1, 2**63 - 1), st.sampled_from([2**62, -(2**62), 2**50, 0]))
ROWS = st.lists(st.lists(st.one_of(SMALL, ANY), min_size=1, max_size=90), min_size=1, max_size=6)


def columns(rows: list[list[int]]) -> tuple[Segments, I64]:
    lengths = [len(one) for one in rows]
    starts = np.cumsum([0, *lengths[:-1]])
    return Segments(starts, sum(lengths)), np.array([value for one in rows for value in one], np.int64)


@given(ROWS, st.data())
def test_extremes_up_to_each_row(rows: list[list[int]], data: st.DataObject) -> None:
    segments, values = columns(rows)
    carry = data.draw(st.lists(ANY, min_size=len(rows), max_size=len(rows)))
    highest, lowest = [], []
    for one, begun in zip(rows, carry, strict=True):
        for end in range(1, len(one) + 1):
            highest.append(max(begun, *one[:end]))
            lowest.append(min(begun, *one[:end]))
    assert segments.running_max(values, np.array(carry)).tolist() == highest
    assert segments.running_min(values, np.array(carry)).tolist() == lowest


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=20), min_size=1, max_size=6))
def test_newest_of_each_segment_up_to_each_row(rows: list[list[bool]]) -> None:
    segments, mask = columns([[int(value) for value in one] for one in rows])
    expected, first = [], 0
    for one in rows:
        for end in range(1, len(one) + 1):
            true = [first + place for place, value in enumerate(one[:end]) if value]
            expected.append(true[-1] if true else -1)
        first += len(one)
    assert segments.newest(mask.astype(bool)).tolist() == expected


@given(ROWS)
def test_values_of_segments_over_rows(rows: list[list[int]]) -> None:
    segments, _ = columns(rows)
    expected = [10 * number for number, one in enumerate(rows) for _ in one]
    assert segments.spread(10 * np.arange(len(rows))).tolist() == expected
    assert segments.of_row.tolist() == [number for number, one in enumerate(rows) for _ in one]
