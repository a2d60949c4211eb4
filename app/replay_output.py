"""A replay's folder: bars, figures and alerts as JSON lines in digest order, what they came from, and what they say."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar

from app.replay_answer import ReplayError
from app.replay_run import Part
from app.replay_spill import ALERT, BAR, METRIC, Kind, merged
from app.report import MINUTE_NS, report_of
from app.report_page import page
from schemas.alert import AlertBody
from schemas.bar import Bar
from schemas.metrics import MetricLine

BARS: Final = "bars.jsonl"
METRICS: Final = "metrics.jsonl"
ALERTS: Final = "alerts.jsonl"
MANIFEST: Final = "manifest.json"
REPORT: Final = "report.json"
PAGE: Final = "report.html"
RUNS: Final = "runs"
"""Where parts leave what is to be merged."""
SOURCES: Final = ("engine", "schemas")
Item = TypeVar("Item", Bar, AlertBody, MetricLine)


@contextmanager
def new_folder(out: Path, force: bool = False) -> Iterator[Path]:
    """A folder that takes the place of `out` at the end of the block, as a whole or not at all. Raises ReplayError for
    one that holds something."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not force:
        raise ReplayError(f"{out} is not an empty folder; --force replaces it")
    out.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    (made / RUNS).mkdir()
    try:
        yield made
        made.chmod(0o755)
        if out.is_dir():
            shutil.rmtree(out)
        elif out.exists():
            out.unlink()
        made.rename(out)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def write_folder(folder: Path, parts: Sequence[Part], about: Mapping[str, Any], parquet: bool) -> Mapping[str, Any]:
    """Merge the parts and write all files; the manifest."""
    newest = -1

    def see(bar: Bar) -> None:
        nonlocal newest
        if bar.timeframe == "1m":
            newest = max(newest, bar.start // MINUTE_NS)

    digests = {
        "bars": _write(folder / BARS, [run for part in parts for run in part.bars], BAR, see),
        "alerts": _write(folder / ALERTS, [run for part in parts for run in part.alerts], ALERT, lambda _: None),
    }
    if about["asked"]["metrics"]:
        runs = [run for part in parts for run in part.told]
        digests["metrics"] = _write(folder / METRICS, runs, METRIC, lambda _: None)
    shutil.rmtree(folder / RUNS)
    manifest = {"program": f"tapewatch {version('tapewatch')}", "code": code_digest(), **about, "digests": digests}
    report = report_of(folder / BARS, folder / ALERTS, newest)
    _write_json(folder / MANIFEST, manifest)
    _write_json(folder / REPORT, report)
    (folder / PAGE).write_text(page(manifest, report), encoding="utf-8")
    if parquet:
        from app.replay_parquet import write_parquet

        write_parquet(folder)
    return manifest


def read_manifest(path: Path) -> Mapping[str, Any]:
    """The manifest of a folder or of its file. Raises ReplayError."""
    file = path / MANIFEST if path.is_dir() else path
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ReplayError(f"{file}: {error}") from error
    if not isinstance(found, dict) or not {"ranges", "digests", "input"} <= found.keys():
        raise ReplayError(f"{file} is no manifest of a replay")
    return found


def code_digest() -> str:
    """SHA-256 over what decides a result: the source files of the engine and of the records, by name."""
    root, sha = Path(__file__).resolve().parent.parent, hashlib.sha256()
    for source in sorted(file for folder in SOURCES for file in (root / folder).rglob("*.py")):
        content = source.read_bytes()
        sha.update(f"{source.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return sha.hexdigest()


def _write(path: Path, runs: Sequence[Path], kind: Kind[Item], see: Callable[[Item], object]) -> str:
    """Write the lines of the runs; their digest."""
    sha = hashlib.sha256()
    with path.open("wb") as file:
        for _, line, item in merged(runs, kind):
            see(item)
            whole = line + b"\n"
            sha.update(whole)
            file.write(whole)
    return sha.hexdigest()


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
