"""The newest live price of each symbol. Clients are brought up to date from here, however long they were behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from api.messages import push_live
from schemas.live import LiveQuote

QUOTES_PER_FRAME: Final = 1_000


class Quotes:
    """Prices with the version in which they changed last. A version is one tick of the edge's clock."""

    def __init__(self) -> None:
        self._newest: dict[str, LiveQuote] = {}
        self._changed_in: dict[str, int] = {}
        self._changed: set[str] = set()
        self._last = _Frames([], {})
        self.version = 0

    def put(self, quotes: Iterable[LiveQuote]) -> None:
        """Take in quotes in the order of the log; they are told with the next version."""
        for quote in quotes:
            self._newest[quote.symbol] = quote
            self._changed.add(quote.symbol)

    def tick(self) -> bool:
        """Begin a new version, if anything changed."""
        if not self._changed:
            return False
        self.version += 1
        for symbol in self._changed:
            self._changed_in[symbol] = self.version
        self._last = _Frames(sorted(self._changed), self._newest)
        self._changed = set()
        return True

    def frames_since(self, version: int, symbols: frozenset[str] | None) -> Iterable[str]:
        """What a client that knows `version` has missed, made as it is asked for; the frames of the last tick are made
        once for all."""
        if symbols is None and version == self.version - 1:
            return self._last
        candidates = self._changed_in if symbols is None else symbols
        missed = sorted(symbol for symbol in candidates if self._changed_in.get(symbol, 0) > version)
        return _Frames(missed, self._newest)

    def newest(self) -> dict[str, LiveQuote]:
        """Every symbol's newest quote."""
        return dict(self._newest)


class _Frames:
    """Texts of these symbols' quotes, each made when it is first wanted."""

    def __init__(self, symbols: list[str], newest: dict[str, LiveQuote]) -> None:
        self._symbols, self._newest = symbols, newest
        self._made: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for number, first in enumerate(range(0, len(self._symbols), QUOTES_PER_FRAME)):
            if number == len(self._made):
                some = self._symbols[first : first + QUOTES_PER_FRAME]
                self._made.append(push_live(self._newest[symbol] for symbol in some))
            yield self._made[number]
