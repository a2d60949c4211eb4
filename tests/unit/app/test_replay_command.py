"""`tapewatch replay --file` writes what it promises, the same every time, and says what it could not read."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.cli import main
from schemas.alert import AlertBody, encode_body
from schemas.bar import decode_bar, digest, encode_bar

MINUTE_NS = 60_000_000_000
T = 1_700_000_040_000_000_000 // MINUTE_NS * MINUTE_NS
RULES = [{"id": "all", "conditions": [{"metric": "price", "operator": ">", "value": 100}], "cooldown": 5}]


def ticks(bad: bool = False) -> bytes:
    """Some minutes of two pairs."""
    lines = []
    for number in range(400):
        tick = {"symbol": f"C{number % 2}-USD", "ts": T + number * 10**9, "price": 95 + number % 11, "size": 1}
        lines.append(msgspec.json.encode(tick))
        if bad and number % 100 == 50:
            lines += [b"{", b"", b'{"symbol":"C0-USD","ts":5,"price":1,"size":1}']
    return b"\n".join(lines) + b"\n"


def run(folder: Path, name: str, content: bytes, *more: str) -> Path:
    """Replay a file with that content; the folder of results."""
    (folder / name).write_bytes(content)
    (folder / "rules.json").write_bytes(msgspec.json.encode(RULES))
    out = folder / f"out-{name}{len(more)}"
    given = ["--file", str(folder / name), "--rules", str(folder / "rules.json"), "--out", str(out)]
    assert main(["replay", *given, *more]) == 0
    return out


def manifest_of(out: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((out / "manifest.json").read_text())
    return made


def test_plain_and_gzip_give_the_promised_files_with_the_same_digests(tmp_path: Path) -> None:
    first = run(tmp_path, "a.jsonl", ticks())
    second = run(tmp_path, "b.jsonl.gz", gzip.compress(ticks()))
    made = manifest_of(first)
    assert {"program", "input", "ranges", "exact", "counts", "digests", "refused"} <= made.keys()
    assert made["digests"] == manifest_of(second)["digests"]
    bars, alerts = ((first / f"{name}.jsonl").read_bytes().splitlines() for name in ("bars", "alerts"))
    assert (digest(bars), digest(alerts)) == (made["digests"]["bars"], made["digests"]["alerts"])
    assert len(bars) == made["counts"]["bars"] > 10
    assert len(alerts) == made["counts"]["alerts"] > 10
    assert [encode_bar(decode_bar(line)) for line in bars] == bars
    assert [encode_body(msgspec.json.decode(line, type=AlertBody)) for line in alerts] == alerts
    assert {"id", "rule_id", "symbol", "ts", "price", "explanation"} <= json.loads(alerts[0]).keys()


def test_bad_lines_are_counted_and_change_nothing_else(tmp_path: Path) -> None:
    good, bad = run(tmp_path, "a.jsonl", ticks()), run(tmp_path, "b.jsonl", ticks(bad=True))
    assert manifest_of(bad)["digests"] == manifest_of(good)["digests"]
    assert manifest_of(bad)["counts"]["refused"] == 8
    assert manifest_of(bad)["refused"] == {"json": 4, "ts": 4}
    assert manifest_of(bad)["counts"]["ticks"] == 400


def test_a_folder_that_holds_something_is_only_replaced_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = run(tmp_path, "a.jsonl", ticks())
    given = ["replay", "--file", str(tmp_path / "a.jsonl"), "--out", str(out)]
    before = manifest_of(out)
    assert main(given) == 1
    assert "--force" in capsys.readouterr().err
    assert manifest_of(out) == before
    assert main([*given, "--force"]) == 0
    assert manifest_of(out)["counts"]["alerts"] == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.jsonl", None, "No such file or directory"),
        ("a.jsonl.gz", b"plain", "Not a gzipped file"),
        ("a.jsonl.gz", gzip.compress(ticks())[:-9], "ended before the end-of-stream marker"),
        ("a.jsonl.gz", gzip.compress(b"{}\n")[:10] + b"\xff" * 9, "Error -3 while decompressing"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_in_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert main(["replay", "--file", str(tmp_path / name), "--out", str(tmp_path / "out")]) == 1
    err = capsys.readouterr().err
    assert err.startswith("tapewatch: ")
    assert name in err
    assert message in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != name] == []
