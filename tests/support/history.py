"""A ClickHouse database of a test's own."""

from clickhouse_connect.driver.asyncclient import AsyncClient

from infra.clickhouse import ClickHouse, ClickHouseConfig
from infra.clickhouse_migrations import migrate
from infra.embedded.clickhouse import ChdbServer
from tests.support.servers import unique_name


def new_config(server: ChdbServer) -> ClickHouseConfig:
    """Points to a database that does not exist yet."""
    return ClickHouseConfig(server.host, server.port, unique_name("test"))


async def new_database(server: ChdbServer) -> ClickHouse:
    """A database with all tables, empty; close it."""
    database = ClickHouse(new_config(server))
    await migrate(database)
    return database


async def rows(database: ClickHouse, statement: str) -> list[tuple[object, ...]]:
    """The rows of a statement of a test's own."""

    async def call(client: AsyncClient) -> list[tuple[object, ...]]:
        return [tuple(row) for row in (await client.query(statement)).result_rows]

    return await database.run(call)
