"""Fixtures with real engines, started once for a whole run of the tests and shared by them.

A test that asks for one gets its marker; take names from `unique_name`, as other tests use the same server.
"""

import importlib.util
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.clickhouse import ChdbServer
from infra.embedded.fetch import JarsError
from infra.embedded.jars import WrongJarError
from infra.embedded.java import JavaNotFoundError
from infra.embedded.kafka import KafkaBroker, KafkaRuntime, find_runtime

MARKER_OF_FIXTURE = {"kafka_runtime": "kafka", "clickhouse_engine": "clickhouse"}


def unique_name(prefix: str) -> str:
    """A name for a topic, group or database that no other test has; letters, digits and underscores."""
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


def cache_folder() -> Path:
    """Where downloads are kept between runs of the tests, and shared with the program's own."""
    return Path(os.environ.get("TAPEWATCH_CACHE_DIR") or Path.home() / ".cache" / "tapewatch")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that needs an engine, also through another fixture."""
    for item in items:
        for fixture, marker in MARKER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


@pytest.fixture(scope="session")
def kafka_runtime() -> KafkaRuntime:
    """Java and Kafka's jars, for a test that starts brokers of its own; skips where they cannot be had."""
    try:
        return find_runtime(cache_folder())
    except WrongJarError:
        raise  # a jar that is not what it should be is no reason to look away
    except (JavaNotFoundError, JarsError) as error:
        pytest.skip(f"no Apache Kafka here: {error}")


@pytest.fixture(scope="session")
def kafka_broker(kafka_runtime: KafkaRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A running broker; clients take its `bootstrap`. Leave it running."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka"), kafka_runtime) as broker:
        yield broker


@pytest.fixture(scope="session")
def clickhouse_engine() -> None:
    """Skips where chDB cannot be had."""
    if importlib.util.find_spec("chdb") is None:
        pytest.skip("no ClickHouse here: the Python package chdb is not installed")


@pytest.fixture(scope="session")
def clickhouse_server(clickhouse_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChdbServer]:
    """A running ClickHouse; clients take its `host` and `port`. Leave it running."""
    with ChdbServer(tmp_path_factory.mktemp("clickhouse")) as server:
        yield server
