"""Kafka's jars are fetched once, by one process, and a jar that differs from the list is never run."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.embedded import fetch
from infra.embedded.fetch import JarsError
from infra.embedded.jars import CHECKSUMS, WrongJarError, kafka_jars, read_checksums
from infra.embedded.kafka import KafkaRuntime

CALLS = "calls"

# Stands for the download alone: it hands out the real jars, slowly enough for a second caller to arrive.
MAVEN = """#!/bin/sh
echo call >> {calls}
for argument; do
  case "$argument" in -DoutputDirectory=*) out="${{argument#*=}}";; esac
done
sleep 1
mkdir "$out" && cp {jars}/*.jar "$out"
"""


def copied(runtime: KafkaRuntime, cache: Path) -> Path:
    folder = cache / runtime.jars.name
    shutil.copytree(runtime.jars, folder)
    return folder


def use_maven(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Make `script` the only fetching tool."""
    maven = folder / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text(script)
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}:/usr/bin:/bin")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_the_list_names_each_jar_with_a_sha256() -> None:
    checksums = read_checksums(CHECKSUMS)
    assert "kafka_2.13-4.4.0.jar" in checksums
    assert {len(bytes.fromhex(digest)) for digest in checksums.values()} == {32}


def test_a_filled_cache_is_used_as_it_is(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    folder = copied(kafka_runtime, tmp_path)
    said: list[str] = []
    assert kafka_jars(tmp_path, Path("no-java-is-run"), said.append) == folder
    assert said == []


def test_a_changed_jar_is_refused_by_name(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    with (copied(kafka_runtime, tmp_path) / "kafka-clients-4.4.0.jar").open("ab") as jar:
        jar.write(b"!")
    with pytest.raises(WrongJarError, match=r"^kafka-clients-4\.4\.0\.jar in .* has the sha256 [0-9a-f]{64}, not "):
        kafka_jars(tmp_path, kafka_runtime.java)


def test_a_missing_jar_is_named(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    (copied(kafka_runtime, tmp_path) / "lz4-java-1.11.2.jar").unlink()
    with pytest.raises(WrongJarError, match=r"^lz4-java-1\.11\.2\.jar is missing in "):
        kafka_jars(tmp_path, kafka_runtime.java)


def test_a_jar_too_many_is_named(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    (copied(kafka_runtime, tmp_path) / "extra.jar").write_bytes(b"")
    with pytest.raises(WrongJarError, match=r"^extra\.jar in .* is not among the jars"):
        kafka_jars(tmp_path, kafka_runtime.java)


def test_two_processes_at_once_fetch_once(
    kafka_runtime: KafkaRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    (cache / "kafka-4.4.0-building-abandoned").mkdir(parents=True)
    use_maven(monkeypatch, tmp_path, MAVEN.format(calls=tmp_path / CALLS, jars=kafka_runtime.jars))
    program = (
        f"from pathlib import Path; import infra.embedded.jars as j; j.kafka_jars(Path({str(cache)!r}), Path('java'))"
    )
    callers = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [caller.wait(60) for caller in callers] == [0, 0]
    assert (tmp_path / CALLS).read_text() == "call\n"
    assert sorted(path.name for path in cache.iterdir()) == ["kafka-4.4.0", "kafka-4.4.0.lock"]


def test_a_wrong_download_leaves_no_cache(
    kafka_runtime: KafkaRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "wrong"
    shutil.copytree(kafka_runtime.jars, wrong)
    (wrong / "jose4j-0.9.6.jar").write_bytes(b"not this")
    use_maven(monkeypatch, tmp_path, MAVEN.format(calls=tmp_path / CALLS, jars=wrong))
    with pytest.raises(WrongJarError, match=r"^jose4j-0\.9\.6\.jar "):
        kafka_jars(tmp_path / "cache", kafka_runtime.java)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["kafka-4.4.0.lock"]


def test_a_failing_tool_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_maven(monkeypatch, tmp_path, "#!/bin/sh\necho 'no route to the repository'\nexit 1\n")
    with pytest.raises(JarsError, match=r"(?s)Maven: ended with code 1:\n.*no route to the repository"):
        kafka_jars(tmp_path / "cache", Path("java"))


def test_a_tool_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_maven(monkeypatch, tmp_path, "#!/bin/sh\nexec sleep 600\n")
    monkeypatch.setattr(fetch, "FETCH_LIMIT_S", 0.1)
    with pytest.raises(JarsError, match=r"timed out after 0\.1 seconds"):
        kafka_jars(tmp_path / "cache", Path("java"))


def test_without_a_tool_the_error_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(JarsError, match=r"no `mvn` on PATH and no Python package `jgo\[cli\]`"):
        kafka_jars(tmp_path / "cache", Path("java"))
