"""What ingest asks of a market data source, so that a file, a simulation and a vendor's socket are used alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from ingest.batch import Batch
from schemas.batch import I32

EVERYTHING: Final = "*"


class ProviderError(ValueError):
    """The provider cannot do what it was asked for; the message says what and why."""


@dataclass(frozen=True, slots=True)
class Health:
    """`live`: data comes or can come. `detail` is for people; `newest_ns` is the newest event time given so far, -1
    before the first."""

    live: bool
    detail: str
    newest_ns: int


class Provider(Protocol):
    """A source of ticks. It gives nothing until symbols are subscribed (`EVERYTHING`: all there are); both may change
    while it runs."""

    @property
    def source(self) -> str:
        """Id of the source in heartbeats; the same after a restart."""

    @property
    def heartbeats_from_rows(self) -> bool:
        """True: time follows the rows, ingest makes the heartbeats. False: the provider places its own, from its
        feed's clock."""

    async def universe(self) -> Sequence[str]:
        """The symbols it offers, as far as it knows them in advance. Raises ProviderError."""

    async def subscribe(self, symbols: Collection[str]) -> None:
        """Add to what is wanted. Raises ProviderError for what can never be had."""

    async def unsubscribe(self, symbols: Collection[str]) -> None:
        """Take from what is wanted; what is not wanted anyway is left out silently."""

    def health(self) -> Health:
        """Its state now."""

    def batches(self) -> AsyncIterator[Batch]:
        """The data, until the source ends. An async generator: closing it closes the source."""


class Wanted:
    """The wanted symbols of a provider that has all data at hand and only leaves out what nobody wants."""

    def __init__(self) -> None:
        self._everything = False
        self._symbols: set[str] = set()

    def add(self, symbols: Collection[str]) -> None:
        """Want these too."""
        self._everything |= EVERYTHING in symbols
        self._symbols |= set(symbols) - {EVERYTHING}

    def remove(self, symbols: Collection[str]) -> None:
        """No longer want these; single symbols cannot be taken from everything. Raises ProviderError."""
        if EVERYTHING in symbols:
            self._everything, self._symbols = False, set()
        elif self._everything:
            raise ProviderError("unsubscribe: everything is subscribed; unsubscribe everything first")
        self._symbols -= set(symbols)

    def __contains__(self, symbol: str) -> bool:
        return self._everything or symbol in self._symbols

    def rows(self, names: Sequence[str], symbol: I32) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
        """Which rows are wanted; None = all of them."""
        if self._everything:
            return None
        wanted = np.fromiter((name in self._symbols for name in names), bool, len(names))
        return wanted[symbol]
