"""Imports point one way and libraries stay in their layer, so that each layer can be read without those above it."""

import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from tests.architecture.requirements import normalised, requested
from tests.architecture.tree import LAYERS, PACKAGES, Source, imports, sources

RANK = {package: rank for rank, layer in enumerate(LAYERS) for package in layer}

# The paths below which a library may be imported; one that is not named here is free.
FAUST = ("infra/kafka", "tables/", "agents/", "app/")
HOMES = {
    "faust": FAUST,
    "mode": FAUST,
    "aiokafka": ("infra/",),
    "rocksdict": ("tables/", "infra/"),
    "chdb": ("infra/",),
    "clickhouse_connect": ("infra/",),
}


def against_the_arrow(source: Source) -> list[str]:
    """Imports of a sibling, of a higher layer, or of tests and benchmarks."""
    wrong = []
    for line, name in imports(source):
        target = name.split(".")[0]
        lower = RANK.get(target, -1) < RANK[source.package]
        if target in {"tests", "bench"} or not (lower or target == source.package):
            wrong.append(f"{source.path}:{line} imports {name}")
    return wrong


def away_from_home(source: Source) -> list[str]:
    """Imports of a library outside the layers that HOMES gives it."""
    return [
        f"{source.path}:{line} imports {name}, allowed below {', '.join(HOMES[library])}"
        for line, name in imports(source)
        if (library := name.split(".")[0]) in HOMES and not source.path.startswith(HOMES[library])
    ]


@cache
def distributions_by_import() -> Mapping[str, list[str]]:
    return packages_distributions()


def undeclared(source: Source, requirements: set[str]) -> list[str]:
    """Imports of libraries that pyproject.toml does not ask for, even if another library happens to bring them."""
    ours = {*sys.stdlib_module_names, *PACKAGES, "tests", "bench"}
    wrong = []
    for line, name in imports(source):
        library = name.split(".")[0]
        names = {normalised(distribution) for distribution in distributions_by_import().get(library, [library])}
        if library not in ours and not names & requirements:
            wrong.append(f"{source.path}:{line} imports {name}, which pyproject.toml does not ask for")
    return wrong


def test_imports_follow_the_arrow() -> None:
    assert [wrong for source in sources(*PACKAGES) for wrong in against_the_arrow(source)] == []


def test_libraries_stay_in_their_layer() -> None:
    assert [wrong for source in sources(*PACKAGES) for wrong in away_from_home(source)] == []


def test_every_library_is_declared() -> None:
    run, develop = requested("java"), requested("java", "dev")
    wrong = [wrong for source in sources(*PACKAGES) for wrong in undeclared(source, run)]
    assert wrong + [wrong for source in sources("tests", "bench") for wrong in undeclared(source, develop)] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("schemas/tick.py", "import engine.bars"),
        ("engine/bars.py", "from infra import metrics"),
        ("tables/state.py", "from infra.metrics import TICKS"),
        ("infra/kafka/transport.py", "def f():\n    from tables import state"),
        ("agents/scan.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import api.stream"),
        ("api/rest.py", "import importlib\nimportlib.import_module('app.settings')"),
        ("schemas/tick.py", "from ..engine import bars"),
        ("app/cli.py", "from tests.support import market"),
        ("app/cli.py", "import bench.engine"),
    ],
)
def test_an_import_against_the_arrow_is_caught(path: str, text: str) -> None:
    assert len(against_the_arrow(Source(path, text))) == 1


def test_imports_along_the_arrow_pass() -> None:
    text = "import agents.scan\nimport infra.metrics\nimport numpy\nfrom app import settings\nfrom . import topology"
    assert against_the_arrow(Source("app/cli.py", text)) == []


@pytest.mark.parametrize(
    ("path", "text", "caught"),
    [
        ("api/stream.py", "import faust", 1),
        ("infra/metrics.py", "from mode.utils import times", 1),
        ("infra/kafka_transport.py", "from faust.transport import base\nimport mode", 0),
        ("agents/sink.py", "import aiokafka", 1),
        ("infra/kafka/consumer.py", "import aiokafka.structs", 0),
        ("app/replay_run.py", "from rocksdict import Rdict", 1),
        ("agents/sink.py", "import clickhouse_connect", 1),
    ],
)
def test_a_library_away_from_its_layer_is_caught(path: str, text: str, caught: int) -> None:
    assert len(away_from_home(Source(path, text))) == caught


def test_an_undeclared_library_is_caught() -> None:
    source = Source("api/rest.py", "import json\nimport schemas.tick\nimport lz4.frame\nimport pandas")
    assert undeclared(source, requested()) == ["api/rest.py:4 imports pandas, which pyproject.toml does not ask for"]
