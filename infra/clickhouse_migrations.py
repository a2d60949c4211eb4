"""Brings a ClickHouse database to the tables this program needs: the files of infra/sql, in order, each once."""

from __future__ import annotations

import hashlib
import logging
from importlib.resources import files
from typing import Final

from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError

from infra.clickhouse import ClickHouse, ClickHouseAwayError, ClickHouseConfig, may_pass, open_client

logger = logging.getLogger(__name__)

_CREATE: Final = (
    "CREATE TABLE IF NOT EXISTS migrations (name String, digest String, applied DateTime DEFAULT now())"
    " ENGINE = ReplacingMergeTree ORDER BY name"
)


class MigrationError(Exception):
    """The database was set up with another text of a migration than this program has; the text names it."""


def migrations() -> list[tuple[str, str]]:
    """(name, statement) in the order of application. One statement a file, harmless when it is run again."""
    found = [file for file in files("infra").joinpath("sql").iterdir() if file.name.endswith(".sql")]
    return sorted((file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in found)


async def migrate(database: ClickHouse) -> list[str]:
    """Apply what is missing and return its names. Several processes may do it at once.

    Raises ClickHouseAwayError, MigrationError, or clickhouse_connect's DatabaseError.
    """
    await _create_database(database.config)
    return await database.run(_apply_missing)


async def _create_database(config: ClickHouseConfig) -> None:
    try:
        client = await open_client(config, None)
        try:
            await client.command(f"CREATE DATABASE IF NOT EXISTS {config.database}")
        finally:
            await client.close()
    except DatabaseError as error:
        if may_pass(error):
            raise ClickHouseAwayError(f"ClickHouse at {config.host}:{config.port}: {error}") from error
        raise


async def _apply_missing(client: AsyncClient) -> list[str]:
    await client.command(_CREATE)
    rows = (await client.query("SELECT name, digest FROM migrations FINAL")).result_rows
    applied = {str(row[0]): str(row[1]) for row in rows}
    done = []
    for name, statement in migrations():
        digest = hashlib.sha256(statement.encode()).hexdigest()
        if applied.get(name, digest) != digest:
            raise MigrationError(f"migration {name} was applied with another text; add a new one instead")
        if name not in applied:
            await client.command(statement)
            await client.insert("migrations", [[name, digest]], column_names=["name", "digest"])
            logger.info("ClickHouse: migration %s applied", name)
            done.append(name)
    return done
