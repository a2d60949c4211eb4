"""What hypothesis draws for the codecs: sound values of every field, and ways to damage bytes."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from schemas.frame import FrameColumns, encode_frame
from schemas.tick import MAX_TS_NS, MIN_TS_NS, TickRecord

symbols = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:^=+/\-]{0,31}\Z")
times = st.integers(MIN_TS_NS, MAX_TS_NS - 1)
amounts = st.floats(1e-9, 1e15)
integers = st.integers(-(2**63), 2**63 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.integers(0, 2**64 - 1)

ticks = st.builds(
    TickRecord,
    symbol=symbols,
    ts=times,
    price=amounts,
    size=amounts,
    flags=st.integers(0, 31),
    id=st.none() | st.text(max_size=40) | integers,
    exchange=st.none() | st.text(max_size=4),
    conditions=st.none() | st.lists(st.text(max_size=2) | st.integers(0, 99), max_size=3),
    seq=st.none() | integers,
    ts_recv=integers,
    source=st.none() | st.text(max_size=8),
)


@st.composite
def frames(draw: st.DrawFn, least: int = 0, most: int = 12) -> tuple[list[str], FrameColumns]:
    """Names and sound columns, optional ones present or not."""
    names = draw(st.lists(symbols, min_size=1, max_size=4, unique=True))
    count = draw(st.integers(least, most))

    def column(values: st.SearchStrategy[int] | st.SearchStrategy[float], dtype: type, default: int = 0) -> Any:
        if draw(st.booleans()):
            return np.full(count, default, dtype)
        return np.array(draw(st.lists(values, min_size=count, max_size=count)), dtype)

    return names, FrameColumns(
        symbol=column(st.integers(0, len(names) - 1), np.uint16),
        ts=column(times, np.int64, MIN_TS_NS),
        price=column(amounts, np.float64, 1),
        size=column(amounts, np.float64, 1),
        flags=column(st.integers(0, 31), np.uint8, 7),
        ts_recv=column(integers, np.int64),
        id_high=column(words, np.uint64),
        id_low=column(words, np.uint64),
    )


encoded_frames = frames(least=1).map(lambda frame: encode_frame(*frame))


@st.composite
def damaged(draw: st.DrawFn, sound: st.SearchStrategy[bytes]) -> bytes:
    """A sound record with some bytes changed, cut off, put in or said twice."""
    value = bytearray(draw(sound))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        end = draw(st.integers(at, min(len(value), at + 9)))
        value[at:end] = draw(st.binary(max_size=4) | st.just(bytes(value[at:end]) * 2))
    return bytes(value)
