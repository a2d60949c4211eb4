"""What is asked for over REST: alerts, bars and symbols out of ClickHouse, and the newest figures of a symbol."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.hub import Hub
from api.problems import ParameterError
from engine.rules.sentence import sentence
from infra.clickhouse import ClickHouse, ClickHouseAwayError
from infra.clickhouse_queries import (
    AlertFilter,
    Place,
    StoredAlert,
    known_symbols,
    newest_alerts,
    newest_bars,
)
from infra.times import ZoneMissingError, iso_ns
from schemas.alert import AlertBody, Delivery
from schemas.hints import nearest

MAX_NS: Final = 4_102_444_800_000_000_000  # the year 2100; ticks end before it
SYMBOLS_KEPT_S: Final = 30.0
HINTS_AMONG: Final = 20_000  # names; among more, looking for the nearest takes too long
_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_BODY: Final = msgspec.json.Decoder(AlertBody)

Name = Annotated[str | None, Query(max_length=128)]
Limit = Annotated[int, Query(ge=1, le=1_000, description="how many at most")]
From = Annotated[str | None, Query(alias="from", description="ns since 1970, or RFC 3339; included")]
To = Annotated[str | None, Query(description="ns since 1970, or RFC 3339; not included")]
Timeframe = Literal["1m", "2m", "5m", "10m", "15m", "30m", "1h", "2h", "4h", "1d"]


class History:
    """Answers the questions; the symbols are remembered for a while, as they change seldom."""

    def __init__(self, database: ClickHouse, hub: Hub) -> None:
        self._database, self._hub = database, hub
        self._symbols: list[str] = []
        self._symbols_at = -SYMBOLS_KEPT_S
        self.available: bool | None = None

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(default_response_class=Response)
        router.add_api_route("/alerts", self.alerts, operation_id="list_alerts", summary="Alerts, newest first")
        router.add_api_route("/bars", self.bars, operation_id="list_bars", summary="The newest bars, oldest first")
        router.add_api_route("/symbols", self.symbols, operation_id="list_symbols", summary="Symbols and live prices")
        router.add_api_route(
            "/symbols/{symbol:path}/metrics",
            self.metrics,
            operation_id="list_symbol_metrics",
            summary="The newest figures of a symbol",
        )
        return router

    async def alerts(
        self,
        symbol: Name = None,
        rule: Name = None,
        from_: From = None,
        to: To = None,
        cursor: Annotated[str | None, Query(max_length=500, description="`next` of the page before")] = None,
        limit: Limit = 100,
    ) -> Response:
        """`alerts` as they stand in the topic, each with its `sentence`, newest event time first; `next` is null on the
        last page."""
        before = None if cursor is None else place_of(cursor)
        wanted = AlertFilter(symbol, rule, time_ns("from", from_), time_ns("to", to), before)
        found = await self._ask(newest_alerts(self._database, wanted, limit + 1))
        page = found[:limit]
        following = cursor_of(page[-1][0]) if len(found) > limit else None
        return _json({"alerts": [_with_sentence(alert) for _, alert in page], "next": following})

    async def bars(
        self,
        symbol: Annotated[str, Query(max_length=128)],
        timeframe: Timeframe = "1m",
        from_: From = None,
        to: To = None,
        limit: Limit = 500,
    ) -> Response:
        """The newest `limit` bars that start in [from, to), oldest first."""
        begin = time_ns("from", from_) or 0
        end = time_ns("to", to)
        end = MAX_NS if end is None else end
        found = await self._ask(newest_bars(self._database, symbol, timeframe, begin, end, limit))
        return _json({"bars": found})

    async def symbols(self) -> Response:
        """Every symbol with its newest live quote or null; `complete` is false while the history is away."""
        complete = await self._refresh_symbols()
        quotes = self._hub.quotes.newest()
        names = sorted({*self._symbols, *quotes})
        found = [{"symbol": name, "quote": quotes.get(name)} for name in names]
        return _json({"symbols": found, "complete": complete})

    async def metrics(self, symbol: Annotated[str, Path(max_length=128)]) -> Response:
        """The newest value of each figure that rules or a setting name, with its unit and time, and the one at the
        newest close; an empty list for a symbol without any, 404 for one that was never heard of."""
        figures = self._hub.figures
        if symbol not in figures:
            await self._require_known(symbol)
        return Response(figures.text(symbol), media_type="application/json")

    async def _require_known(self, symbol: str) -> None:
        live = self._hub.quotes.newest()
        if symbol in live:
            return
        if not await self._refresh_symbols():
            raise ClickHouseAwayError("which symbols there are is not known now")
        known = {*self._symbols, *live}
        if symbol not in known:
            hint = await asyncio.to_thread(nearest, symbol, known) if len(known) <= HINTS_AMONG else ""
            raise HTTPException(404, f"symbol {symbol!r} is not known{hint}")

    async def _refresh_symbols(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._symbols_at >= SYMBOLS_KEPT_S:
            try:
                self._symbols = await self._ask(known_symbols(self._database))
                self._symbols_at = now
            except ClickHouseAwayError:
                return False
        return True

    async def _ask(self, question: Any) -> Any:
        try:
            answer = await question
        except ClickHouseAwayError:
            self.available = False
            raise
        self.available = True
        return answer


def time_ns(name: str, text: str | None) -> int | None:
    """UTC ns of a parameter: digits are ns, all else is RFC 3339 with its zone. Raises ParameterError."""
    if text is None:
        return None
    if _DIGITS.fullmatch(text):
        found = int(text)
    else:
        try:
            found = iso_ns(text, needs_zone=True)
        except ZoneMissingError as error:
            raise ParameterError(name, str(error)) from None
        except ValueError:
            raise ParameterError(name, f"{text!r} is neither ns since 1970 nor an RFC 3339 time") from None
    if not 0 <= found <= MAX_NS:
        raise ParameterError(name, f"{text!r} is not between 1970 and 2100")
    return found


def cursor_of(place: Place) -> str:
    """An opaque text for a place in the list of alerts."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """Raises ParameterError for a text that `cursor_of` has not made."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        place = msgspec.json.decode(raw, type=Place)
        if 0 <= place.ts <= MAX_NS:
            return place
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        pass
    raise ParameterError("cursor", "not one that this interface has given")


class ExplainedAlert(msgspec.Struct):
    """A stored alert, and why it fired in one line."""

    body: msgspec.Raw
    delivery: Delivery
    sentence: str


def _with_sentence(alert: StoredAlert) -> ExplainedAlert:
    return ExplainedAlert(alert.body, alert.delivery, sentence(_BODY.decode(alert.body)))


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
