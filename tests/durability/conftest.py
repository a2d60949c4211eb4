"""A broker for each test of this folder, as the topics have fixed names."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from tests.support.scanning import make_topics


@pytest.fixture
def broker(kafka_runtime: KafkaRuntime, tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker with every topic of a scanner."""
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        asyncio.run(make_topics(broker.bootstrap))
        yield broker
