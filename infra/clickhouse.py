"""The way to ClickHouse: a client that is connected when it is needed, and patience while the server is away."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from clickhouse_connect.driver.insert import InsertContext

logger = logging.getLogger(__name__)

FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 5.0
CONNECT_LIMIT_S: Final = 3.0
# ClickHouse's exception codes that say "later", not "never".
BUSY: Final = frozenset({159, 202, 209, 210, 241, 242, 252, 319, 999})
NOT_SET_UP: Final = frozenset({60, 81})  # unknown table, unknown database
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

T = TypeVar("T")


class ClickHouseAwayError(Exception):
    """It cannot be reached, is too busy, or has no tables yet: worth another try later."""


@dataclass(frozen=True)
class ClickHouseConfig:
    """Where ClickHouse is. `timeout_s` limits each statement."""

    host: str
    port: int = 8123
    database: str = "tapewatch"
    username: str | None = None
    password: str = field(default="", repr=False)
    secure: bool = False
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        """Raises ValueError for a name that would need quoting."""
        if _NAME.fullmatch(self.database) is None:
            raise ValueError(f"ClickHouse database {self.database!r}: up to 64 of A-Z a-z 0-9 _, no digit first")


class ClickHouse:
    """One client of one database, shared by the tasks of an event loop. It comes back when the server does."""

    def __init__(self, config: ClickHouseConfig) -> None:
        self.config = config
        self._client: AsyncClient | None = None
        self._connecting = asyncio.Lock()
        self._contexts: dict[str, InsertContext] = {}

    def __str__(self) -> str:
        return f"ClickHouse at {self.config.host}:{self.config.port}"

    async def run(self, call: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """The result of `call` on a connected client.

        Raises ClickHouseAwayError; clickhouse_connect's DatabaseError for a statement that will never be accepted.
        """
        try:
            return await call(await self._connected())
        except DatabaseError as error:
            if may_pass(error):
                raise ClickHouseAwayError(f"{self}: {error}") from error
            raise

    async def insert(self, table: str, columns: dict[str, list[object]]) -> None:
        """Insert columns of equal length; they are stored once this returns. Raises as `run` does."""

        async def call(client: AsyncClient) -> None:
            # The context knows the columns' types; asking for them each time would cost another statement.
            context = self._contexts.pop(table, None)
            if context is None:
                context = await client.create_insert_context(table, list(columns), column_oriented=True)
            await client.insert(data=list(columns.values()), context=context)
            self._contexts[table] = context

        await self.run(call)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _connected(self) -> AsyncClient:
        async with self._connecting:
            if self._client is None:
                self._client = await open_client(self.config, self.config.database)
            return self._client


async def open_client(config: ClickHouseConfig, database: str | None) -> AsyncClient:
    """A connected client; `database` None: the user's own. Raises clickhouse_connect's DatabaseError."""
    return await clickhouse_connect.get_async_client(
        host=config.host,
        port=config.port,
        database=database,
        username=config.username,
        password=config.password,
        secure=config.secure,
        compress=False,
        autogenerate_session_id=False,
        connect_timeout=CONNECT_LIMIT_S,
        send_receive_timeout=config.timeout_s,
        query_retries=0,
    )


def may_pass(error: DatabaseError) -> bool:
    """Whether the same statement may be accepted later."""
    if error.code is None:
        return isinstance(error, OperationalError)
    return error.code in BUSY | NOT_SET_UP


async def patiently(
    attempt: Callable[[], Awaitable[T]], limit_s: float, on_wait: Callable[[str], object] = lambda reason: None
) -> T:
    """Try until it works, with growing pauses; raises the last ClickHouseAwayError once `limit_s` is over.

    `on_wait` is told why each time a pause begins, and an empty text when the waiting is over.
    """
    clock = asyncio.get_running_loop().time
    end, pause_s = clock() + limit_s, FIRST_WAIT_S
    while True:
        try:
            result = await attempt()
        except ClickHouseAwayError as error:
            if clock() + pause_s > end:
                raise
            logger.warning("waiting %.1f s: %s", pause_s, error)
            on_wait(str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_WAIT_S)
        else:
            on_wait("")
            return result
