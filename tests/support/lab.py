"""A partition on the bench: a few records in, and bars, metrics and alerts out in a form that a test can compare."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

import msgspec

from engine.firing import Fired
from engine.partition import DEFAULT_CONFIG, EngineConfig, Partition
from engine.result import StepResult
from infra.calendars import load_calendars
from schemas.bar import Bar
from schemas.batch import Chunk, Rejected
from schemas.control import encode_heartbeat, encode_rule_set_switch
from schemas.decode import decode_chunk
from schemas.rule import RuleBody
from tests.support.engine_runs import RuleSets

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SYMBOL = "A-USD"
"""Trades around the clock."""

VOLUME_ONLY = 4
ALWAYS = "-1e+300"
ROW = "row"


def utc(text: str) -> int:
    """A time of the form 2025-11-05T10:00:30.123456789 in ns."""
    whole, _, fraction = text.partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * SECOND + int(Decimal(f"0.{fraction or 0}") * SECOND)


class Lab:
    """One partition. Every record is a step of its own, but for those given to `send` together."""

    def __init__(
        self, rules: Mapping[str, RuleBody | tuple[str, int]] | None = None, config: EngineConfig = DEFAULT_CONFIG
    ) -> None:
        """`rules`: bodies, or expression and cooldown in ns, by id, in force from the start."""
        self.partition = Partition(0, None, load_calendars(), config)
        self.sets = RuleSets()
        self.bars: list[Bar] = []
        self.alerts: list[Fired] = []
        self.rejected: list[Rejected] = []
        self._offsets, self._seq = count(), count(1)
        if rules:
            self.switch(rules)

    def send(self, *values: bytes | Mapping[str, object], append_ts: int = -1) -> StepResult:
        """The records as one chunk."""
        encoded = [value if isinstance(value, bytes) else msgspec.json.encode(value) for value in values]
        offsets = [next(self._offsets) for _ in encoded]
        batch = decode_chunk(Chunk(offsets, encoded, [append_ts] * len(encoded)), self.partition.symbols)
        result = self.partition.step(batch, self.sets.plans)
        self.bars += result.bars
        self.alerts += result.alerts
        self.rejected += [*batch.rejected, *result.rejected]
        return result

    def trade(self, ts: int, price: float, size: float = 1, symbol: str = SYMBOL, **more: object) -> StepResult:
        """A trade."""
        return self.send({"symbol": symbol, "ts": ts, "price": price, "size": size, **more})

    def beat(self, ts: int, source: str = "test") -> StepResult:
        """A heartbeat."""
        return self.send(encode_heartbeat(source, ts))

    def switch(self, rules: Mapping[str, RuleBody | tuple[str, int]]) -> str:
        """Put these rules into force; the hash of the set."""
        key = self.sets.add(rules)
        self.send(encode_rule_set_switch(key, next(self._seq)))
        return key

    def restart(self) -> None:
        """Go on with another partition that was given all pieces of this one's state."""
        pieces = [self.partition.export_piece(key) for key in self.partition.all_pieces()]
        header, config = self.partition.header, self.partition.config
        self.partition = Partition(0, None, load_calendars(), config)
        for piece in sorted(pieces, key=lambda one: one.key.startswith("bars/")):
            self.partition.import_piece(piece)
        self.partition.begin_at(header, self.sets.plans)

    def bars_of(self, timeframe: str, symbol: str = SYMBOL) -> list[Bar]:
        """Bars as they were published."""
        return [bar for bar in self.bars if (bar.symbol, bar.timeframe) == (symbol, timeframe)]

    def fired(self, rule_id: str) -> list[int]:
        """Times of the rows on which it fired."""
        return [alert.body.ts for alert in self.alerts if alert.body.rule_id == rule_id]

    def values(self, metric: str) -> list[tuple[int, int, float]]:
        """Row time, ordinal and value wherever `metric`, watched through `watch`, was not null."""
        bodies = [alert.body for alert in self.alerts if alert.body.rule_id == metric]
        found = [(body.ts, body.ordinal, body.explanation[0].value) for body in bodies]
        return [(ts, ordinal, value) for ts, ordinal, value in found if value is not None]

    def newest(self, metric: str) -> float | None:
        """The value of a watched metric at the newest row, once there is a price; None for null."""
        row = max((alert.body.ts, alert.body.ordinal) for alert in self.alerts if alert.body.rule_id == ROW)
        return next((value for *place, value in self.values(metric) if tuple(place) == row), None)


def watch(*metrics: str) -> dict[str, tuple[str, int]]:
    """A rule for each metric that fires on every row where it is not null, and one for every row."""
    return {ROW: (f"price > {ALWAYS}", 0)} | {metric: (f"{metric} > {ALWAYS}", 0) for metric in metrics}


def ohlc(bar: Bar) -> tuple[float, float, float, float]:
    """Its prices."""
    return bar.open, bar.high, bar.low, bar.close
