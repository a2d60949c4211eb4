"""`tapewatch replay --metrics` writes figures at closes, those that rules on bar close see, and says what it cannot."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.cli import WRONG_USE, main
from schemas.bar import digest

MINUTE_NS = 60_000_000_000
T = 1_700_000_100_000_000_000 // (5 * MINUTE_NS) * 5 * MINUTE_NS
ASKED = "close(5m), ema(3, 1m), close - open, vwap, rsi(2, 5m), prev(close)"
RULES = [
    {"id": "ema", "trigger": "bar_close", "timeframe": "1m", "expression": "ema(3, 1m) > 0", "cooldown": 0},
    {"id": "rsi", "trigger": "bar_close", "timeframe": "5m", "expression": "rsi(2, 5m) >= 0", "cooldown": 0},
]
Lines = list[dict[str, Any]]


def ticks() -> bytes:
    """Half an hour of two pairs."""
    lines = [
        msgspec.json.encode({"symbol": f"C{n % 2}-USD", "ts": T + n * 10**9, "price": 95 + n * n % 13, "size": 1})
        for n in range(1_800)
    ]
    return b"\n".join(lines) + b"\n"


def run(folder: Path, name: str, *more: str) -> Path:
    """Replay the ticks; the folder of results."""
    (folder / "ticks.jsonl").write_bytes(ticks())
    (folder / "rules.json").write_bytes(msgspec.json.encode(RULES))
    given = ["--file", str(folder / "ticks.jsonl")] if "--manifest" not in more else []
    assert main(["replay", *given, "--out", str(folder / name), *more]) == 0
    return folder / name


def read(out: Path, name: str) -> Lines:
    return [json.loads(line) for line in (out / f"{name}.jsonl").read_bytes().splitlines()]


def test_each_close_of_each_timeframe_in_order_with_a_digest(tmp_path: Path) -> None:
    out = run(tmp_path, "out", "--metrics", ASKED, "--parquet")
    found = read(out, "metrics")
    assert found == sorted(found, key=lambda one: (one["symbol"], one["timeframe"], one["start"], one["name"]))
    closes = {(one["symbol"], one["start"]): one["close"] for one in read(out, "bars") if one["timeframe"] == "5m"}
    assert {(one["symbol"], one["start"]): one["value"] for one in found if one["name"] == "close(5m)"} == closes
    assert {one["timeframe"] for one in found if one["name"] in ("vwap", "close(1m) - open(1m)")} == {"1m"}
    assert {one["name"] for one in found} == {
        "close(5m)", "ema(3, 1m)", "close(1m) - open(1m)", "vwap", "rsi(2, 5m)", "prev(close(1m))",
    }  # fmt: skip
    firsts = [one["start"] for one in found if one["name"] == "ema(3, 1m)" and one["symbol"] == "C0-USD"]
    assert firsts[0] == T + 2 * MINUTE_NS, "before its third bar it has no value, and there is no line"
    made = json.loads((out / "manifest.json").read_bytes())
    assert made["digests"]["metrics"] == digest((out / "metrics.jsonl").read_bytes().splitlines())
    assert made["counts"]["metrics"] == len(found)
    assert (out / "metrics.parquet").exists()
    assert "rsi(2, 5m)" in made["convergence"]


def test_they_are_what_rules_on_bar_close_see(tmp_path: Path) -> None:
    out = run(tmp_path, "out", "--metrics", ASKED, "--rules", str(tmp_path / "rules.json"))
    seen = {
        (one["symbol"], leaf["expression"], one["ts"]): leaf["value"]
        for one in read(out, "alerts")
        for leaf in one["explanation"]
    }
    minutes = {"1m": 1, "5m": 5}
    told = {
        (one["symbol"], one["name"], one["start"] + minutes[one["timeframe"]] * MINUTE_NS - 1): one["value"]
        for one in read(out, "metrics")
        if one["name"] in ("ema(3, 1m)", "rsi(2, 5m)")
    }
    assert len(seen) > 30
    assert seen == told


def test_they_change_nothing_else_and_a_manifest_repeats_them(tmp_path: Path) -> None:
    rules = ("--rules", str(tmp_path / "rules.json"))
    without, first = run(tmp_path, "without", *rules), run(tmp_path, "first", *rules, "--metrics", ASKED)
    assert not (without / "metrics.jsonl").exists()
    again = run(tmp_path, "again", "--manifest", str(first / "manifest.json"))
    for name in ("bars", "alerts"):
        assert (first / f"{name}.jsonl").read_bytes() == (without / f"{name}.jsonl").read_bytes()
    assert (again / "metrics.jsonl").read_bytes() == (first / "metrics.jsonl").read_bytes()


def test_a_span_and_some_symbols_are_that_part_of_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = run(tmp_path, "whole", "--metrics", ASKED)
    span = ("--from", str(T + 10 * MINUTE_NS), "--to", str(T + 20 * MINUTE_NS), "--symbols", "C1-USD,NONE")
    some = run(tmp_path, "some", "--metrics", ASKED, *span)
    inside = [
        one
        for one in read(whole, "metrics")
        if one["symbol"] == "C1-USD" and T + 10 * MINUTE_NS <= one["start"] < T + 20 * MINUTE_NS
    ]
    assert read(some, "metrics") == inside
    assert inside
    assert "no trade of NONE up to the end" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("ema(20, 1m), rsii", "--metrics, column 14: unknown metric 'rsii'; did you mean rsi?"),
        ("price > 3", "--metrics, column 1: price > 3 is true or false; a number is needed here"),
        ("vwap, 1 + 2", "--metrics, column 7: 3 never changes; name a metric"),
        ("ema(20 1m)", "--metrics, column 8: ',' is expected here, not '1m'"),
        ("", "--metrics, column 1: a metric, a number or a parenthesis is expected here, not the end"),
        ("price + volume", "--metrics, column 7: "),
    ],
)
def test_what_cannot_be_told_is_refused_with_its_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str, reason: str
) -> None:
    (tmp_path / "ticks.jsonl").write_bytes(ticks())
    given = ["replay", "--file", str(tmp_path / "ticks.jsonl"), "--out", str(tmp_path / "out")]
    assert main([*given, "--metrics", asked]) == WRONG_USE
    assert capsys.readouterr().err.startswith(f"tapewatch: {reason}")
