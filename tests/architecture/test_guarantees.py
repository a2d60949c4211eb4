"""Every test that docs/guarantees.md names exists, and the tests of durability are named there."""

import ast
import re
from pathlib import Path

from tests.architecture.tree import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
TEXT = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_what_is_named_exists() -> None:
    named = NAMED.findall(TEXT)
    assert len(named) > 20
    assert [f"{file}::{name}" for file, name in named if name not in names_in(ROOT / file)] == []


def test_what_durability_proves_is_named() -> None:
    named = {name for _, name in NAMED.findall(TEXT)}
    files = sorted((ROOT / "tests" / "durability").glob("test_*.py"))
    assert [name for file in files for name in sorted(names_in(file) - named)] == []
