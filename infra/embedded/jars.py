"""Kafka's jars in a cache folder: fetched once per machine, each checked against the hash it was tried with."""

import contextlib
import fcntl
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from infra.embedded.fetch import FETCH_LIMIT_S, KAFKA_VERSION, JarsError, fetch

CHECKSUMS = Path(__file__).with_name("kafka_jars.sha256")

LOCK_LIMIT_S = 2 * FETCH_LIMIT_S + 60.0  # each of the two tools may use up its time
POLL_S = 0.2
ADVICE = "; do not run what is there, delete that folder and it is fetched again"

Progress = Callable[[str], object]


def say_nothing(line: str) -> None:
    """The progress that nobody follows."""


class WrongJarError(JarsError):
    """A jar is missing, unknown, or not the one this release was tried with; the text names it."""


def kafka_jars(cache: Path, java: Path, progress: Progress = say_nothing) -> Path:
    """The folder below `cache` with exactly the jars of CHECKSUMS, fetched first if it is not there yet.

    `progress` is given one line of text at a time. Safe to call from several processes at once: one of them
    fetches, the others wait.

    Raises:
        JarsError: neither Maven nor jgo could fetch them, or another process does for longer than LOCK_LIMIT_S.
        WrongJarError: what is in the folder, or what was fetched, is not what CHECKSUMS lists.
    """
    folder = cache / f"kafka-{KAFKA_VERSION}"
    expected = read_checksums(CHECKSUMS)
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f"{folder.name}.lock", progress):
            if not folder.exists():
                _build(folder, expected, java, progress)
    check_jars(folder, expected)
    return folder


def read_checksums(path: Path) -> dict[str, str]:
    """File name to sha256 in hex, from lines as `sha256sum` writes them."""
    lines = path.read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def check_jars(folder: Path, expected: Mapping[str, str]) -> None:
    """Compare the jars of `folder` with `expected`: nothing missing, nothing more, every hash equal.

    Raises:
        WrongJarError: naming the first jar that differs.
    """
    present = {path.name: path for path in folder.glob("*.jar")}
    for name in sorted(present.keys() | expected.keys()):
        if name not in present:
            raise WrongJarError(f"{name} is missing in {folder}{ADVICE}")
        if name not in expected:
            raise WrongJarError(f"{name} in {folder} is not among the jars of Kafka {KAFKA_VERSION}{ADVICE}")
        with present[name].open("rb") as jar:
            found = hashlib.file_digest(jar, "sha256").hexdigest()
        if found != expected[name]:
            raise WrongJarError(f"{name} in {folder} has the sha256 {found}, not {expected[name]}{ADVICE}")


@contextlib.contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_LIMIT_S
    waiting = False
    with path.open("w") as lock:  # the kernel releases it, however this process ends
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise JarsError(f"another process has held {path} for more than {LOCK_LIMIT_S:g} s") from None
            if not waiting:
                progress("waiting for another process that fetches Apache Kafka")
                waiting = True
            time.sleep(POLL_S)
        yield


def _build(folder: Path, expected: Mapping[str, str], java: Path, progress: Progress) -> None:
    """Fetch into a folder beside `folder`, check, then rename: `folder` is complete or absent."""
    prefix = f"{folder.name}-building-"
    for abandoned in folder.parent.glob(f"{prefix}*"):  # by a process that was killed: the lock is ours now
        shutil.rmtree(abandoned)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=prefix) as work:
        progress(f"fetching Apache Kafka {KAFKA_VERSION} ({len(expected)} jars), once for this machine")
        jars = fetch(Path(work), java, expected, lambda done: progress(f"{done} of {len(expected)} jars"))
        check_jars(jars, expected)
        jars.rename(folder)
