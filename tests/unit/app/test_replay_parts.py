"""The small parts of a replay: times, options, runs on disk, progress, what metrics need, and manifests."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.cli import WRONG_USE, main
from app.replay_answer import ReplayError
from app.replay_exactness import needs
from app.replay_options import parse_offsets, parse_speed
from app.replay_output import new_folder, read_manifest
from app.replay_progress import Meter
from app.replay_spill import BAR, Spill, lines_of, merged, write_lines
from app.replay_time import duration_text, parse_duration, parse_time, time_text
from engine.indicators.declare import Duration
from engine.timeframes import BY_NAME
from schemas.bar import bar_order, encode_bar
from tests.support.alerts import make_bar


@pytest.mark.parametrize(
    ("text", "ts_ns"),
    [
        ("1970-01-01", 0),
        ("2026-01-05T09:30:00Z", 1_767_605_400_000_000_000),
        ("2026-01-05 09:30:00", 1_767_605_400_000_000_000),
        ("2026-01-05T04:30:00.000000001-05:00", 1_767_605_400_000_000_001),
        ("2026-01-05T09:30:00.5Z", 1_767_605_400_500_000_000),
        ("1767605400000000007", 1_767_605_400_000_000_007),
    ],
)
def test_a_time_is_read_to_the_nanosecond(text: str, ts_ns: int) -> None:
    assert parse_time(text) == ts_ns
    assert parse_time(time_text(ts_ns)) == ts_ns


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-01-05.5", "09:30"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


def test_durations() -> None:
    assert [parse_duration(text) for text in ("90s", "1h30m", "250ms", "1.5m")] == [
        90_000_000_000,
        5_400_000_000_000,
        250_000_000,
        90_000_000_000,
    ]
    assert [duration_text(n * 10**9) for n in (0, 59, 3_700, 90_061)] == ["0s", "59s", "1h 1m", "1d 1h"]
    for text in ("", "5", "m5", "5 m", "-5m"):
        with pytest.raises(ValueError, match="no duration"):
            parse_duration(text)


def test_offsets_and_speeds() -> None:
    assert parse_offsets("0:100-2000,3:-7,4:9-") == {0: (100, 2000), 3: (None, 7), 4: (9, None)}
    for text in ("0", "0:5-4", "0:1-2,0:3-4", "a:1-2"):
        with pytest.raises(ValueError, match=r"."):
            parse_offsets(text)
    assert [parse_speed(text) for text in ("max", "1", "x20", "0.5")] == [0.0, 1.0, 20.0, 0.5]
    for text in ("0", "x-1", "inf", "nan", "fast"):
        with pytest.raises(ValueError, match=r"."):
            parse_speed(text)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--topic", "t", "--file", "f", "--out", "o"],
        ["--topic", "t"],
        ["--topic", "t", "--out", "o", "--last", "2h", "--from", "2026-01-01"],
        ["--topic", "t", "--out", "o", "--offsets", "0:1-", "--to", "2026-01-01"],
        ["--topic", "t", "--out", "o", "--from", "2026-01-02", "--to", "2026-01-01"],
        ["--topic", "t", "--out", "o", "--speed", "x2", "--partitions-in-parallel", "2"],
        ["--topic", "t", "--out", "o", "--partitions-in-parallel", "0"],
        ["--topic", "t", "--out", "o", "--state", "s", "--warmup", "1h"],
        ["--topic", "t", "--out", "o", "--symbols", ","],
        ["--topic", "t", "--out", "o", "--rules", "no such file"],
        ["--file", "f", "--out", "o", "--warmup", "1h"],
        ["--file", "f", "--out", "o", "--partitions-in-parallel", "2"],
        ["diff", "a"],
        ["diff", "a", "b", "--live"],
    ],
)
def test_options_that_contradict_each_other_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *options]) == WRONG_USE
    assert capsys.readouterr().err.startswith("tapewatch: ")


def test_runs_are_merged_in_order_however_many_there_are(tmp_path: Path) -> None:
    bars = [make_bar(number, symbol, frame) for number in range(40) for symbol in "BCA" for frame in ("5m", "1m")]
    random.Random(1).shuffle(bars)
    spill = Spill(tmp_path, "0", BAR, most=7)
    for bar in bars:
        spill.add([bar])
    runs = spill.close()
    assert len(runs) == 35
    found = [line for _, line, _ in merged(runs, BAR, most_open=4)]
    assert found == [encode_bar(bar) for bar in sorted(bars, key=bar_order)]


def test_lines_come_back_as_they_were_written(tmp_path: Path) -> None:
    bars = [make_bar(1), make_bar(2)]
    write_lines(tmp_path / "bars", map(encode_bar, bars))
    assert [(line, bar) for _, line, bar in lines_of(tmp_path / "bars", BAR)] == [(encode_bar(b), b) for b in bars]
    assert list(merged([], BAR)) == []


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_progress_shows_share_rate_and_time_left() -> None:
    clock, told = Clock(), list[str]()
    meter = Meter(1_000, told.append, clock)
    clock.now_s = 10.0
    meter.reached(0, 100, 5_000)
    meter.reached(1, 150, 2_500)
    assert told[-1] == f"[{'=' * 6}{' ' * 18}] 25%, 7,500 ticks, 750/s, 30s left"
    assert "100%" in Meter(0, told.append, clock).text()


def test_each_kind_of_metric_says_what_it_needs() -> None:
    five = BY_NAME["5m"]
    assert needs("sma", (20, five)) == "exact after 20 whole bars of 5m"
    assert needs("relative_volume", (five,)) == "exact after 10 whole bars of 5m"
    assert needs("change_pct", (Duration(5, "m"),)) == "exact after 6 minutes"
    assert needs("ema", (1, five)) == "within 1e-06 of the first difference after 2 bars of 5m"
    assert needs("ema", (20, BY_NAME["1m"])).endswith("after 159 bars of 1m"), "0.9048 ** 139 is below 1e-6"
    assert needs("close", (five,)) == "exact after 1 whole bars of 5m"
    assert "session" in needs("vwap", ())
    assert needs("high_52w", ()) == "exact after 253 whole days"
    assert needs("biggest_range_pct", (Duration(63, "d"),)) == "exact after 64 whole days"
    assert needs("market_cap", ()) == "exact after a reference record that says it"
    assert "swing" in needs("swing_low", (3, five))


def test_a_folder_is_made_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyError), new_folder(out):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with new_folder(out) as folder:
        (folder / "file").write_text("1")
    with pytest.raises(ReplayError, match="--force"), new_folder(out):
        pass
    with new_folder(out, force=True) as folder:
        (folder / "other").write_text("2")
    assert [file.name for file in tmp_path.iterdir()] == ["out"]
    assert (out / "other").exists()
    assert not (out / "file").exists()


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    for content in ("{", "[]", json.dumps({"ranges": []})):
        (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(ReplayError, match="manifest"):
            read_manifest(tmp_path)
    with pytest.raises(ReplayError, match="manifest"):
        read_manifest(tmp_path / "nowhere" / "manifest.json")
