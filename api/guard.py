"""Who may talk to the edge, and what a browser may do with its answers."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.config import EdgeConfig, is_loopback
from api.problems import problem

API: Final = "/api/"
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Guard:
    """ASGI middleware. Without a token only requests for a loopback name are answered: a page of the web can make a
    name of its own point to this machine, but it cannot change the name the browser asks for."""

    def __init__(self, app: ASGIApp, config: EdgeConfig) -> None:
        self._app, self._config = app, config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the headers added to the answer."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            if self._known_host(headers) and same_origin(headers):
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        if not self._known_host(headers):
            answer: ASGIApp = problem(421, "this edge answers only for this machine's own name")
        elif scope["path"].startswith(API) and not self._authorized(headers):
            answer = problem(401, "a valid token is needed", headers={"WWW-Authenticate": "Bearer"})
        else:
            answer = self._app
        await answer(scope, receive, send_with_headers)

    def _known_host(self, headers: Mapping[str, str]) -> bool:
        if self._config.token is not None:
            return True
        try:
            host = urlsplit("//" + headers.get("host", "")).hostname
        except ValueError:
            return False
        return host is not None and is_loopback(host)

    def _authorized(self, headers: Mapping[str, str]) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return self._config.token is None or (scheme.lower() == "bearer" and token_matches(self._config, token.strip()))


def token_matches(config: EdgeConfig, token: str | None) -> bool:
    """Whether `token` is the one configured, compared in constant time; any, if none is."""
    return config.token is None or hmac.compare_digest((token or "").encode(), config.token.encode())


def same_origin(headers: Mapping[str, str]) -> bool:
    """Whether the request comes from our own page, or from no browser at all."""
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False
