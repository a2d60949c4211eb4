"""What is logged arrives as one JSON object a line, whatever it holds."""

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from infra.logs import JsonFormatter, setup_logs

LIMIT_S = 60.0


def formatted(record: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter("scan").format(record)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "a.b", "levelname": "INFO", "created": 1.5, "msg": message, "args": arguments, **extra}
    )


def test_a_line_says_when_who_and_what() -> None:
    assert formatted(record("%s of\n%d", "one", 2)) == {
        "time": "1970-01-01T00:00:01.500+00:00",
        "level": "INFO",
        "role": "scan",
        "logger": "a.b",
        "message": "one of\n2",
    }


def test_extras_and_strange_values_are_kept_as_text() -> None:
    line = formatted(record("x \ud800", partition=3, folder=logging))
    assert line["partition"] == 3
    assert "module 'logging'" in line["folder"]


def test_an_exception_keeps_its_stack() -> None:
    try:
        raise ValueError("no price")
    except ValueError:
        line = formatted(record("bad", exc_info=sys.exc_info()))
    assert line["error"].startswith("Traceback")
    assert line["error"].endswith("ValueError: no price")


def test_a_process_logs_to_stderr_warnings_too() -> None:
    program = (
        "import logging, warnings; from infra.logs import setup_logs; setup_logs('edge', 'warning');"
        "logging.info('not this'); logging.getLogger('x').error('this'); warnings.warn('and this')"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=LIMIT_S)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout == ""
    assert [(line["level"], line["role"], line["logger"]) for line in lines] == [
        ("ERROR", "edge", "x"),
        ("WARNING", "edge", "py.warnings"),
    ]


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="log level 'loud' is none of DEBUG, INFO"):
        setup_logs("edge", "loud")
