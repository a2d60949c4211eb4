"""Each topic, metric and setting is named in one place, so that renaming or finding one is a single edit."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.architecture.tree import PACKAGES, Source, sources


@dataclass(frozen=True)
class Owner:
    """Names of one kind, by pattern, and the only source file that spells them out."""

    pattern: re.Pattern[str]
    path: str


OWNERS = (
    Owner(re.compile(r"(?<![\w/.-])[a-z][a-z_-]*\.v[0-9]+\b"), "schemas/topics.py"),
    Owner(re.compile(r"\btapewatch_[a-z_]+"), "infra/metrics.py"),
    Owner(re.compile(r"\bTAPEWATCH_[A-Z_]+"), "app/settings.py"),
)


def literals(source: Source) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of the string literals of a file; docstrings, which explain, are left out."""
    nodes = list(ast.walk(source.tree))
    explanations = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explanations:
            yield node.lineno, node.value


def borrowed(source: Source) -> list[str]:
    """Literals that spell out a name which another file owns."""
    return [
        f"{source.path}:{line} spells out {name.group()!r}, which belongs to {owner.path}"
        for line, text in literals(source)
        for owner in OWNERS
        if source.path != owner.path and (name := owner.pattern.search(text))
    ]


def test_names_are_spelled_out_by_their_owner_alone() -> None:
    assert [wrong for source in sources(*PACKAGES) for wrong in borrowed(source)] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("agents/scan.py", "TICKS = 'ticks.v1'"),
        ("infra/kafka/topics.py", "f'{topic} is not rule_sets.v2'"),
        ("app/cli.py", "parser.add_argument('--topic', help='a topic such as ticks.v1')"),
        ("agents/sink.py", "Counter('tapewatch_rows_total', 'Rows written.')"),
        ("infra/embedded.py", "import os\nos.environ['TAPEWATCH_BROKER']"),
        ("app/settings.py", "TOPIC = 'ticks.v1'"),
    ],
)
def test_a_borrowed_name_is_caught(path: str, text: str) -> None:
    assert len(borrowed(Source(path, text))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("schemas/topics.py", "TICKS = 'ticks.v1'"),
        ("infra/metrics.py", "TICKS = 'tapewatch_ticks_total'"),
        ("app/settings.py", "BROKER = 'TAPEWATCH_BROKER'"),
        ("agents/scan.py", '"""Reads ticks.v1."""\ndef f():\n    """Writes alerts.v1."""'),
        ("api/rest.py", "PREFIX = '/api/v1'\nLOG = 'tapewatch'\nKIND = 'kafka/ticks.v1.json'"),
    ],
)
def test_an_owner_a_docstring_and_other_text_pass(path: str, text: str) -> None:
    assert borrowed(Source(path, text)) == []
