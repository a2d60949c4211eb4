"""Pieces of state and manifests come back from their bytes; what was damaged or is of another version is refused."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.pieces import Header, Piece
from tables import blob
from tables.blob import BlobError, StoredHeader, decode_blob, encode_blob
from tables.manifest import Manifest, decode_manifest, encode_manifest

integers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(max_size=8)
headers = st.builds(
    Header, integers, integers, st.dictionaries(texts, integers, max_size=3), st.none() | texts, integers
)
manifests = st.builds(
    Manifest,
    st.just(16),
    headers.map(StoredHeader.of),
    st.dictionaries(texts, integers, max_size=3),
    texts,
)


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    """Columns of any type and shape that the engine has."""
    count = draw(st.integers(0, 5))

    def column() -> np.ndarray[Any, Any]:
        shape = draw(st.sampled_from([(count,), (16, count), (count, 2)]))
        dtype = draw(st.sampled_from([np.int64, np.float64, np.uint8, np.int32, np.uint64, np.bool_]))
        seed = draw(st.integers(0, 2**32))
        return (
            np.frombuffer(np.random.default_rng(seed).bytes(8 * int(np.prod(shape))), np.uint64)
            .reshape(shape)
            .astype(dtype)
        )

    columns = {name: column() for name in draw(st.lists(texts, max_size=4, unique=True))}
    return Piece(draw(texts), draw(headers), [f"S{number}" for number in range(count)], columns)


def sample() -> bytes:
    piece = Piece("live/3", Header(17, 5, {"a": 4}, "h", 2), ["A", "B"], {"x": np.array([1.5, np.nan])})
    return encode_blob(piece, {"bars/1m/0/3": 9})


@given(pieces())
def test_a_piece_comes_back(piece: Piece) -> None:
    found = decode_blob(encode_blob(piece, {})).piece
    assert (found.key, found.header, found.symbols) == (piece.key, piece.header, piece.symbols)
    assert list(found.columns) == list(piece.columns)
    for name, values in piece.columns.items():
        assert found.columns[name].dtype == values.dtype
        assert np.array_equal(found.columns[name], values)
        assert found.columns[name].flags.writeable


@given(st.data())
def test_every_bit_of_a_piece_counts(data: st.DataObject) -> None:
    value = bytearray(sample())
    value[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BlobError):
        decode_blob(bytes(value))


@given(st.integers(0, 10_000))
def test_a_piece_cut_short_is_refused(size: int) -> None:
    value = sample()
    with pytest.raises(BlobError):
        decode_blob(value[: size % len(value)])


@given(st.binary(max_size=40))
def test_other_bytes_are_no_piece(value: bytes) -> None:
    with pytest.raises(BlobError, match=r"no piece of state|checksum|version"):
        decode_blob(value)


def test_a_piece_of_another_version_is_refused_with_what_to_do() -> None:
    value = bytearray(sample())
    value[3] = blob.VERSION + 1
    with pytest.raises(BlobError) as caught:
        decode_blob(bytes(value))
    told = str(caught.value)
    assert f"of version {blob.VERSION + 1}; this program reads version {blob.VERSION}" in told
    assert "start under another application id" in told


@given(manifests)
def test_a_manifest_comes_back(made: Manifest) -> None:
    assert decode_manifest(encode_manifest(made), 16) == made


@given(manifests, st.integers(0, 10_000))
def test_a_manifest_cut_short_is_refused(made: Manifest, size: int) -> None:
    value = encode_manifest(made)
    with pytest.raises(BlobError, match=r"cannot be read|checksum|version 0"):
        decode_manifest(value[: size % len(value)], 16)


@given(manifests, st.integers(0, 10_000), st.integers(1, 255))
def test_a_manifest_with_a_changed_byte_is_refused(made: Manifest, place: int, change: int) -> None:
    value = bytearray(encode_manifest(made))
    value[place % len(value)] ^= change
    with pytest.raises(BlobError, match=r"cannot be read|checksum is wrong|of version"):
        decode_manifest(bytes(value), 16)


def test_a_manifest_from_before_there_were_checksums_is_still_read() -> None:
    made = Manifest(16, StoredHeader.of(Header(7)), {"live/0": 5}, "w")
    bare = msgspec.msgpack.encode({"version": 2, **msgspec.structs.asdict(made)})
    assert decode_manifest(bare, 16) == made


def test_a_manifest_of_another_version_or_another_division_is_refused() -> None:
    made = Manifest(16, StoredHeader.of(Header()), {}, "w")
    with pytest.raises(BlobError, match="kept in 16 shards, the setting says 8"):
        decode_manifest(encode_manifest(made), 8)
    newer = bytearray(encode_manifest(made))
    newer[3] += 1
    for value, version in ((bytes(newer), 4), (msgspec.msgpack.encode({"version": 1}), 1)):
        with pytest.raises(BlobError, match=f"of version {version}; this program reads versions 2 and 3"):
            decode_manifest(value, 16)
