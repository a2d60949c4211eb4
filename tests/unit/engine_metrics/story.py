"""A symbol's story, told trade by trade, and what a metric says at each of its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.alert import AlertBody
from schemas.bar import Bar, decode_bar
from schemas.control import encode_heartbeat, encode_rule_set_switch
from tests.support.engine_runs import RuleSets, engine_outcome
from tests.support.markets import new_york
from tests.support.twin import Record

"""A bound that no figure ever equals, so that a rule fires wherever the figure exists."""


@dataclass
class Story:
    """Records in the making; times are local ones of New York such as `2025-11-03T09:30:00`."""

    metric: str
    symbol: str = "AAA"
    records: list[bytes] = field(default_factory=list)

    def trade(self, at: str, price: float, size: float = 100.0, flags: int = 7) -> None:
        """One trade."""
        self._add({"ts": new_york(at), "price": price, "size": size, "flags": flags})

    def daily(self, at: str, o: float, high: float, low: float, close: float, volume: float = 1000.0) -> None:
        """A finished day."""
        day = {"open": o, "high": high, "low": low, "close": close, "volume": volume}
        self._add({"kind": "daily", "ts": new_york(at), **day})

    def status(self, at: str, status: str) -> None:
        """A halt or its end."""
        self._add({"kind": "status", "ts": new_york(at), "status": status})

    def reference(self, **fields: Any) -> None:
        """What is supplied; the time of the record itself says nothing."""
        self._add({"kind": "reference", "ts": new_york("2025-11-03T04:00:00"), **fields})

    def time(self, at: str) -> None:
        """A heartbeat."""
        self.records.append(encode_heartbeat("test", new_york(at)))

    def _add(self, fields: dict[str, Any]) -> None:
        self.records.append(msgspec.json.encode({"symbol": self.symbol, **fields}))

    def told(self) -> dict[str, float]:
        """The metric at the last row of each second where it exists, by New York time as given."""
        alerts, _ = self._run()
        return {str(body.ts // 10**9): value for body in alerts if (value := body.explanation[0].value) is not None}

    def at(self, at: str) -> float | None:
        """The metric at the last row within that second, None where it has no value or there is no row."""
        return self.told().get(str(new_york(at) // 10**9))

    def bars(self) -> list[Bar]:
        """What was published, in that order."""
        return self._run()[1]

    def _run(self) -> tuple[list[AlertBody], list[Bar]]:
        sets = RuleSets()
        key = sets.add({"told": (f"{self.metric} == {self.metric}", 0)})
        values = [encode_rule_set_switch(key, 1), *self.records]
        outcome = engine_outcome([Record(offset, value) for offset, value in enumerate(values)], sets)
        alerts = [msgspec.json.decode(body, type=AlertBody) for body in outcome.alerts]
        bars = [decode_bar(text) for text in outcome.bars.get(self.symbol, [])]
        return sorted(alerts, key=lambda body: (body.ts, body.ordinal)), bars
