"""The state table on its disk alone, without a broker: what is found there is checked."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Rdict

from engine.pieces import Header
from infra.kafka.application import ApplicationConfig, new_application
from tables.blob import BlobError
from tables.ledger import Ledger
from tables.state import StateTable

PARTITIONS, SHARDS = 4, 8


def found(folder: Path, partition: int, stored: Mapping[bytes, bytes]) -> Header:
    """Where a worker goes on whose disk holds these records."""

    async def read() -> Header:
        app = new_application(ApplicationConfig("state-test", "127.0.0.1:1", folder))
        nobody: Any = None  # nothing is written
        state = StateTable(app, nobody, PARTITIONS, SHARDS, "two")
        database: Any = state._database(partition)
        assert isinstance(database, Rdict)
        for key, value in stored.items():
            database[key] = value
        return state.read(partition).header

    return asyncio.run(read())


def test_a_manifest_that_was_changed_is_refused_with_its_partition(tmp_path: Path) -> None:
    key, value = Ledger("one", SHARDS).manifest(Header(17))
    assert found(tmp_path / "well", 3, {key: value}) == Header(17)
    damaged = value[:-1] + bytes([value[-1] ^ 1])
    with pytest.raises(BlobError, match="partition 3: the manifest of the state was changed on the way: its checksum"):
        found(tmp_path / "damaged", 3, {key: damaged})
