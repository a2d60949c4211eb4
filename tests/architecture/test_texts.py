"""What is committed works anywhere: no path of the machine it was written on, no address to download a package from."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

PACKAGE_FILE = re.compile(r"https?://[^\s\"'<>)]+\.(?:whl|tar\.gz|tgz|jar|zip|deb)\b")
PACKAGE_HOST = re.compile(r"https?://[\w.-]*(?:pypi|pythonhosted|maven|npmjs|crates|goproxy)[\w.-]*", re.IGNORECASE)

# Folders that hold checkouts on many machines and stand in container files too: no sign of this one.
COMMON = {Path(path) for path in ("/", "/app", "/home", "/opt", "/srv", "/tmp", "/usr/src", "/var/tmp")}


def machine_paths(root: Path, home: Path) -> list[str]:
    """The folders whose appearance in a text gives this machine away: the checkout's surroundings and the home."""
    return sorted({f"{path}/" for path in (root if root.parent in COMMON else root.parent, home) if path not in COMMON})


def not_portable(text: str, paths: Iterable[str]) -> list[str]:
    """The machine paths and download addresses in a text."""
    found = [path for path in paths if re.search(rf"(?<![\w.]){re.escape(path)}", text)]
    return found + [match.group() for pattern in (PACKAGE_FILE, PACKAGE_HOST) for match in pattern.finditer(text)]


def committed() -> list[Path]:
    """Every file git keeps or would keep; [] where the tree is no checkout."""
    if not (ROOT / ".git").exists():
        return []
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, timeout=60).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_the_tree_is_portable() -> None:
    paths = machine_paths(ROOT, Path.home())
    texts = {file.relative_to(ROOT): file.read_bytes().decode("utf-8", errors="ignore") for file in committed()}
    assert {str(name): found for name, text in texts.items() if (found := not_portable(text, paths))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "cd /space/code/repo/data",
        "'/space/code/shared'",
        "HOME=/homes/someone/",
        "https://" + "example.org/a/b-1.0-py3-none-any.whl",
        "get http://" + "example.org/kafka.tgz now",
        "index = https://" + "pypi.example.org/simple",
    ],
)
def test_what_is_not_portable_is_caught(text: str) -> None:
    assert len(not_portable(text, machine_paths(Path("/space/code/repo"), Path("/homes/someone")))) == 1


def test_ordinary_text_passes() -> None:
    paths = machine_paths(Path("/tmp/repo"), Path("/"))
    assert paths == ["/tmp/repo/"]
    assert not_portable("see https://kafka.apache.org/documentation and /tmp/x, ./tmp/repo/y", paths) == []
