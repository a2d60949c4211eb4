"""Files and functions stay small enough to be read in one go, and every file says why it exists."""

import ast
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from tests.architecture.tree import PACKAGES, ROOT, Source, sources

MEDIAN_FILE_LINES = 120
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70


def long_files(lines: Mapping[str, int]) -> list[str]:
    return [f"{path}: {count} lines" for path, count in lines.items() if count > MAX_FILE_LINES]


def long_functions(source: Source) -> list[str]:
    """Functions over the limit, from the line of `def` to the last of the body."""
    functions = [node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        f"{source.path}:{node.lineno} {node.name}: {length} lines"
        for node in functions
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]


def lines_by_file(files: list[Path]) -> dict[str, int]:
    return {file.relative_to(ROOT).as_posix(): len(file.read_text(encoding="utf-8").splitlines()) for file in files}


def typical_length(lines: Mapping[str, int]) -> float:
    """Median of the files that hold code; the __init__.py that only open a package would flatter it."""
    return median([count for path, count in lines.items() if not path.endswith("/__init__.py")] or [0])


def without_purpose(source: Source) -> bool:
    """Whether a file lacks the opening docstring that says why it exists."""
    return not (ast.get_docstring(source.tree) or "").strip()


def test_files_are_small() -> None:
    everywhere = [file for folder in (*PACKAGES, "tests", "bench") for file in sorted((ROOT / folder).rglob("*"))]
    assert long_files(lines_by_file([file for file in everywhere if file.suffix in {".py", ".js", ".ts"}])) == []


def test_the_typical_file_is_small() -> None:
    lines = {source.path: len(source.text.splitlines()) for source in sources(*PACKAGES)}
    assert typical_length(lines) <= MEDIAN_FILE_LINES


def test_functions_are_small() -> None:
    assert [long for source in sources(*PACKAGES, "tests", "bench") for long in long_functions(source)] == []


def test_every_file_says_why_it_exists() -> None:
    assert [source.path for source in sources(*PACKAGES, "tests", "bench") if without_purpose(source)] == []


def test_a_long_file_is_caught() -> None:
    assert long_files({"api/static/app.js": 401, "engine/bars.py": 400}) == ["api/static/app.js: 401 lines"]


def test_the_typical_length_leaves_package_openings_out() -> None:
    assert typical_length({"engine/__init__.py": 1, "api/__init__.py": 1, "engine/bars.py": 130}) == 130
    assert typical_length({"engine/__init__.py": 1}) == 0


def test_a_long_function_is_caught_in_a_class_and_in_a_function() -> None:
    body = "\n".join(["            x = 1"] * 70)
    nested = f"class A:\n    def outer(self):\n        async def inner():\n{body}\n"
    short = "def f():\n" + "\n".join(["    x = 1"] * 69)
    assert [line.split()[1] for line in long_functions(Source("a.py", nested))] == ["outer:", "inner:"]
    assert long_functions(Source("a.py", short)) == []


def test_a_file_without_purpose_is_caught() -> None:
    assert without_purpose(Source("a.py", "x = 1"))
    assert without_purpose(Source("a.py", '"""  """'))
    assert not without_purpose(Source("a.py", '"""Why."""\nx = 1'))
