"""Random markets as tick logs: the same seed gives the same records. Meant to reach every corner of the semantics in a
few hundred records."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from schemas.batch import trade_keys
from schemas.control import encode_heartbeat, encode_rule_set_switch, encode_source_end
from schemas.frame import FrameColumns, encode_frame
from tests.support.twin.log import Record

SECOND: Final = 10**9
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
NORMAL: Final = 7
SYMBOLS: Final = ("AAA", "BRK.B", "ZZZ", "BTC-USD", "ETH/USDT", "X-1")
TAGS: Final = ("tech", "sp500", "etf", "x:1")
SOURCES: Final = ("a", "b", "c")
FLAGS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 15, 23, 31)
BAD: Final[tuple[dict[str, Any], ...]] = (
    {"price": 0},
    {"price": -1.5},
    {"size": 0},
    {"price": 1.00000000001},
    {"size": 0.000000001},
    {"price": 1e300},
    {"price": 9e14, "size": 9e14},
    {"ts": 5},
    {"ts": 42 * 10**17},
    {"flags": 32},
    {"flags": -1},
    {"symbol": "no good"},
    {"symbol": "A" * 33},
    {"symbol": ""},
    {"kind": "nonsense"},
    {"kind": "quote"},
    {"kind": "daily"},
    {"kind": "reference"},
    {"kind": "reference", "market": "moon", "float": 7},
    {"kind": "reference", "float": 0},
    {"kind": "reference", "short_ratio": -1},
    {"kind": "reference", "shares_outstanding": 2e15},
    {"kind": "reference", "float": True},
    {"kind": "reference", "earnings": 5},
    {"kind": "reference", "tags": [f"t{number}" for number in range(9)]},
    {"kind": "reference", "tags": ["tech", "no good"]},
    {"kind": "reference", "tags": [7]},
    {"kind": "reference", "tags": "tech"},
    {"kind": "reference", "short_ratio": 1, "clear": ["price"]},
    {"price": "1"},
)
BROKEN: Final = (b"", b"{", b"[1]", b'{"symbol":1}', b"\xf7frame", b'{"hb":1,"source":"a"}', b"{}", b'{"x":NaN}')


def new_york(text: str) -> int:
    """A local time of New York in ns."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()) * SECOND


# Shortly before something happens: session edges, half days, weekends, changes of the clocks, the UTC midnight.
MOMENTS: Final = tuple(
    sorted(
        new_york(text)
        for text in (
            "2025-10-31T15:58:30",
            "2025-10-31T19:58:30",
            "2025-11-01T12:00:00",
            "2025-11-03T03:58:30",
            "2025-11-03T09:28:00",
            "2025-11-26T15:57:00",
            "2025-11-26T18:58:30",
            "2025-11-27T10:00:00",
            "2025-11-28T09:28:30",
            "2025-11-28T12:58:30",
            "2025-11-28T19:58:30",
            "2025-12-01T09:29:00",
            "2025-12-01T18:59:00",
            "2025-12-01T23:00:00",
            "2025-12-02T09:45:00",
        )
    )
)


@dataclass
class Walk:
    """A symbol's price in units of its smallest step."""

    name: str
    units: int
    decimals: int
    size_decimals: int
    market_volume: int
    trades: list[dict[str, Any]] = field(default_factory=list)


class Market:
    """Makes the records. `rule_sets`: hashes that the log may switch to, the first at its start."""

    def __init__(
        self, seed: int, rule_sets: Sequence[str] = (), pace: float = 1.0, reference_share: float = 0.02
    ) -> None:
        """`pace` scales the time between records: 1 gives a few a second, 60 a few a minute. `reference_share`: of the
        records that say what is supplied."""
        self._reference_share = reference_share
        self.random = random.Random(seed)
        self._rule_sets, self._pace = rule_sets, pace
        self._now = self.random.choice(MOMENTS)
        self._seq = self._ids = self._offset = 0
        self._tells_append_time = self.random.random() < 0.5
        names = self.random.sample(SYMBOLS, self.random.randint(1, len(SYMBOLS)))
        self._walks = [self._walk(name) for name in names]
        self._sources = list(SOURCES[: self.random.randint(1, 3)])
        self._tidiness = self.random.choice((0.5, 0.9, 0.99))

    def _walk(self, name: str) -> Walk:
        kind = self.random.random()
        if kind < 0.1:
            return Walk(name, 5, 9, 0, 10**6)
        if kind < 0.2:
            return Walk(name, 10**11, 2, 0, 100)
        return Walk(name, self.random.randint(500, 50_000), self.random.choice((0, 2, 4)), 0, 1_000)

    def records(self, count: int) -> list[Record]:
        """That many records, one or a few trades each."""
        made: list[Record] = []
        if self._rule_sets:
            made.append(self._switch(self._rule_sets[0]))
        if self.random.random() < 0.5:
            for walk in self._walks:
                made += [self._daily(walk, days) for days in range(self.random.randint(0, 40), 0, -1)]
                made.append(self._reference(walk))
        while len(made) < count:
            self._pass_time()
            made.append(self._record())
        return made

    def _pass_time(self) -> None:
        kind = self.random.random()
        step = self.random.expovariate(1 / (2 * SECOND * self._pace))
        if kind < 0.02:
            step = self.random.choice((MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR))
        elif kind < 0.025:
            later = [moment for moment in MOMENTS if moment > self._now]
            step = later[0] - self._now if later else DAY
        self._now += int(step)

    def _put(self, value: bytes | None) -> Record:
        self._offset += self.random.choice((1, 1, 1, 2, 7))
        append = self._now + self.random.randrange(SECOND) if self._tells_append_time else -1
        return Record(self._offset, value, append)

    def _record(self) -> Record:
        makers: tuple[tuple[float, Callable[[], Record]], ...] = (
            (0.12, self._heartbeat),
            (0.02, lambda: self._put(self.random.choice(BROKEN))),
            (0.005 if self._rule_sets else 0.0, lambda: self._switch(self.random.choice(self._rule_sets))),
            (0.01, self._status),
            (self._reference_share, lambda: self._reference(self.random.choice(self._walks))),
            (0.005, lambda: self._daily(self.random.choice(self._walks), self.random.randint(0, 5))),
            (0.02, lambda: self._put(msgspec.json.encode(self._tick() | self.random.choice(BAD)))),
            (0.13, lambda: self._put(frame([self._tick() for _ in range(self.random.randint(0, 12))]))),
            (0.7, lambda: self._put(msgspec.json.encode(self._tick()))),
        )
        chosen: Callable[[], Record] = self.random.choices([m for _, m in makers], [w for w, _ in makers])[0]
        return chosen()

    def _heartbeat(self) -> Record:
        source = self.random.choice(self._sources)
        if self.random.random() < 0.05:
            return self._put(encode_source_end(source))
        delay = self.random.choice((0, SECOND, 2 * SECOND, 90 * SECOND))
        return self._put(encode_heartbeat(source, self._now - delay))

    def _status(self) -> Record:
        record = {"symbol": self.random.choice(self._walks).name, "ts": self._ts(), "kind": "status"}
        status = self.random.choice(("halted", "resumed", "resumed", "asleep", None))
        return self._put(msgspec.json.encode(record | {"status": status}))

    def _switch(self, name: str) -> Record:
        self._seq += self.random.choice((0, 1, 1, 3)) if self._seq else 1
        return self._put(encode_rule_set_switch(name, self._seq))

    def _daily(self, walk: Walk, days: int) -> Record:
        close = walk.units / 10**walk.decimals
        figures = {"open": close, "high": close * 1.25, "low": close / 2, "close": close, "volume": 1000.0 + days}
        ts = self._now - days * DAY
        return self._put(msgspec.json.encode({"symbol": walk.name, "ts": ts, "kind": "daily", **figures}))

    def _reference(self, walk: Walk) -> Record:
        """Some of what can be supplied, null and what is to be forgotten among it."""
        chance = self.random
        earnings = self._now + chance.choice((-1, 0, 1, 2, 3, 40)) * DAY + chance.randrange(DAY)
        known: dict[str, Any] = {
            "float": chance.randint(1, 10**8),
            "shares_outstanding": chance.choice((None, 1e8 * chance.random() + 1)),
            "short_interest_pct": chance.choice((0, 12.5, None)),
            "institutional_ownership_pct": 100 * chance.random(),
            "short_ratio": chance.choice((0.0, 3, 4.5)),
            "earnings": chance.choice((earnings, earnings, None)),
            "tags": chance.choices(TAGS, k=chance.randint(0, 3)),
        }
        some = chance.sample(sorted(known), chance.randint(1, len(known)))
        record = {"symbol": walk.name, "ts": self._ts(), "kind": "reference", **{name: known[name] for name in some}}
        cleared = chance.sample(sorted(known), chance.randint(0, 2))
        return self._put(msgspec.json.encode(record | ({"clear": cleared} if cleared else {})))

    def _tick(self) -> dict[str, Any]:
        walk = self.random.choice(self._walks)
        again = walk.trades and self.random.random() < 0.04
        if again:
            return dict(self.random.choice(walk.trades[-40:]))
        if self.random.random() < 0.01 and walk.decimals < 9 and walk.units < 10**9:
            walk.decimals += 1
            walk.units *= 10
        if self.random.random() < 0.01 and walk.size_decimals < 3:
            walk.size_decimals += 1
        walk.units = max(1, walk.units + round(self.random.gauss(0, max(1, walk.units / 500))))
        tick: dict[str, Any] = {
            "symbol": walk.name,
            "ts": self._ts(),
            "price": walk.units / 10**walk.decimals,
            "size": self.random.randint(1, walk.market_volume * 10**walk.size_decimals) / 10**walk.size_decimals,
        }
        tick |= self._extras()
        walk.trades.append(tick)
        return tick

    def _extras(self) -> dict[str, Any]:
        extras: dict[str, Any] = {}
        if self.random.random() < 0.4:
            self._ids += 1
            extras["id"] = self.random.choice((self._ids, f"trade-number-{self._ids}"))
            if self.random.random() < 0.5:
                extras["exchange"] = self.random.choice("QNP")
        if self.random.random() > self._tidiness:
            extras["flags"] = self.random.choice(FLAGS)
        return extras

    def _ts(self) -> int:
        if self.random.random() < self._tidiness:
            return self._now - self.random.choice((0, 0, 0, SECOND, self.random.randrange(SECOND)))
        back = self.random.choice((5 * SECOND, 20 * SECOND, MINUTE, 80 * SECOND, HOUR, DAY, -50 * SECOND, -70 * SECOND))
        return self._now - back - self.random.randrange(5 * SECOND)


def frame(ticks: Sequence[dict[str, Any]]) -> bytes:
    """The ticks as one frame, ids included."""
    names = sorted({tick["symbol"] for tick in ticks})
    high, low = trade_keys([tick.get("exchange") for tick in ticks], [tick.get("id") for tick in ticks])
    columns = FrameColumns(
        symbol=np.array([names.index(tick["symbol"]) for tick in ticks], np.uint16),
        ts=np.array([tick["ts"] for tick in ticks], np.int64),
        price=np.array([tick["price"] for tick in ticks], np.float64),
        size=np.array([tick["size"] for tick in ticks], np.float64),
        flags=np.array([tick.get("flags", NORMAL) for tick in ticks], np.uint8),
        ts_recv=np.zeros(len(ticks), np.int64),
        id_high=high,
        id_low=low,
    )
    return encode_frame(names, columns)


def values_of(records: Iterable[Record]) -> list[bytes | None]:
    """The bytes alone."""
    return [record.value for record in records]
