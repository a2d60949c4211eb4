"""What is encoded comes back as it was, and equal things have equal bytes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import (
    Alert,
    AlertBody,
    Delivery,
    Leaf,
    alert_id,
    body_bytes,
    decode_alert,
    encode_alert,
    encode_body,
)
from schemas.bar import SESSIONS, TIMEFRAMES, Bar, bar_order, decode_bar, digest, encode_bar
from schemas.live import LiveBatch, LiveFigures, LiveMetrics, LiveQuote, decode_live, encode_live
from schemas.metrics import MetricValues, decode_line, decode_metrics, encode_line, encode_metrics, lines_of
from schemas.rule import (
    MAX_ENTRIES_PER_PART,
    OPERATORS,
    RuleBody,
    RuleEntry,
    RuleSetPart,
    decode_rule_body,
    encode_rule_body,
    rule_hash,
    rule_set_hash,
    rule_set_parts,
)
from schemas.tick import TickRecord, encode_tick
from tests.unit.schemas.examples import finite, integers, symbols, ticks, times

maybe = st.none() | finite
small = st.text(max_size=12)
bars = st.builds(
    Bar,
    symbol=symbols,
    timeframe=st.sampled_from(TIMEFRAMES),
    start=times,
    open=finite,
    high=finite,
    low=finite,
    close=finite,
    volume=finite,
    vwap=maybe,
    trades=st.integers(0, 2**40),
    session=st.sampled_from(SESSIONS),
    rev=st.integers(0, 99),
)
starts = st.dictionaries(st.sampled_from(TIMEFRAMES), times, max_size=2)
leaves = st.builds(Leaf, small, maybe, st.sampled_from(OPERATORS), finite, st.booleans(), bars=starts)
bodies = st.builds(
    AlertBody, small, small, small, symbols, times, st.integers(0, 9), small, maybe, small, st.lists(leaves, max_size=3)
)
deliveries = st.builds(Delivery, small, integers, integers, integers, integers, integers, small, small, integers)
quotes = st.builds(LiveQuote, symbols, times, finite, maybe, maybe, maybe, finite, maybe, small)
entries = st.builds(RuleEntry, small, small, small, st.integers(0, 9))


@given(ticks)
def test_a_tick_comes_back(tick: TickRecord) -> None:
    assert msgspec.json.decode(encode_tick(tick), type=TickRecord) == tick


@given(bars)
def test_a_bar_comes_back(bar: Bar) -> None:
    assert decode_bar(encode_bar(bar)) == bar
    assert encode_bar(decode_bar(encode_bar(bar))) == encode_bar(bar)


@given(st.lists(bars, max_size=6), st.randoms())
def test_the_digest_of_bars_does_not_depend_on_the_order_they_came_in(found: list[Bar], random: Any) -> None:
    mixed = random.sample(found, len(found))
    lines, others = ([encode_bar(bar) for bar in sorted(some, key=bar_order)] for some in (found, mixed))
    if len({bar_order(bar) for bar in found}) == len(found):
        assert digest(lines) == digest(others)


def test_a_digest_is_that_of_the_lines_each_ended_by_a_newline() -> None:
    assert digest([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest([b"a", b"b"]) == digest([b"a\nb"])
    assert digest([b"a", b"b"]) != digest([b"ab"])


@given(bodies, deliveries, deliveries)
def test_an_alert_holds_its_body_whatever_its_delivery(body: AlertBody, one: Delivery, other: Delivery) -> None:
    first, second = encode_alert(Alert(body, one)), encode_alert(Alert(body, other))
    assert body_bytes(first) == body_bytes(second) == encode_body(body)
    assert decode_alert(first) == Alert(body, one)


@given(st.lists(st.tuples(small, small, symbols, small, times, st.binary(max_size=16), st.integers(0, 9)), unique=True))
def test_ids_of_alerts_differ_where_anything_does(parts: list[tuple[str, str, str, str, int, bytes, int]]) -> None:
    told_apart = {(*part[:5], part[5] or str(part[6]).encode()) for part in parts}
    assert len({alert_id(*part) for part in parts}) == len(told_apart)


@given(st.lists(quotes, max_size=4), st.integers(0, 99))
def test_live_figures_come_back_and_a_record_without_any_is_as_before(found: list[LiveQuote], partition: int) -> None:
    figures = LiveFigures(["vwap", "rsi(14, 1m)"], [LiveMetrics("A", 5, [1.5, None])])
    batch = LiveBatch(partition, found, figures)
    assert decode_live(encode_live(batch)) == batch
    assert b"figures" not in encode_live(LiveBatch(partition, found))


@given(symbols, st.sampled_from(TIMEFRAMES), times, st.dictionaries(small, maybe, max_size=5))
def test_figures_come_back_and_nothing_stands_for_those_that_do_not_exist(
    symbol: str, timeframe: str, start: int, values: dict[str, float | None]
) -> None:
    record = MetricValues(symbol, timeframe, start, start + 9, tuple(values), list(values.values()))
    assert decode_metrics(encode_metrics(record)) == record
    gone = [float("nan") if value is None else value for value in values.values()]
    assert encode_metrics(msgspec.structs.replace(record, values=gone)) == encode_metrics(record)
    lines = lines_of(msgspec.structs.replace(record, values=gone))
    assert {line.name: line.value for line in lines} == {name: v for name, v in values.items() if v is not None}
    assert [decode_line(encode_line(line)) for line in lines] == lines


@given(st.lists(quotes, max_size=4), st.integers(0, 99))
def test_live_quotes_come_back(found: list[LiveQuote], partition: int) -> None:
    assert decode_live(encode_live(LiveBatch(partition, found))) == LiveBatch(partition, found)


@given(small, small, st.integers(0, 2**62))
def test_a_rule_body_comes_back_under_the_same_hash(expression: str, trigger: str, cooldown_ns: int) -> None:
    body = RuleBody(expression, trigger, cooldown_ns)
    assert decode_rule_body(encode_rule_body(body)) == body
    assert rule_hash(decode_rule_body(encode_rule_body(body))) == rule_hash(body)


@given(st.lists(entries, max_size=5), st.randoms())
def test_the_hash_of_a_set_looks_at_ids_and_hashes_alone(found: list[RuleEntry], random: Any) -> None:
    if len({entry.id for entry in found}) == len(found):
        renamed = [RuleEntry(entry.id, entry.hash, entry.name + "x", entry.version + 1) for entry in found]
        assert rule_set_hash(random.sample(renamed, len(renamed))) == rule_set_hash(found)


@pytest.mark.parametrize("count", [0, 1, MAX_ENTRIES_PER_PART, MAX_ENTRIES_PER_PART + 1])
def test_a_set_of_any_size_is_whole_again_from_its_parts(count: int) -> None:
    found = [RuleEntry(f"r{number:05}", "h", "n", 1) for number in range(count)]
    parts = rule_set_parts(found[::-1])
    read = [msgspec.json.decode(msgspec.json.encode(part), type=RuleSetPart) for part in parts]
    assert [part.part for part in read] == list(range(len(read)))
    assert {part.parts for part in read} == {max(1, -(-count // MAX_ENTRIES_PER_PART))}
    assert [entry for part in read for entry in part.entries] == found


@pytest.mark.parametrize(
    "decode", [decode_bar, decode_alert, decode_live, decode_rule_body, decode_metrics, decode_line]
)
@given(value=st.binary(max_size=60))
def test_other_bytes_give_the_error_that_is_announced(decode: Any, value: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        decode(value)
