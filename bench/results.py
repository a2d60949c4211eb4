"""Keeps what a run of the benchmark found: a JSON and a readable file by date, with machine and versions."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.figures import FIGURES, Board, table

FOLDER: Final = Path(__file__).with_name("results")
PACKAGES: Final = ("faust-streaming", "mode-streaming", "aiokafka", "rocksdict", "numpy", "msgspec", "chdb")


def machine() -> dict[str, Any]:
    """Processor, memory and system; nothing that names the machine."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions(java: Path) -> dict[str, str]:
    """Of what the figures depend on."""
    found = {"python": f"{platform.python_implementation()} {platform.python_version()}"}
    found |= {name: importlib.metadata.version(name) for name in PACKAGES}
    said = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    found["java"] = said.splitlines()[0] if said else "unknown"
    return found


def write(board: Board, about: dict[str, Any]) -> str:
    """Write both files; what the readable one says."""
    rows = board.rows()
    at = datetime.now(UTC)
    name = at.strftime("%Y-%m-%d-%H%M%S")
    text = "\n".join([f"tapewatch benchmark, {at:%Y-%m-%d %H:%M} UTC", *_lines(about), "", table(rows), ""])
    labels = {figure.key: {"label": figure.label, "unit": figure.unit} for figure in FIGURES}
    figures = {key: {**labels[key], "samples": values} for key, values in board.samples.items()}
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    document = {"at": at.isoformat(timespec="seconds"), **about, "figures": figures}
    (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return text


def _lines(about: dict[str, Any]) -> list[str]:
    return [f"{title}: {', '.join(f'{name} {value}' for name, value in said.items())}" for title, said in about.items()]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
