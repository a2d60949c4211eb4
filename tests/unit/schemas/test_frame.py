"""A frame gives back its columns, and damage of any kind is noticed."""

import contextlib
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.frame import FRAME_MAGIC, MAX_FRAME_TRADES, FrameColumns, FrameError, decode_frame, encode_frame
from schemas.tick import REGULAR_TRADE
from tests.unit.schemas.examples import damaged, encoded_frames, frames


def columns_of(count: int) -> FrameColumns:
    """Plain trades of one symbol."""
    zeros = np.zeros(count, np.uint64)
    flags, times = np.full(count, REGULAR_TRADE, np.uint8), np.full(count, 10**18)
    return FrameColumns(
        zeros.astype(np.uint16), times, np.ones(count), np.ones(count), flags, zeros.astype(np.int64), zeros, zeros
    )


@given(frames())
def test_a_frame_comes_back(frame: tuple[list[str], FrameColumns]) -> None:
    names, columns = frame
    found, read = decode_frame(encode_frame(names, columns))
    assert found == names
    with_ids = columns.id_low.any()  # a high half without a low one is no id
    for name in (field.name for field in fields(FrameColumns)):
        if name != "id_high" or with_ids:
            assert np.array_equal(getattr(read, name), getattr(columns, name))
            assert getattr(read, name).dtype == getattr(columns, name).dtype


@given(damaged(encoded_frames))
def test_a_damaged_frame_is_refused_or_was_not_damaged(value: bytes) -> None:
    with contextlib.suppress(FrameError):
        assert encode_frame(*decode_frame(value)) == value


@given(encoded_frames, st.data())
def test_every_single_bit_counts(value: bytes, data: st.DataObject) -> None:
    at, bit = data.draw(st.integers(0, len(value) - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(value)
    changed[at] ^= 1 << bit
    with pytest.raises(FrameError):
        decode_frame(bytes(changed))


@given(encoded_frames, st.data())
def test_a_frame_cut_short_is_refused(value: bytes, data: st.DataObject) -> None:
    with pytest.raises(FrameError):
        decode_frame(value[: data.draw(st.integers(0, len(value) - 1))])


@given(st.binary(max_size=80))
def test_other_bytes_are_no_frame(value: bytes) -> None:
    with pytest.raises(FrameError):
        decode_frame(bytes([FRAME_MAGIC]) + value)


def test_what_is_left_out_takes_no_bytes() -> None:
    columns = columns_of(100)
    assert len(encode_frame(["A"], columns)) == 20 + 1 + 100 * 26


def test_a_frame_holds_so_many_trades_and_no_more() -> None:
    assert len(decode_frame(encode_frame(["A"], columns_of(MAX_FRAME_TRADES)))[1].ts) == MAX_FRAME_TRADES
    with pytest.raises(FrameError, match="65536 trades of 1 symbols are more than a frame holds"):
        encode_frame(["A"], columns_of(MAX_FRAME_TRADES + 1))
