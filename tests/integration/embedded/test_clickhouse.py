"""The ordinary ClickHouse client finds in the embedded server what it would find in a real one."""

import gzip
import http.client
import json
import select
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import quote

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from infra.embedded.clickhouse import ChdbServer
from infra.embedded.process import ServerStartError
from tests.support.servers import unique_name

CLIENTS = 8
LIMIT_S = 30.0


def connect(server: ChdbServer, database: str | None = None) -> Client:
    return clickhouse_connect.get_client(
        host=server.host, port=server.port, database=database, compress=False, autogenerate_session_id=False
    )


@pytest.fixture
def client(clickhouse_server: ChdbServer) -> Iterator[Client]:
    """A client whose database is its own."""
    database = unique_name("test")
    with connect(clickhouse_server) as first:
        first.command(f"CREATE DATABASE {database}")
        with connect(clickhouse_server, database) as own:
            yield own
        first.command(f"DROP DATABASE {database}")


@pytest.fixture(scope="module")
def own_server(clickhouse_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChdbServer]:
    """A server that these tests may stop and kill; it runs again after each."""
    with ChdbServer(tmp_path_factory.mktemp("own")) as server:
        yield server


def create(client: Client) -> None:
    client.command(
        "CREATE TABLE bars (id UInt64, symbol String, rev UInt32) ENGINE = ReplacingMergeTree(rev) ORDER BY id"
    )


ROWS = [(number, f"S{number % 7}", 1) for number in range(20_000)]
COLUMNS = ["id", "symbol", "rev"]


def test_a_plain_client_connects(clickhouse_server: ChdbServer) -> None:
    with clickhouse_connect.get_client(host=clickhouse_server.host, port=clickhouse_server.port) as client:
        assert client.ping()
        assert str(client.server_version).split(".")[0] == "26"
        assert str(client.server_tz) == "UTC"


@pytest.mark.parametrize("compress", [False, "lz4", "gzip"])
def test_rows_sent_twice_collapse(clickhouse_server: ChdbServer, client: Client, compress: bool | str) -> None:
    create(client)
    with clickhouse_connect.get_client(
        host=clickhouse_server.host, port=clickhouse_server.port, database=client.database, compress=compress
    ) as sender:
        assert sender.insert("bars", ROWS, column_names=COLUMNS).written_rows == len(ROWS)
        sender.insert("bars", ROWS, column_names=COLUMNS)
    assert client.command("SELECT count() FROM bars") == 2 * len(ROWS)
    answer = client.query("SELECT count(), sum(id) FROM bars FINAL").result_rows
    assert answer == [(len(ROWS), sum(row[0] for row in ROWS))]


def test_an_insert_of_chunks_and_of_text(client: Client) -> None:
    create(client)
    lines = [json.dumps(dict(zip(COLUMNS, row, strict=True))).encode() + b"\n" for row in ROWS[:100]]
    client.raw_insert("bars", COLUMNS, (line for line in lines), fmt="JSONEachRow")
    client.raw_insert("bars", COLUMNS, "1000\tT\t1\n1001\tT\t1\n", fmt="TabSeparated")
    client.command("INSERT INTO bars VALUES (2000, 'a FORMAT b', 1)")
    assert client.command("SELECT count() FROM bars") == 103
    assert client.command("SELECT symbol FROM bars WHERE id = 2000") == "a FORMAT b"


def test_a_native_block_may_begin_with_a_line_break(client: Client) -> None:
    names = [f"c{number}" for number in range(10)]  # a block begins with the number of its columns, here "\n"
    client.command(f"CREATE TABLE ten ({', '.join(f'{name} UInt8' for name in names)}) ENGINE = Memory")
    client.insert("ten", [list(range(10))], column_names=names)
    assert client.query("SELECT * FROM ten").result_rows == [tuple(range(10))]


def test_parameters_are_bound_as_values(client: Client) -> None:
    moment = datetime(2024, 3, 1, 14, 30, tzinfo=UTC)
    answer = client.query(
        "SELECT {text:String}, {number:Int64}, {list:Array(String)}, {nothing:Nullable(String)},"
        " {moment:DateTime('UTC')}",
        parameters={"text": "x' OR 1\t\\", "number": -5, "list": ["a", "b'"], "nothing": None, "moment": moment},
    )
    assert answer.result_rows == [
        ("x' OR 1\t\\", -5, ["a", "b'"], None, moment.replace(tzinfo=None))
    ]  # naive means UTC


def test_the_reply_has_the_format_asked_for(client: Client) -> None:
    assert client.raw_query("SELECT 1 AS x", fmt="JSONEachRow") == b'{"x":1}\n'
    assert client.raw_query("SELECT 'FORMAT CSV' AS x") == b"FORMAT CSV\n"
    assert client.query("SELECT number FROM numbers(3) LIMIT 0").column_names == ("number",)
    with client.query_row_block_stream("SELECT number FROM numbers(200000)") as blocks:
        assert sum(len(block) for block in blocks) == 200_000


def test_an_error_arrives_with_code_and_text(client: Client) -> None:
    with pytest.raises(DatabaseError, match=r"Code: 60\. DB::Exception: .*nowhere.*\(UNKNOWN_TABLE\)") as error:
        client.query("SELECT * FROM nowhere")
    assert error.value.code == 60
    create(client)
    with pytest.raises(DatabaseError, match=r"\(NO_SUCH_COLUMN_IN_TABLE\)"):
        client.raw_insert("bars", ["other"], "1\n", fmt="TabSeparated")
    with pytest.raises(DatabaseError, match=r"\(UNKNOWN_SETTING\)"):
        client.raw_query("SELECT 1", settings={"no_such_setting": "1"})


def test_a_truncated_insert_is_refused_and_the_next_one_taken(client: Client) -> None:
    create(client)
    block = client.raw_query("SELECT number AS id, 'A' AS symbol, 1::UInt32 AS rev FROM numbers(1000)", fmt="Native")
    with pytest.raises(DatabaseError, match=r"\(CANNOT_READ_ALL_DATA\)"):
        client.raw_insert("bars", COLUMNS, block[: len(block) // 2], fmt="Native")
    client.raw_insert("bars", COLUMNS, block, fmt="Native")
    assert client.command("SELECT count() FROM bars FINAL") == 1000


def test_settings_and_database_hold_for_one_statement(client: Client) -> None:
    setting = "SELECT value FROM system.settings WHERE name = 'max_threads'"
    before = client.command(setting)
    assert client.raw_query(setting, settings={"max_threads": "1"}) == b'"1"\n'.replace(b'"', b"")
    assert client.command(setting) == before
    assert client.command("SELECT currentDatabase()") == client.database
    assert client.command("SELECT currentDatabase()", use_database=False) == "default"


def test_clients_at_once_each_get_their_own_answer(clickhouse_server: ChdbServer, client: Client) -> None:
    create(client)

    def work(number: int) -> list[int]:
        with connect(clickhouse_server, client.database) as own:
            answers = []
            for turn in range(10):
                own.insert("bars", [(number * 100 + turn, f"S{number}", 1)], column_names=COLUMNS)
                answer = own.query("SELECT count() FROM bars WHERE symbol = {s:String}", parameters={"s": f"S{number}"})
                answers.append(int(answer.result_rows[0][0]))
            return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert list(pool.map(work, range(CLIENTS))) == [list(range(1, 11))] * CLIENTS


def send(server: ChdbServer, sql: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=LIMIT_S)
    try:
        connection.request("POST", f"/?query={quote(sql)}", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def accepted(server: ChdbServer, sql: str) -> Iterator[http.client.HTTPConnection]:
    """A connection whose statement the server has taken on: what is sent later has been answered."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=LIMIT_S)
    try:
        connection.request("POST", "/", sql)
        assert server.is_ready()
        yield connection
    finally:
        connection.close()


def test_a_web_page_is_not_answered(clickhouse_server: ChdbServer) -> None:
    assert send(clickhouse_server, "SELECT 1") == (200, b"1\n")
    assert send(clickhouse_server, "SELECT 1", Origin="http://page.example")[0] == 403
    assert send(clickhouse_server, "SELECT 1", Host="page.example")[0] == 400


def test_a_body_that_is_not_what_it_says_is_refused(clickhouse_server: ChdbServer) -> None:
    connection = http.client.HTTPConnection(clickhouse_server.host, clickhouse_server.port, timeout=LIMIT_S)
    try:
        for encoding, body, expected in (
            ("br", b"x", 415),
            ("gzip", b"x", 400),
            ("gzip", gzip.compress(b"SELECT 2"), 200),
        ):
            connection.request("POST", "/", body, {"Content-Encoding": encoding})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == expected
        connection.request("POST", "/", b"SELECT '\xff\xfe")
        answer = connection.getresponse()
        assert (answer.status, b"not UTF-8" in answer.read()) == (500, True)
    finally:
        connection.close()


def test_a_full_queue_refuses_and_recovers(clickhouse_server: ChdbServer) -> None:
    def one(number: int) -> int:
        return send(clickhouse_server, "SELECT sleep(0.05)")[0]

    with ThreadPoolExecutor(64) as pool:
        statuses = list(pool.map(one, range(64)))
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 32
    assert send(clickhouse_server, "SELECT 1") == (200, b"1\n")


def test_it_answers_ping_while_a_statement_runs(clickhouse_server: ChdbServer) -> None:
    with accepted(clickhouse_server, "SELECT sleep(1), 7") as slow:
        assert select.select([slow.sock], [], [], 0)[0] == []  # nothing has come back yet
        assert slow.getresponse().read() == b"0\t7\n"


def test_rows_outlive_a_stop_and_a_crash(own_server: ChdbServer) -> None:
    with connect(own_server) as client:
        create(client)
        client.insert("bars", ROWS, column_names=COLUMNS)
        own_server.kill()
        assert own_server.exit_code == -signal.SIGKILL
        own_server.start()
        assert client.command("SELECT count() FROM bars") == len(ROWS)
        own_server.stop()
        assert own_server.exit_code == 0
        assert own_server.log.read_text() == ""
        own_server.start()
        assert client.command("SELECT count() FROM bars") == len(ROWS)


def test_stop_lets_a_statement_finish(own_server: ChdbServer) -> None:
    with accepted(own_server, "SELECT sleep(0.5), 7") as slow:
        own_server.stop()
        assert own_server.exit_code == 0
        assert slow.getresponse().read() == b"0\t7\n"
    own_server.start()


def test_a_second_server_on_the_same_rows_is_refused(own_server: ChdbServer) -> None:
    second = ChdbServer(own_server.log.parent)
    with pytest.raises(ServerStartError, match="the ClickHouse server ended with code"):
        second.start()
    assert send(own_server, "SELECT 1") == (200, b"1\n")
