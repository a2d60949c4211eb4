"""ClickHouse as a library (chDB), given one HTTP request's worth of work at a time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chdb

DEFAULT_FORMAT = "TabSeparated"
STATEMENT_LIMIT_S = 120  # for a statement whose client sets no max_execution_time
UNKNOWN_EXCEPTION = 1002  # ClickHouse's code for an error that has none of its own

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
# INSERT INTO [TABLE] name [(columns)] [SETTINGS name = value, ...] FORMAT name, one line break, then the data.
_INSERT_WITH_DATA = re.compile(
    rb"\s*(?P<insert>INSERT\s+INTO\s+(?:TABLE\s+)?(?:`(?:[^`\\]|\\.)*`|[\w.])+"
    rb"\s*(?:\((?:`(?:[^`\\]|\\.)*`|[^`()])*\)\s*)?(?:SETTINGS\s[^;]*?\s)?)"
    rb"FORMAT\s+(?P<format>\w+)[ \t]*;?[ \t]*(?:\r?\n)?",
    re.IGNORECASE,
)
_RETURNS_ROWS = re.compile(r"[\s(]*(?:SELECT|WITH|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS|CHECK)\b", re.IGNORECASE)
_FORMAT_AT_END = re.compile(r"\bFORMAT\s+(\w+)[\s;]*\Z", re.IGNORECASE)
_ERROR = re.compile(r"Code: (\d+)\..*", re.DOTALL)


class StatementError(Exception):
    """What ClickHouse refused, with its own code and text ("Code: 60. DB::Exception: ...")."""

    def __init__(self, text: str) -> None:
        found = _ERROR.search(text)
        super().__init__(found.group(0) if found else f"Code: {UNKNOWN_EXCEPTION}. DB::Exception: {text}")
        self.code = int(found.group(1)) if found else UNKNOWN_EXCEPTION


@dataclass(frozen=True)
class Statement:
    """SQL, with an INSERT's data after it, and what goes with it; parameters and settings as their texts."""

    text: bytes
    database: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    default_format: str = DEFAULT_FORMAT


@dataclass(frozen=True)
class Result:
    """`format` is None for a statement that returns no rows; `summary` has ClickHouse's names and texts."""

    body: bytes
    format: str | None
    summary: Mapping[str, str]


class ChdbEngine:
    """The one engine a process can have. Statements run one after the other; no state stays between them."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._keeper = chdb.connect(self._path)  # the engine lives as long as its last connection
        self.timezone = self._keeper.query("SELECT timezone()", DEFAULT_FORMAT).bytes().decode().strip()

    def close(self) -> None:
        """Write everything out and let go of the folder."""
        self._keeper.close()

    def execute(self, statement: Statement) -> Result:
        """Run one statement.

        Raises:
            StatementError: ClickHouse refused it, or it is not valid UTF-8 or names an impossible setting.
        """
        connection = chdb.connect(self._path)  # 1 ms; takes its settings and database with it when closed
        try:
            _prepare(connection, statement)
            if insert := _INSERT_WITH_DATA.match(statement.text):
                return _insert(connection, insert, statement.text[insert.end() :])
            return _query(connection, statement)
        except UnicodeDecodeError as error:
            raise StatementError(f"the statement is not UTF-8: {error}") from error
        except RuntimeError as error:  # also the base of chDB's own
            raise StatementError(str(error)) from error
        finally:
            connection.close()


def _prepare(connection: Any, statement: Statement) -> None:
    settings = {"max_execution_time": str(STATEMENT_LIMIT_S), **statement.settings}
    for name in settings:
        if not _IDENTIFIER.fullmatch(name):
            raise StatementError(f"{name!r} is no name of a setting")
    connection.query("SET " + ", ".join(f"{name} = {_quote(value)}" for name, value in settings.items()))
    if statement.database:
        connection.query("USE `" + statement.database.replace("\\", "\\\\").replace("`", "\\`") + "`")


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _insert(connection: Any, insert: re.Match[bytes], data: bytes) -> Result:
    with connection.send_insert(insert["insert"].decode(), insert["format"].decode()) as stream:
        stream.append(data)
        done = stream.finish()
    written = {"written_rows": done.rows_written, "written_bytes": done.bytes_written}
    return Result(b"", None, {name: str(value) for name, value in written.items()} | _elapsed(done.elapsed))


def _query(connection: Any, statement: Statement) -> Result:
    text = statement.text.decode()
    done = connection.query(text, statement.default_format, params=dict(statement.parameters))
    named = _FORMAT_AT_END.search(text)
    returned = named.group(1) if named else statement.default_format
    read = {"read_rows": str(done.rows_read()), "read_bytes": str(done.bytes_read())}
    return Result(done.bytes() or b"", returned if _RETURNS_ROWS.match(text) else None, read | _elapsed(done.elapsed()))


def _elapsed(seconds: float) -> dict[str, str]:
    return {"elapsed_ns": str(int(seconds * 1e9))}
