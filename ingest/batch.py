"""What every provider gives, whatever it reads: trades as columns, other records at their places between them, and
what it refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.batch import I64, Trades

MAX_RECORD_BYTES: Final = 131_072
"""Of a record in the log, and of what is kept of input that is refused: more than any tick has."""

JsonRows = Callable[[I64], list[bytes]]
"""Gives the trades at these row numbers as JSON records."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A record that is no trade; it comes after the first `row` trades of its batch. `symbol` None: it goes to every
    partition."""

    row: int
    symbol: str | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """Input that is no tick: its bytes, its place for people (`where`) and as a number (`position`), and what is wrong
    with it."""

    value: bytes
    where: str
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Trades in the order in which they are to be sent; `trades.symbol` counts into `names`.

    `trades.offset` is the place of each in its source: the number of its line in `file`, if that is one.
    `names` may grow from batch to batch, its members keep their places. `paced` False: send at once, whatever the
    speed.
    """

    names: Sequence[str]
    trades: Trades
    json: JsonRows
    placed: Sequence[Placed] = ()
    refused: Sequence[Refused] = ()
    paced: bool = True
    file: str = ""
