"""Random markets for tests, from a seed: logs of records with everything that the engine must cope with."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.rules.seed import rule_set
from schemas.control import encode_heartbeat, encode_rule_set_switch, encode_source_end
from schemas.rule import RuleBody, RuleEntry, SeedCondition, SeedRule, rule_set_hash
from tests.support.twin import Record

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS

# 7 October 2013, New York: before the open, over the open, late in the day over 20:00; a half day; over a weekend.
STARTS = tuple(
    int(datetime(*at, tzinfo=UTC).timestamp()) * SECOND_NS
    for at in (
        (2013, 10, 7, 13, 10),
        (2013, 10, 7, 14, 0),
        (2013, 10, 7, 19, 45),
        (2013, 10, 7, 23, 40),
        (2013, 11, 29, 17, 30),
        (2013, 10, 4, 23, 50),
        (2013, 10, 8, 7, 50),
    )
)
METRICS = (
    ("price", 100.0),
    ("rsi(3)", 60.0),
    ("rsi(14, 1m)", 50.0),
    ("sma(5)", 100.0),
    ("sma(2, 5m)", 100.0),
    ("ema(4, 1m)", 100.0),
    ("ema(2, 15m)", 100.0),
    ("vwap", 100.0),
    ("vwap_dist_pct", 0.0),
    ("volume_last(3m)", 500.0),
    ("rolling_vwap(5m)", 100.0),
    ("change_pct(2m)", 0.0),
    ("change(5m)", 0.0),
    ("relative_volume(1m)", 80.0),
    ("avg_volume(3, 1m)", 150.0),
    ("volume(5m)", 800.0),
    ("high(15m)", 100.0),
    ("low(1h)", 100.0),
    ("close(1d)", 100.0),
    ("volume(1d)", 3000.0),
    ("trades(1m)", 3.0),
    ("day_high", 100.0),
    ("day_open", 100.0),
    ("prior_close", 90.0),
    ("change_from_open_pct", 0.0),
    ("change_from_close", 0.0),
    ("volume_day", 1000.0),
)


@dataclass
class Market:
    """A log and the rule sets that it switches to, by hash."""

    records: list[Record] = field(default_factory=list)
    sets: dict[str, tuple[list[RuleEntry], dict[str, RuleBody]]] = field(default_factory=dict)


def make_market(seed: int, length: int = 1_500, symbols: Sequence[str] = ("AAA", "BB", "ZED", "ETH-USD")) -> Market:
    """Some hours or days of a few symbols. The same seed gives the same market."""
    return _Maker(random.Random(seed), symbols).make(length)


class _Maker:
    def __init__(self, rng: random.Random, symbols: Sequence[str]) -> None:
        self._rng, self._market = rng, Market()
        self._symbols = list(symbols)
        self._price = {name: rng.choice((100.0, 100.0, 12.5, 0.0345, 67_000.0)) for name in symbols}
        self._decimals = {name: rng.choice((2, 2, 4)) for name in symbols}
        self._ts = rng.choice(STARTS) + rng.randrange(60) * SECOND_NS
        self._ids: list[tuple[str, int]] = []
        self._sources = ["feed", "other"][: rng.choice((1, 1, 2))]

    def make(self, length: int) -> Market:
        rng = self._rng
        self._switch(1)
        for name in self._symbols:
            if rng.random() < 0.3:
                self._daily(name)
        while len(self._market.records) < length:
            self._pass_time()
            kind = rng.random()
            if kind < 0.90:
                self._trade(rng.choice(self._symbols))
            elif kind < 0.97:
                self._heartbeat()
            elif kind < 0.98:
                self._bad()
            elif kind < 0.985:
                self._switch(len(self._market.sets) + rng.choice((0, 1)))
            elif kind < 0.99:
                self._put(encode_source_end("other"))
            else:
                self._other()
        return self._market

    def _put(self, value: bytes) -> None:
        records = self._market.records
        records.append(Record(len(records), value, self._ts + self._rng.randrange(SECOND_NS)))

    def _pass_time(self) -> None:
        rng = self._rng
        step = rng.choices(
            (0, rng.randrange(SECOND_NS), rng.randrange(20 * SECOND_NS), 5 * MINUTE_NS, 9 * 60 * MINUTE_NS),
            (20, 50, 28, 1.8, 0.2),
        )[0]
        self._ts += int(step)

    def _trade(self, name: str) -> None:
        rng = self._rng
        self._price[name] *= 1 + rng.gauss(0, 0.001)
        decimals = self._decimals[name] if rng.random() < 0.995 else rng.choice((5, 6))
        price = max(round(self._price[name], decimals), 10.0**-decimals)
        size: float = rng.choice((1, 100, 100, 200, 37, 1000))
        if name.endswith("USD") or rng.random() < 0.01:
            size = round(rng.random() * 10 + 0.001, rng.choice((1, 3, 8)))
        ts = self._ts
        if rng.random() < 0.1:
            ts -= rng.choice((rng.randrange(SECOND_NS), rng.randrange(40 * SECOND_NS), rng.randrange(200 * SECOND_NS)))
        tick = {"symbol": name, "ts": ts, "price": price, "size": size}
        if rng.random() < 0.15:
            tick["flags"] = rng.choice((0, 1, 2, 4, 5, 6, 7, 15, 23, 31))
        if rng.random() < 0.5:
            tick |= self._identity()
        self._put(json.dumps(tick, separators=(",", ":")).encode())

    def _identity(self) -> dict[str, str | int]:
        rng = self._rng
        if self._ids and rng.random() < 0.1:
            exchange, number = rng.choice(self._ids[-60:])
        else:
            exchange, number = rng.choice(("Q", "N", "")), rng.randrange(10**9)
            self._ids.append((exchange, number))
        identity: dict[str, str | int] = {"id": number if rng.random() < 0.8 else f"a-rather-long-identity-{number}"}
        return identity | ({"exchange": exchange} if exchange else {})

    def _heartbeat(self) -> None:
        rng = self._rng
        source = rng.choice(self._sources)
        behind = rng.choice((0, 0, SECOND_NS, 10 * SECOND_NS, 100 * SECOND_NS if source == "other" else 0))
        self._put(encode_heartbeat(source, self._ts - behind))

    def _bad(self) -> None:
        name = self._rng.choice(self._symbols)
        at, plain = f'"symbol":"{name}","ts":{self._ts}', '"price":1,"size":1'
        bad = (
            "{",
            "",
            "[]",
            f'{{"symbol":"A B","ts":{self._ts},{plain}}}',
            f"{{{at}}}",
            f'{{{at},"price":-1,"size":1}}',
            f'{{{at},"price":1,"size":0}}',
            f'{{{at},"price":1e300,"size":1}}',
            f'{{{at},"price":0.12345678901,"size":1}}',
            f'{{"symbol":"{name}","ts":12,{plain}}}',
            f'{{"symbol":"{name}","ts":{self._ts + 3600 * SECOND_NS},{plain}}}',
            f'{{{at},{plain},"flags":77}}',
            f'{{{at},"kind":"unheard of"}}',
        )
        self._put(self._rng.choice(bad).encode())

    def _daily(self, name: str) -> None:
        ts = self._ts - 3 * 86_400 * SECOND_NS
        for _ in range(3):
            o, c = (round(self._price[name] * self._rng.uniform(0.9, 1.1), 2) + 0.01 for _ in range(2))
            bar = {"open": o, "high": max(o, c) + 0.5, "low": min(o, c) * 0.99, "close": c, "volume": 12_345.0}
            self._put(json.dumps({"kind": "daily", "symbol": name, "ts": ts} | bar).encode())
            ts += 86_400 * SECOND_NS

    def _other(self) -> None:
        name = self._rng.choice(self._symbols)
        self._put(json.dumps({"kind": "quote", "symbol": name, "ts": self._ts, "price": 1, "size": 1}).encode())

    def _switch(self, seq: int) -> None:
        entries, bodies = rule_set(self._rules())
        name = rule_set_hash(entries)
        self._market.sets[name] = (entries, bodies)
        self._put(encode_rule_set_switch(name, seq))

    def _rules(self) -> list[SeedRule]:
        rng = self._rng
        made = []
        for number in range(rng.randrange(3, 9)):
            conditions = [
                SeedCondition(metric=metric, operator=rng.choice((">", "<", ">=", "<=", "!=")), value=bound)
                for metric, bound in rng.sample(METRICS, rng.choice((1, 1, 2)))
            ]
            cooldown = rng.choice((0.0, 1.0, 10.0, 120.0))
            made.append(SeedRule(id=f"r{number}", conditions=conditions, cooldown=cooldown))
        return made


def split(rng: random.Random, records: Sequence[Record], most: int) -> Iterator[Sequence[Record]]:
    """Batches of random lengths."""
    start = 0
    while start < len(records):
        end = start + rng.randrange(1, most)
        yield records[start:end]
        start = end
