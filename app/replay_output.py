"""A replay's folder: bars and alerts as JSON lines in digest order, and a manifest that says what they came from."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from app.replay import Answer, ReplayError
from schemas.alert import body_order, encode_body
from schemas.bar import bar_order, digest, encode_bar

BARS: Final = "bars.jsonl"
ALERTS: Final = "alerts.jsonl"
MANIFEST: Final = "manifest.json"


def bar_lines(answer: Answer) -> list[bytes]:
    """The bars in digest order."""
    return [encode_bar(bar) for bar in sorted(answer.bars, key=bar_order)]


def alert_lines(answer: Answer) -> list[bytes]:
    """The alerts' bodies in digest order."""
    return [encode_body(body) for body in sorted(answer.alerts, key=body_order)]


def write_answer(answer: Answer, out: Path, about: Mapping[str, Any], force: bool = False) -> Mapping[str, Any]:
    """Write the folder as a whole or not at all; the manifest. Raises ReplayError for one that holds something."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not force:
        raise ReplayError(f"{out} is not an empty folder; --force replaces it")
    bars, alerts = bar_lines(answer), alert_lines(answer)
    manifest = {
        "program": f"tapewatch {version('tapewatch')}",
        **about,
        "digests": {"bars": digest(bars), "alerts": digest(alerts)},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        _write(made / BARS, bars)
        _write(made / ALERTS, alerts)
        (made / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        made.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return manifest


def _write(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)
