"""Runs the tool that downloads Kafka's jars: Maven where the machine has it, else jgo, a Python package."""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

KAFKA_VERSION = "4.4.0"
# This logging backend needs no configuration file; with another one jgo resolves an older Kafka client.
COORDINATES = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")

FETCH_LIMIT_S = 900.0
POLL_S = 0.2
OUTPUT_TAIL = 2_000


class JarsError(Exception):
    """The jars could not be had; the text says with which tool and why."""


def fetch(work: Path, java: Path, wanted: Collection[str], on_count: Callable[[int], object]) -> Path:
    """Download into the empty folder `work`; return the folder in it that holds the jars and nothing else.

    `on_count` is told how many of the `wanted` file names are there so far.

    Raises:
        JarsError: there is no tool, or each one failed or took longer than FETCH_LIMIT_S.
    """
    failures = []
    for name, command_for in _tools().items():
        folder = work / name
        folder.mkdir()
        try:
            _run(command_for(folder), folder, java, wanted, on_count)
        except (OSError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}")
        else:
            return _gather(folder / "out", work / "jars")
    reasons = "; ".join(failures) or "there is no `mvn` on PATH and no Python package `jgo[cli]`"
    raise JarsError(f"could not fetch Apache Kafka {KAFKA_VERSION}: {reasons}")


def _tools() -> dict[str, Callable[[Path], Sequence[str]]]:
    tools: dict[str, Callable[[Path], Sequence[str]]] = {}
    if maven := shutil.which("mvn"):
        tools["Maven"] = lambda folder: _maven_command(maven, folder)
    if importlib.util.find_spec("jgo"):
        tools["jgo"] = _jgo_command
    return tools


def _maven_command(maven: str, folder: Path) -> Sequence[str]:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in (coordinate.split(":") for coordinate in COORDINATES)
    )
    pom = folder / "pom.xml"
    pom.write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>tapewatch</groupId><artifactId>kafka-jars</artifactId>"
        f"<version>1</version><packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>",
        encoding="utf-8",
    )
    return (
        maven, "--batch-mode", "--quiet", "--file", str(pom),
        "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
        "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'out'}", f"-Dmaven.repo.local={folder / 'repository'}",
    )  # fmt: skip


def _jgo_command(folder: Path) -> Sequence[str]:
    return (
        sys.executable, "-m", "jgo", "--ignore-config", "--quiet", "--resolver", "python", "--system-java",
        "--links", "copy", "--repo-cache", str(folder / "repository"), "--cache-dir", str(folder / "out"),
        "info", "jars", "+".join(COORDINATES),
    )  # fmt: skip


def _run(
    command: Sequence[str], folder: Path, java: Path, wanted: Collection[str], on_count: Callable[[int], object]
) -> None:
    environment = os.environ | {"PATH": f"{java.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    deadline = time.monotonic() + FETCH_LIMIT_S
    counted = 0
    with (folder / "output").open("w+b") as output:
        # Its own folder, so that no configuration file of the caller's is taken for the tool's.
        child = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while child.poll() is None:
                if time.monotonic() > deadline:
                    raise subprocess.TimeoutExpired(command[0], FETCH_LIMIT_S)
                time.sleep(POLL_S)
                fetched = {path.name for path in (folder / "repository").rglob("*.jar")}.intersection(wanted)
                if len(fetched) > counted:
                    counted = len(fetched)
                    on_count(counted)
        finally:
            child.kill()
            child.wait()
        if child.returncode:
            output.seek(0)
            tail = output.read().decode(errors="replace")[-OUTPUT_TAIL:]
            raise OSError(f"ended with code {child.returncode}:\n{tail}")


def _gather(source: Path, target: Path) -> Path:
    target.mkdir()
    for jar in source.rglob("*.jar"):
        jar.rename(target / jar.name)
    return target
