"""The decoder gives the columns that reading one record after the other gives, and no bytes stop it."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.batch import Chunk, Rejected, TickBatch, Trades
from schemas.control import encode_heartbeat, encode_rule_set_switch, encode_source_end
from schemas.decode import decode_chunk
from schemas.frame import encode_frame
from schemas.partitioning import partition_of
from schemas.symbols import REFUSALS, WRONG_PARTITION, SymbolTable
from schemas.tick import TickRecord, encode_tick
from tests.unit.schemas.examples import damaged, encoded_frames, frames, symbols, ticks, times
from tests.unit.schemas.test_frame import columns_of

T = 1_700_000_000_000_000_000
lean = st.builds(
    lambda symbol, ts, price: msgspec.json.encode({"symbol": symbol, "ts": ts, "price": price, "size": 1}),
    symbols,
    times,
    st.floats(0.5, 1e6),
)
controls = (
    st.builds(encode_heartbeat, st.text(max_size=3), times)
    | st.builds(encode_source_end, st.text(max_size=3))
    | st.builds(encode_rule_set_switch, st.text(max_size=3), st.integers(-9, 9))
)
references = st.builds(
    lambda symbol, ts, more: msgspec.json.encode({"kind": "reference", "symbol": symbol, "ts": ts} | more),
    symbols,
    times,
    st.fixed_dictionaries(
        {"float": st.integers(1, 10**9)}, optional={"earnings": times, "clear": st.just(["earnings"])}
    ),
)
sound = lean | lean | ticks.map(encode_tick) | controls | references | encoded_frames
bad = st.binary(max_size=30) | st.none() | damaged(lean) | damaged(controls | references) | damaged(encoded_frames)
GOOD = b'{"symbol":"GOOD","ts":%d,"price":10.5,"size":3}'


def decoded(*values: bytes | None, first: int = 0, symbols: SymbolTable | None = None) -> TickBatch:
    """The records at offsets from `first` on, appended at ten times their offset."""
    offsets = range(first, first + len(values))
    table = SymbolTable() if symbols is None else symbols
    return decode_chunk(Chunk(offsets, values, [10 * offset for offset in offsets]), table)


def one_by_one(values: Sequence[bytes | None]) -> TickBatch:
    """Each record by itself, put together again."""
    table, whole, parts = SymbolTable(), decoded(), list[Trades]()
    for number, value in enumerate(values):
        one = decoded(value, first=number, symbols=table)
        rows = sum(len(part) for part in parts)
        parts.append(one.trades)
        whole.marks += [replace(mark, row=mark.row + rows) for mark in one.marks]
        whole.rejected += one.rejected
    whole.trades = Trades.concatenate(parts)
    return whole


def places(batch: TickBatch) -> list[tuple[int, int, str]]:
    return sorted((one.offset, one.index, one.reason) for one in batch.rejected)


def reason(value: bytes | None, **table: Any) -> str:
    """Why the record between two good ones is refused, which still come through."""
    found = decoded(GOOD % T, value, GOOD % (T + 1), first=7, symbols=SymbolTable(**table))
    assert found.trades.ts.tolist() == [T, T + 1]
    assert [(one.offset, one.index) for one in found.rejected] in ([(8, 0)], [(8, -1)])
    return found.rejected[0].reason


@given(st.lists(sound | bad, max_size=12))
@example([GOOD % T] * 9 + [b'{"hb":null,"kind":"reference","symbol":"A","ts":%d,"float":5}' % T])
@example([GOOD % T] * 9 + [b'{"symbol":"","ts":%d,"price":1,"size":1}' % T])
@example([b'{"symbol":"A}', b'{","ts":%d,"price":1,"size":1}' % T, GOOD % T + b"\n" + GOOD % T])
@example([b'{"hb":1', GOOD % T, b'{"hb":1}', b'{"end":"a","symbol":"A"}'])
def test_a_mixed_chunk_gives_what_its_records_give_one_by_one(values: list[bytes | None]) -> None:
    chunk, single = decoded(*values), one_by_one(values)
    for name in (field.name for field in fields(Trades)):
        assert np.array_equal(getattr(chunk.trades, name), getattr(single.trades, name)), name
        assert getattr(chunk.trades, name).dtype == getattr(Trades.empty(), name).dtype
    assert chunk.marks == single.marks
    assert places(chunk) == places(single)
    assert (chunk.records, chunk.last_offset) == (len(values), len(values) - 1)


@given(st.lists(bad, max_size=3), st.lists(bad, max_size=3))
def test_whatever_stands_beside_it_a_good_tick_comes_through(
    before: list[bytes | None], after: list[bytes | None]
) -> None:
    found = decoded(*before, GOOD % T, *after)
    here = found.trades.take(found.trades.offset == len(before))
    assert (here.ts.tolist(), here.price.tolist(), here.size.tolist()) == ([T], [10.5], [3.0])
    assert all(one.reason and one.offset != len(before) for one in found.rejected)


@given(st.lists(bad, max_size=6))
def test_each_record_is_a_trade_an_event_or_refused(values: list[bytes | None]) -> None:
    found = decoded(*values)
    seen = {*found.trades.offset.tolist(), *(m.offset for m in found.marks), *(r.offset for r in found.rejected)}
    empty_frames = {i for i, v in enumerate(values) if v and v[:4] == b"\xf7\x01\x00\x00" and v[4:8] == bytes(4)}
    assert seen | empty_frames == set(range(len(values)))


@given(ticks)
def test_every_field_of_a_tick_arrives(tick: TickRecord) -> None:
    trades = decoded(encode_tick(tick)).trades
    row = (trades.ts, trades.price, trades.size, trades.flags, trades.ts_recv, trades.append_ts)
    assert [column[0] for column in row] == [tick.ts, tick.price, tick.size, tick.flags, tick.ts_recv, 0]
    assert bool(trades.id_low[0]) == (tick.id is not None)


@given(frames())
def test_a_frame_gives_its_columns_with_the_partitions_own_numbers(frame: Any) -> None:
    names, columns = frame
    table = SymbolTable()
    trades = decoded(encode_frame(names, columns), symbols=table).trades
    assert [table.names[number] for number in trades.symbol] == [names[number] for number in columns.symbol]
    assert trades.index.tolist() == list(range(len(columns.ts)))
    assert trades.price.tolist() == columns.price.tolist()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "record: empty"),
        (b"", "record: empty"),
        (b"{", "json: Input data was truncated"),
        (b"[]", "json: Expected `object`, got `array`"),
        (b"{} {}", "json: JSON is malformed: trailing characters"),
        (b"\xff\xfe", "json: JSON is malformed"),
        (b'{"symbol":"A","ts":1.5}', "json: Expected `int`, got `float` - at `$.ts`"),
        (b'{"symbol":7}', "json: Expected `str`, got `int` - at `$.symbol`"),
        (b'{"symbol":"A","ts":%d,"price":"1","size":1}' % T, "json: Expected `float`, got `str` - at `$.price`"),
        (b'{"symbol":"A","ts":%d,"price":NaN,"size":1}' % T, "json: JSON is malformed"),
        (b'{"symbol":"A","ts":%d,"price":1e999,"size":1}' % T, "json: Number out of range - at `$.price`"),
        (b'{"symbol":"A","ts":%d,"price":null,"size":1}' % T, "json: Expected `float`, got `null`"),
        (b'{"symbol":"A","ts":%d,"price":0,"size":1}' % T, "price: 0.0 is missing or not a finite number above 0"),
        (b'{"symbol":"A","ts":%d,"price":-3,"size":1}' % T, "price: -3.0 is missing"),
        (b'{"symbol":"A","ts":%d,"price":1}' % T, "size: 0.0 is missing or not a finite number above 0"),
        (b'{"symbol":"A","ts":%d,"price":1,"size":1,"flags":32}' % T, "flags: not a set of eligibility bits"),
        (b'{"symbol":"A","ts":%d,"price":1,"size":1,"flags":-1}' % T, "flags: not a set of eligibility bits"),
        (b'{"symbol":"A B","ts":%d,"price":1,"size":1}' % T, "symbol: not 1 to 32 of A-Z"),
        ('{"symbol":"É","ts":1,"price":1,"size":1}'.encode(), "symbol: not 1 to 32 of A-Z"),
        (b'{"symbol":"%s","ts":1,"price":1,"size":1}' % (b"A" * 33), "symbol: not 1 to 32 of A-Z"),
        (b'{"symbol":"A","price":1,"size":1}', "ts: 0 is not a time in nanoseconds since 1970 (UTC)"),
        (b'{"symbol":"A","ts":%d,"price":1,"size":1}' % (T // 10**6), "is not a time in nanoseconds since 1970 (UTC)"),
        (b'{"symbol":"A","ts":%d,"price":1,"size":1}' % (2**63), "json: Expected `int` <= 9223372036854775807"),
        (b"{}", "record: neither a tick (no symbol) nor a known control record"),
        (b'{"pause":true}', "record: neither a tick (no symbol) nor a known control record"),
        (b'{"kind":"split","symbol":"A"}', "kind: 'split' is none of trade, quote, correction"),
        (b'{"hb":5,"source":"a"}', "heartbeat: needs a source and a time in nanoseconds"),
        (b'{"hb":%d}' % T, "heartbeat: needs a source and a time in nanoseconds"),
        (b'{"ruleset":"x"}', "rule set: needs a seq"),
        (b'{"kind":"daily","symbol":"A","ts":%d,"open":1}' % T, "daily: needs open, high, low, close and volume"),
        (b'{"kind":"reference","symbol":"A","ts":%d}' % T, "reference: needs a market"),
        (b"\xf7", "frame: 1 bytes are less than a header"),
        (b"\xf7" * 40, "frame: unknown version 247 or columns"),
    ],
)
def test_what_is_wrong_is_said(value: bytes | None, expected: str) -> None:
    assert expected in reason(value)


@pytest.mark.parametrize(
    ("column", "wrong", "expected"),
    [
        ("price", float("nan"), "price: nan is missing or not a finite number above 0"),
        ("price", float("inf"), "price: inf is missing or not a finite number above 0"),
        ("size", -0.0, "size: -0.0 is missing or not a finite number above 0"),
        ("size", float("nan"), "size: nan is missing or not a finite number above 0"),
        ("ts", 5, "ts: 5 is not a time"),
        ("flags", 32, "flags: not a set of eligibility bits"),
        ("flags", 255, "flags: not a set of eligibility bits"),
    ],
)
def test_one_bad_trade_of_a_frame_is_refused_with_its_place(column: str, wrong: float, expected: str) -> None:
    columns = columns_of(3)
    getattr(columns, column)[1] = wrong
    found = decoded(encode_frame(["A"], columns), first=5)
    assert found.trades.index.tolist() == [0, 2]
    assert [(one.offset, one.index) for one in found.rejected] == [(5, 1)]
    assert found.rejected[0].reason.startswith(expected)


def test_a_symbol_of_another_partition_is_refused_and_the_partitioner_named() -> None:
    other = next(p for p in range(4) if p != partition_of("A", 4))
    symbols = SymbolTable(other, 4)
    found = decoded(b'{"symbol":"A","ts":%d,"price":1,"size":1}' % T, symbols=symbols)
    assert found.rejected == [Rejected(0, 0, REFUSALS[WRONG_PARTITION])]
    assert "partition by murmur2" in found.rejected[0].reason
    assert symbols.names == []


def test_a_partition_holds_no_more_symbols_than_it_may() -> None:
    values = [b'{"symbol":"S%d","ts":%d,"price":1,"size":1}' % (number % 4, T) for number in range(8)]
    found = decoded(*values, symbols=SymbolTable(limit=3))
    assert found.trades.symbol.tolist() == [0, 1, 2, 0, 1, 2]
    assert {one.reason for one in found.rejected} == {"symbol: the partition holds as many symbols as it may"}


def test_equal_ids_have_equal_keys_whatever_their_form() -> None:
    forms: list[dict[str, object]] = [{"id": "7"}, {"id": 7}, {"id": 7, "exchange": ""}, {"id": 7, "exchange": "X"}, {}]
    given: dict[str, object] = {"symbol": "A", "ts": T, "price": 1, "size": 1}
    trades = decoded(*(msgspec.json.encode(given | form) for form in forms)).trades
    keys = list(zip(trades.id_high.tolist(), trades.id_low.tolist(), strict=True))
    assert keys[0] == keys[1] == keys[2]
    assert len(set(keys)) == 3
    assert keys[4] == (0, 0)
