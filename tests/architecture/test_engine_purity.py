"""The engine sees nothing but its arguments: no clock, chance or I/O can make replay differ from live."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.tree import Source, imports, sources

ALLOWED = {
    "numpy", "schemas", "engine",
    "__future__", "abc", "bisect", "collections", "dataclasses", "decimal", "difflib", "enum", "fractions", "functools",
    "hashlib", "itertools", "math", "operator", "re", "struct", "typing",
}  # fmt: skip

# hash() of text differs from process to process, and id() from object to object.
IMPURE_BUILTINS = {
    "open", "print", "input", "breakpoint", "exec", "eval", "compile", "__import__", "hash", "id", "globals",
}  # fmt: skip
IMPURE_NUMPY = {
    "random", "load", "save", "savez", "savez_compressed", "loadtxt", "savetxt", "genfromtxt", "fromfile", "fromregex",
    "memmap", "seterr",
}  # fmt: skip


def impurities(source: Source) -> list[str]:
    """Imports, names and calls in an engine file through which anything but its arguments could reach a result."""
    foreign = (
        (line, f"imports {name}")
        for line, name in imports(source)
        if (top := name.split(".")[0]) not in ALLOWED or (top == "numpy" and set(name.split(".")) & IMPURE_NUMPY)
    )
    return [f"{source.path}:{line} {what}" for line, what in sorted([*foreign, *_uses(source.tree)])]


def _uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) if name in IMPURE_BUILTINS:
                yield node.lineno, f"uses {name}"
            case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name) if name in IMPURE_NUMPY:
                yield node.lineno, f"uses numpy.{name}"
            case ast.Attribute(attr="tofile"):
                yield node.lineno, "writes a file"
            case ast.Call(
                func=ast.Attribute(attr="datetime64") | ast.Name(id="datetime64"),
                args=[ast.Constant(value="now" | "today"), *_],
            ):
                yield node.lineno, "reads the clock through datetime64"


def test_the_engine_is_pure() -> None:
    assert [impurity for source in sources("engine") for impurity in impurities(source)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from os import environ",
        "def f():\n    import random",
        "import asyncio",
        "import logging",
        "import uuid",
        "import faust",
        "import infra.metrics",
        "from numpy import random",
        "from numpy.random import default_rng",
        "import numpy as np\nnp.random.default_rng(1)",
        "import numpy as np\nnp.fromfile('x')",
        "import numpy as np\nnp.datetime64('now')",
        "def f(rows):\n    rows.tofile('x')",
        "open('x')",
        "print(1)",
        "key = hash('AAPL')",
        "order = sorted([], key=id)",
    ],
)
def test_an_impurity_is_caught(text: str) -> None:
    assert len(impurities(Source("engine/bars.py", text))) == 1


def test_pure_code_passes() -> None:
    text = (
        "from __future__ import annotations\nimport hashlib\nfrom collections.abc import Sequence\nimport numpy as np\n"
        "from schemas.tick import load\nfrom engine import bars\nbars.load()\n"
        "start = np.datetime64(0, 'ns')\nid: int = 1"
    )
    assert impurities(Source("engine/bars.py", text)) == []
