"""The file provider gives every line that is a tick and names those that are none."""

import gzip
from codecs import BOM_UTF8
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ingest.batch import MAX_RECORD_BYTES
from ingest.file import LINES_PER_BATCH, FileOptions, FileProvider
from ingest.provider import ProviderError
from tests.unit.ingest.reading import batches_of, read_file, refusals

T = 1_700_000_000_000_000_000
TICK = b'{"symbol":"%s","ts":%d,"price":10,"size":1,"venue":"x"}'
LINES = [TICK % (b"A", T), b"", b"{", TICK % (b"B", T + 1), TICK % (b"a b", T), b'{"hb":%d,"source":"s"}' % T, b"{}"]
CSV = """\
sym,when,px,qty,no,venue
A,1700000000.123456789,10.5,3,7,Q

B,1700000001,oops,3,,
B,2023-11-14T22:13:20.5+00:00,11,4
B,2023-11-14T22:13:20.5+00:00,11,4,,
B,yesterday,11,4,,
B,1700000002,nan,4,,
B,1700000002,1_0,4,,
"B",1700000002,-1,4,,
"""
MAP = "symbol=sym,ts=when,price=px,size=qty,id=no,exchange=venue"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json"])
def test_json_lines_keep_their_bytes_and_bad_ones_are_named(tmp_path: Path, name: str) -> None:
    path, text = tmp_path / name, b"\n".join(LINES)
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    [batch] = read_file(path)
    assert batch.json(np.array([0, 1])) == [LINES[0], LINES[3]]
    assert batch.trades.offset.tolist() == [1, 4]
    assert batch.file == name
    assert [(one.row, one.symbol, one.value) for one in batch.placed] == [(2, None, LINES[5])]
    assert [(where, value) for where, value, _ in refusals([batch])] == [
        (f"{name}:3", LINES[2]),
        (f"{name}:5", LINES[4]),
        (f"{name}:7", LINES[6]),
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_csv_is_read_through_its_column_map(tmp_path: Path, name: str) -> None:
    path, text = tmp_path / name, CSV.encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    [batch] = read_file(path, columns=MAP, time_unit="s")
    assert [msgspec.json.decode(value) for value in batch.json(np.array([0, 1]))] == [
        {"symbol": "A", "ts": 1_700_000_000_123_456_789, "price": 10.5, "size": 3.0, "id": "7", "exchange": "Q"},
        {"symbol": "B", "ts": T + 500_000_000, "price": 11.0, "size": 4.0},
    ]
    lines = CSV.encode().split(b"\n")
    assert refusals([batch]) == [
        (f"{name}:4", lines[3], "price: 'oops' is no number"),
        (f"{name}:5", lines[4], "4 columns instead of 6"),
        (f"{name}:7", lines[6], "ts: 'yesterday' is no time"),
        (f"{name}:8", lines[7], "price: 'nan' is no number"),
        (f"{name}:9", lines[8], "price: '1_0' is no number"),
        (f"{name}:10", lines[9], "price: -1.0 is missing or not a finite number above 0"),
    ]


def test_a_symbol_stands_for_files_without_that_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"\ufeffts,price,size,flags\n{T},1,2,4\n{T},1,2,32\n{T},1,2,x\n", encoding="utf-8")
    [batch] = read_file(path, symbol="BTC-USD")
    assert batch.names == ["BTC-USD"]
    assert batch.trades.flags.tolist() == [4]
    assert [reason for _, _, reason in refusals([batch])] == [
        "flags: '32' is not a set of eligibility bits",
        "flags: 'x' is not a set of eligibility bits",
    ]


@pytest.mark.parametrize(("unit", "text"), [("s", "1700000000.5"), ("ms", "1700000000500"), ("us", "1700000000500000")])
def test_times_are_exact_in_any_unit(tmp_path: Path, unit: str, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"symbol,ts,price,size\nA,{text},1,2\n")
    assert read_file(path, time_unit=unit)[0].trades.ts.tolist() == [T + 500_000_000]


@pytest.mark.parametrize(
    "text",
    ["2023-11-14T22:13:20.123456789Z", "2023-11-15 03:43:20.1234567891+05:30", "2023-11-14T22:13:20.123456789"],
)
def test_a_written_time_keeps_its_nanoseconds(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"symbol,ts,price,size\nA,{text},1,2\n")
    assert read_file(path)[0].trades.ts.tolist() == [T + 123_456_789]


def test_line_numbers_go_on_from_batch_to_batch(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes((TICK % (b"A", T) + b"\n") * LINES_PER_BATCH + b"bad\n" + TICK % (b"B", T))
    batches = read_file(path)
    assert [len(batch.trades) for batch in batches] == [LINES_PER_BATCH, 1]
    assert [where for where, _, _ in refusals(batches)] == [f"a.jsonl:{LINES_PER_BATCH + 1}"]
    assert batches[1].trades.offset.tolist() == [LINES_PER_BATCH + 2]
    assert batches[0].names is batches[1].names


def test_a_line_too_long_for_a_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    long = TICK % (b"A", T)
    long = long[:-1] + b',"x":"%s"}' % (b"y" * MAX_RECORD_BYTES)
    path.write_bytes(TICK % (b"A", T) + b"\n" + long + b"\n" + TICK % (b"A", T))
    [batch] = read_file(path)
    assert batch.trades.offset.tolist() == [1, 3]
    assert refusals([batch]) == [
        ("a.jsonl:2", long, f"record: {len(long)} bytes are more than the {MAX_RECORD_BYTES} that one may have")
    ]


def test_only_wanted_symbols_are_given_with_what_is_placed_among_them(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    daily = b'{"kind":"daily","symbol":"%s","ts":1700000000000000000,"open":1,"high":1,"low":1,"close":1,"volume":1}'
    beat = b'{"hb":%d,"source":"s"}' % T
    lines = [
        daily % b"A",
        TICK % (b"A", T),
        daily % b"B",
        TICK % (b"B", T),
        beat,
        TICK % (b"A", T + 1),
        TICK % (b"B", T),
    ]
    path.write_bytes(b"\n".join(lines))
    [batch] = read_file(path, ["B"])
    assert batch.json(np.arange(2)) == [lines[3], lines[6]]
    assert [(one.row, one.value) for one in batch.placed] == [(0, lines[2]), (1, beat)]


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("none.jsonl", None, {}, "there is no file"),
        ("a.txt", b"", {}, "ends in none of .jsonl, .json, .csv, with or without .gz"),
        ("a.csv", b"sym,px\n", {}, "a.csv:1: no column for ts, price, size, symbol; its columns are sym, px"),
        ("a.csv", b"symbol,ts,price,size\n", {"columns": "id=tid"}, "a.csv:1: no column for id; its columns are s"),
        ("a.csv", b"ts,price,size\n", {"columns": "symbol=sym", "symbol": "A"}, "a.csv:1: no column for symbol; its"),
        ("a.csv", b"", {"columns": "prize=px"}, "'prize=px' is not one of symbol, ts, price"),
        ("a.csv", b"", {"time_unit": "h"}, "time_unit is one of s, ms, us, ns, not 'h'"),
        ("a.jsonl.gz", b"plain", {}, "cannot be read after line 0: Not a gzipped file"),
        ("a.jsonl.gz", gzip.compress(b"{}\n" * 99)[:-5], {}, "cannot be read after line 0"),
        ("a.jsonl.gz", gzip.compress(b"{}\n")[:10] + b"\xff" * 9, {}, "cannot be read after line 0: Error -3"),
    ],
)
def test_a_file_that_cannot_be_read_gives_one_clear_error(
    tmp_path: Path, name: str, content: bytes | None, options: dict[str, str], message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ProviderError) as caught:
        read_file(tmp_path / name, **options)
    assert message in str(caught.value)


def test_health_tells_how_far_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(TICK % (b"A", T))
    provider = FileProvider(FileOptions(path=str(tmp_path / "a.jsonl")))
    assert provider.health().newest_ns == -1
    assert provider.health().detail == "a.jsonl, line 0"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_file_that_tells_time_itself_gets_no_other_heartbeats(tmp_path: Path, name: str) -> None:
    for lines, from_rows in ((LINES, False), (LINES[:5], True)):
        text = b"\n".join(lines)
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        provider = FileProvider(FileOptions(path=str(tmp_path / name)))
        batches_of(provider)
        assert provider.heartbeats_from_rows is from_rows


def test_a_mark_before_the_first_line_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "ticks.jsonl"
    path.write_bytes(BOM_UTF8 + b'{"symbol":"A","ts":1700000000000000000,"price":1,"size":1}\n' * 2)
    [batch] = batches_of(FileProvider(FileOptions(path=str(path))))
    assert len(batch.trades) == 2
    assert batch.json(np.arange(1)) == [b'{"symbol":"A","ts":1700000000000000000,"price":1,"size":1}']
    assert not batch.refused
