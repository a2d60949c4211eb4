"""History in a real ClickHouse: repeats collapse, questions get the right rows, an absent server is waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from infra import clickhouse_migrations
from infra.clickhouse import ClickHouse, ClickHouseAwayError, ClickHouseConfig, patiently
from infra.clickhouse_migrations import MigrationError, migrate, migrations
from infra.clickhouse_queries import AlertFilter, known_symbols, newest_alerts, newest_bars
from infra.clickhouse_rows import AlertRow, alert_row, insert_alerts, insert_bars
from infra.embedded.clickhouse import ChdbServer
from infra.embedded.ports import free_ports
from schemas.alert import Alert, encode_alert, encode_body
from tests.support.alerts import START_NS, make_alert, make_bar
from tests.support.history import new_config, new_database, rows

MAX_NS = 4_000_000_000_000_000_000


def with_database(server: ChdbServer, check: Callable[[ClickHouse], Awaitable[None]]) -> None:
    async def run() -> None:
        database = await new_database(server)
        try:
            await check(database)
        finally:
            await database.close()

    asyncio.run(run())


def row(alert: Alert) -> AlertRow:
    return alert_row(encode_alert(alert))


def test_migrations_are_applied_once_and_may_be_run_by_two(clickhouse_server: ChdbServer) -> None:
    async def run() -> None:
        first, second = (ClickHouse(config) for config in [new_config(clickhouse_server)] * 2)
        try:
            done = await asyncio.gather(migrate(first), migrate(second))
            names = [name for name, _ in migrations()]
            assert names in done
            assert await migrate(second) == []
            assert await rows(first, "SELECT name FROM migrations FINAL ORDER BY name") == [(name,) for name in names]
        finally:
            await first.close()
            await second.close()

    asyncio.run(run())


def test_a_changed_migration_is_refused(clickhouse_server: ChdbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(database: ClickHouse) -> None:
        name, statement = migrations()[0]
        monkeypatch.setattr(clickhouse_migrations, "migrations", lambda: [(name, statement + " ")])
        with pytest.raises(MigrationError, match=f"migration {name} was applied with another text"):
            await migrate(database)

    with_database(clickhouse_server, check)


def test_bars_keep_the_highest_revision_in_any_order(clickhouse_server: ChdbServer) -> None:
    async def check(database: ClickHouse) -> None:
        bars = [make_bar(number) for number in range(5)]
        await insert_bars(database, [*bars, make_bar(2, rev=1)])
        await insert_bars(database, bars)
        await insert_bars(database, [make_bar(0, "BETA"), make_bar(0, timeframe="5m")])
        expected = [*bars[:2], make_bar(2, rev=1), *bars[3:]]
        assert await newest_bars(database, "ACME", "1m", 0, MAX_NS, 10) == expected
        assert await newest_bars(database, "ACME", "1m", bars[1].start, bars[4].start, 2) == expected[2:4]
        assert await newest_bars(database, "A' OR 1", "1m", 0, MAX_NS, 10) == []
        assert await known_symbols(database) == ["ACME", "BETA"]

    with_database(clickhouse_server, check)


def test_alerts_told_twice_are_one_row_with_the_very_bytes(clickhouse_server: ChdbServer) -> None:
    async def check(database: ClickHouse) -> None:
        alerts = [make_alert(number) for number in range(3)]
        await insert_alerts(database, [row(alert) for alert in alerts])
        await insert_alerts(database, [row(alert) for alert in alerts[1:]])
        found = await newest_alerts(database, AlertFilter(), 10)
        assert [(place.ts, place.id) for place, _ in found] == [(a.body.ts, a.body.id) for a in reversed(alerts)]
        assert [bytes(stored.body) for _, stored in found] == [encode_body(alert.body) for alert in reversed(alerts)]
        assert [stored.delivery for _, stored in found] == [alert.delivery for alert in reversed(alerts)]

    with_database(clickhouse_server, check)


def test_alerts_by_symbol_rule_time_and_place(clickhouse_server: ChdbServer) -> None:
    async def check(database: ClickHouse) -> None:
        alerts = [make_alert(number, symbol, rule) for number in range(3) for symbol in "AB" for rule in ("x", "y")]
        await insert_alerts(database, [row(alert) for alert in alerts])
        newest = sorted((alert.body for alert in alerts), key=lambda body: (body.ts, body.id), reverse=True)

        async def ids(wanted: AlertFilter, limit: int = 100) -> list[str]:
            return [place.id for place, _ in await newest_alerts(database, wanted, limit)]

        assert await ids(AlertFilter(symbol="A")) == [body.id for body in newest if body.symbol == "A"]
        assert await ids(AlertFilter(rule="y", symbol="B")) == ["B-y-000002", "B-y-000001", "B-y-000000"]
        assert await ids(AlertFilter(from_ns=START_NS + 1, to_ns=START_NS + 2_000_000_000)) == [
            body.id for body in newest if body.id.endswith("1")
        ]
        place, _ = (await newest_alerts(database, AlertFilter(), 5))[-1]
        assert await ids(AlertFilter(before=place)) == [body.id for body in newest[5:]]

    with_database(clickhouse_server, check)


def test_a_statement_that_is_wrong_is_no_reason_to_wait(clickhouse_server: ChdbServer) -> None:
    async def check(database: ClickHouse) -> None:
        with pytest.raises(DatabaseError, match="SYNTAX_ERROR"):
            await rows(database, "SELEC")

    with_database(clickhouse_server, check)


def test_a_database_not_set_up_yet_is_away(clickhouse_server: ChdbServer) -> None:
    async def run() -> None:
        database = ClickHouse(new_config(clickhouse_server))
        with pytest.raises(ClickHouseAwayError, match="UNKNOWN_DATABASE"):
            await known_symbols(database)
        await migrate(database)
        assert await known_symbols(database) == []
        await database.close()

    asyncio.run(run())


def test_a_server_that_comes_late_is_waited_for(clickhouse_engine: None, tmp_path: Path) -> None:
    async def run() -> None:
        (port,) = free_ports(1)
        database = ClickHouse(ClickHouseConfig("127.0.0.1", port))
        said: list[str] = []
        first_word = asyncio.Event()

        def hear(reason: str) -> None:
            said.append(reason)
            first_word.set()

        waiting = asyncio.create_task(patiently(lambda: migrate(database), 60.0, hear))
        await first_word.wait()
        with ChdbServer(tmp_path, port) as server:
            assert await waiting == [name for name, _ in migrations()]
            assert said[0].startswith(f"ClickHouse at 127.0.0.1:{port}: ")
            assert said[-1] == ""
            await insert_bars(database, [make_bar(1)])
            await asyncio.to_thread(server.kill)
            with pytest.raises(ClickHouseAwayError):
                await insert_bars(database, [make_bar(2)])
            await asyncio.to_thread(server.start)
            await insert_bars(database, [make_bar(2)])
            assert await newest_bars(database, "ACME", "1m", 0, MAX_NS, 9) == [make_bar(1), make_bar(2)]
            await database.close()

    asyncio.run(run())


def test_patience_ends() -> None:
    tries: list[int] = []

    async def attempt() -> None:
        tries.append(1)
        raise ClickHouseAwayError(f"try {len(tries)}")

    with pytest.raises(ClickHouseAwayError, match="try 2"):
        asyncio.run(patiently(attempt, 0.2))


@pytest.mark.parametrize("name", ["", "a-b", "1a", "a`b", "a" * 65])
def test_a_database_name_that_would_need_quotes_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="ClickHouse database"):
        ClickHouseConfig("localhost", database=name)


def test_the_password_is_not_shown() -> None:
    assert "hush" not in repr(ClickHouseConfig("localhost", password="hush"))
