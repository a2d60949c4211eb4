"""Every error of the REST interface in one form: application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from infra.clickhouse import ClickHouseAwayError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5


class ParameterError(ValueError):
    """A parameter of the request that cannot be used: which, and why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


def problem(
    status: int, detail: str, errors: Sequence[dict[str, str]] = (), headers: dict[str, str] | None = None
) -> Response:
    """The answer that says what is wrong; `errors` names the parameters."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return Response(msgspec.json.encode(body), status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of `app` this way."""
    app.add_exception_handler(ParameterError, _parameter)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(ClickHouseAwayError, _history_away)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _parameters(errors: list[dict[str, str]]) -> Response:
    return problem(422, "; ".join(f"{error['parameter']}: {error['detail']}" for error in errors), errors)


async def _parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, ParameterError)
    return _parameters([{"parameter": error.name, "detail": error.reason}])


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _parameters([{"parameter": str(one["loc"][-1]), "detail": str(one["msg"])} for one in error.errors()])


async def _history_away(request: Request, error: Exception) -> Response:
    return problem(503, "the history is not available now", headers={"Retry-After": str(RETRY_AFTER_S)})


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> Response:
    return problem(500, "something went wrong here; the log of the edge says what")
