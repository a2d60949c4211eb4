"""Replays of files: spans of event time, pace, damage, and what the report says of the alerts."""

import gzip
import json
from codecs import BOM_UTF8
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from app.cli import FAILED, main
from app.report import report_of
from app.report_page import page
from schemas.alert import encode_body
from schemas.bar import encode_bar
from tests.support.alerts import MINUTE_NS, make_alert, make_bar
from tests.support.tick_log import RULES, START_NS, Market

SECOND_NS = 1_000_000_000


@pytest.fixture
def ticks(tmp_path: Path) -> Path:
    """Five minutes of a market as a file, with its heartbeats, in the order of time."""
    market = Market(10, seed=5)
    records = [record for _ in range(300) for record in merged(market.seconds(1))]
    path = tmp_path / "ticks.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(record + b"\n" for record in records)))
    return path


def merged(values: dict[int, list[bytes]]) -> list[bytes]:
    """The ticks of all partitions that are JSON, then one heartbeat."""
    found = [record for records in values.values() for record in records if record.startswith(b'{"symbol"')]
    return [*found, values[0][-1]]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.json"
    path.write_bytes(msgspec.json.encode(RULES))
    return path


def replay(ticks: Path, rules: Path, name: str, *options: str) -> Path:
    out = ticks.parent / name
    assert main(["replay", "--file", str(ticks), "--rules", str(rules), "--out", str(out), *options]) == 0
    return out


def lines(folder: Path, name: str) -> list[bytes]:
    return (folder / f"{name}.jsonl").read_bytes().splitlines()


def test_spans_of_a_file_make_up_the_whole(ticks: Path, rules: Path) -> None:
    whole = replay(ticks, rules, "whole")
    assert len(lines(whole, "alerts")) > 10
    times = [str(START_NS + second * SECOND_NS) for second in (90, 200)]
    parts = [
        replay(ticks, rules, "head", "--to", times[0]),
        replay(ticks, rules, "middle", "--from", times[0], "--to", times[1]),
        replay(ticks, rules, "tail", "--from", times[1]),
    ]
    for name in ("bars", "alerts"):
        assert sorted(line for part in parts for line in lines(part, name)) == sorted(lines(whole, name))
    found = [json.loads((part / "manifest.json").read_bytes())["counts"] for part in (*parts, whole)]
    assert sum(one["ticks"] for one in found[:3]) == found[3]["ticks"]
    early = replay(ticks, rules, "early", "--from", "2020-01-01", "--to", "2030-01-01")
    assert lines(early, "alerts") == lines(whole, "alerts")


def test_a_pace_changes_nothing_and_shows_alerts_as_they_come(
    ticks: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paced = replay(ticks, rules, "paced", "--speed", "x5000")
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("2026-01-05T")]
    assert len(shown) == len(lines(paced, "alerts"))
    assert lines(paced, "alerts") == lines(replay(ticks, rules, "whole"), "alerts")


def test_a_recorded_run_of_another_file_is_refused(
    ticks: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = replay(ticks, rules, "whole")
    again = ["replay", "--manifest", str(whole / "manifest.json"), "--out", str(ticks.parent / "again")]
    assert main(again) == 0
    ticks.write_bytes(gzip.compress(b"{}\n"))
    assert main([*again, "--force"]) == FAILED
    assert "is not the file" in capsys.readouterr().err


def test_lines_that_are_no_ticks_are_told(ticks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ticks.write_bytes(gzip.compress(b"no tick\nneither\n{}\n"))
    assert main(["replay", "--file", str(ticks), "--out", str(ticks.parent / "out")]) == 0
    assert "refused: 2 for json, 1 for record" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b'{"symbol":"A"}\n' * 9_999)[:-20]])
def test_a_damaged_file_is_told(ticks: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    ticks.write_bytes(content)
    assert main(["replay", "--file", str(ticks), "--out", str(ticks.parent / "out")]) == FAILED
    assert str(ticks) in capsys.readouterr().err
    assert not (ticks.parent / "out").exists()


def test_the_report_counts_returns_where_prices_are_known(tmp_path: Path) -> None:
    first = make_alert(0)
    alert = msgspec.structs.replace(first.body, price=10.0, ts=first.body.ts + 30 * SECOND_NS)
    silent = msgspec.structs.replace(alert, symbol="ZZZ", id="other")
    closes = {0: 10.0, 1: 11.0, 5: 9.0, 15: 10.5, 59: 12.0, 60: 10.2, 61: 99.0}
    bars = [
        msgspec.structs.replace(make_bar(minute), high=close + 0.5, low=close - 0.5, close=close)
        for minute, close in closes.items()
    ]
    (tmp_path / "bars").write_bytes(b"".join(encode_bar(bar) + b"\n" for bar in bars))
    (tmp_path / "alerts").write_bytes(b"".join(encode_body(body) + b"\n" for body in (alert, silent)))
    report = report_of(tmp_path / "bars", tmp_path / "alerts", bars[-1].start // MINUTE_NS)
    rule = report["rules"]["spike"]
    assert (rule["fires"], rule["symbols"], sum(rule["days"].values())) == (2, 2, 2)
    assert {minutes: one["mean_pct"] for minutes, one in rule["returns"].items()} == {
        "1": 10.0,
        "5": -10.0,
        "15": 5.0,
        "60": 2.0,
    }
    assert {one["n"] for one in rule["returns"].values()} == {1}, "the symbol without bars has no returns"
    assert [one["hit_rate_pct"] for one in rule["returns"].values()] == [100.0, 0.0, 100.0, 100.0]
    assert (rule["moves"]["n"], rule["moves"]["for_largest_pct"], rule["moves"]["against_largest_pct"]) == (1, 25, 15)
    too_short = report_of(tmp_path / "bars", tmp_path / "alerts", bars[0].start // MINUTE_NS + 14)
    assert [one["n"] for one in too_short["rules"]["spike"]["returns"].values()] == [1, 1, 0, 0]


def test_the_page_needs_nothing_from_elsewhere(ticks: Path, rules: Path) -> None:
    found = json.loads(rules.read_bytes())
    found[0]["id"] = "<script>move</script>"
    rules.write_bytes(msgspec.json.encode(found))
    whole = replay(ticks, rules, "whole")
    text = (whole / "report.html").read_text(encoding="utf-8")
    assert "<svg" in text
    assert "&lt;script&gt;" in text
    assert not any(word in text for word in ("<script", "http:", "https:", "src=", "@import", "url("))
    report = json.loads((whole / "report.json").read_bytes())
    assert report["alerts"] == len(lines(whole, "alerts"))
    assert text == page(json.loads((whole / "manifest.json").read_bytes()), report)


def of_quiet_symbol(path: Path, rules: Path, *extra: bytes) -> bool:
    """Whether a bar of A is told, which trades in the first minute alone: nothing but heartbeats closes it."""
    times = [("A-USD", 0), *[("B-USD", minute) for minute in range(4)]]
    records = [
        json.dumps({"symbol": symbol, "ts": START_NS + minute * MINUTE_NS, "price": 10.0, "size": 1.0}).encode()
        for symbol, minute in times
    ]
    path.write_bytes(b"\n".join([*records, *extra]))
    return any(json.loads(line)["symbol"] == "A-USD" for line in lines(replay(path, rules, "out", "--force"), "bars"))


@pytest.mark.parametrize(
    "line",
    [
        b'{"symbol": "hb", "ts": 1767623400000000000, "price": 1.0, "size": 1.0}',
        b'{"symbol": "C", "ts": 1767623400000000000, "price": 1.0, "size": 1.0, "source": "hb"}',
        b'{"symbol": "C", "ts": 1767623400000000000, "price": 1.0, "size": 1.0, "more": {"hb": 1767623400000000000}}',
        rb'{"symbol": "C", "ts": 1767623400000000000, "price": 1.0, "size": 1.0, "source": "\u0068b"}',
        b'{"hb": "soon", "source": "x"}',
        b'not even JSON: "hb"',
    ],
)
@pytest.mark.parametrize("block", [7, 1 << 20])
def test_what_only_looks_like_a_heartbeat_is_none(
    tmp_path: Path, rules: Path, line: bytes, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.replay_file.BLOCK_BYTES", block)
    assert of_quiet_symbol(tmp_path / "ticks.jsonl", rules, line)


@pytest.mark.parametrize("key", [b'"hb"', rb'"\u0068b"'])
@pytest.mark.parametrize("block", [7, 1 << 20])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_file_with_a_heartbeat_is_given_none(
    tmp_path: Path, rules: Path, key: bytes, block: int, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.replay_file.BLOCK_BYTES", block)
    beat = b'{"source": "x", ' + key + b": %d}" % START_NS
    assert not of_quiet_symbol(tmp_path / "ticks.jsonl", rules, beat + end)


def test_a_mark_before_the_first_line_changes_nothing(ticks: Path, rules: Path) -> None:
    whole = replay(ticks, rules, "whole")
    ticks.write_bytes(gzip.compress(BOM_UTF8 + gzip.decompress(ticks.read_bytes())))
    marked = replay(ticks, rules, "marked")
    for name in ("bars", "alerts"):
        assert lines(marked, name) == lines(whole, name)


def test_tags_in_a_file_decide_which_symbols_a_rule_is_for(ticks: Path, rules: Path) -> None:
    def told(name: str) -> set[tuple[str, int, str]]:
        bodies = map(json.loads, lines(replay(ticks, rules, name), "alerts"))
        return {(body["symbol"], body["ts"], body["rule_id"]) for body in bodies}

    def tagged(symbol: str, *tags: str) -> bytes:
        return msgspec.json.encode({"kind": "reference", "symbol": symbol, "ts": START_NS, "tags": tags})

    whole, market = told("whole"), gzip.decompress(ticks.read_bytes()).splitlines()
    first, second = (symbol for symbol, _ in Counter(symbol for symbol, _, _ in whole).most_common(2))
    times = sorted(ts for symbol, ts, _ in whole if symbol == first)
    last = next(number for number, line in enumerate(market) if first in str(line) and str(times[0]) in str(line))
    head, tail = market[: last + 1], market[last + 1 :]
    given = [tagged(first, "mine"), tagged(second, "x", "mine"), *head, tagged(first), *tail]
    ticks.write_bytes(gzip.compress(b"\n".join(given)))
    universe = {"tags": ["mine"]}
    rules.write_bytes(msgspec.json.encode([{**rule, "universe": universe} for rule in json.loads(rules.read_bytes())]))
    of_first = {one for one in whole if one[:2] == (first, times[0])}
    assert len(times) > len(of_first)
    assert told("tagged") == of_first | {one for one in whole if one[0] == second}
    needed = [
        json.loads((ticks.parent / name / "manifest.json").read_bytes())["convergence"] for name in ("whole", "tagged")
    ]
    assert [one.get("tags") for one in needed] == [None, "exact after a reference record that says it"]
