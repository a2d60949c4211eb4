"""One symbol scanned the plain way, one tick after the other: the logic of the idiomatic Faust job. It knows just what
the benchmark's log holds: one regular session, trades in order, the twelve metrics of its rules."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any, Final

MINUTE_NS: Final = 60_000_000_000
METRICS: Final = (
    "price",
    "high",
    "low",
    "volume",
    "change_pct(1m)",
    "change_pct(5m)",
    "volume_last(5m)",
    "sma(10)",
    "ema(10)",
    "rsi(7)",
    "vwap_dist_pct",
    "change_from_open_pct",
)
ROLL_UPS: Final = (2, 5, 10, 15)
"""Minutes of the roll-ups that close within the log; their closes are rows too."""

Fire = tuple[str, int, float]
"""Rule, time of the row, price."""
Rule = tuple[str, Callable[[Sequence[float]], bool], int]


def compile_rules(documents: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Id, a function of the metrics in order, and cooldown in ns, of each rule."""
    rules = []
    for rule in documents:
        terms = [f"f[{METRICS.index(c['metric'])}] {c['operator']} {c['value']!r}" for c in rule["conditions"]]
        rules.append((rule["id"], eval("lambda f: " + " and ".join(terms)), rule["cooldown"] * 10**9))
    return rules


class Symbol:
    """What is remembered of a symbol."""

    __slots__ = (
        "average", "bars", "bars_closed", "day_open", "ema", "ends", "fired", "high", "last_close", "low", "minute",
        "notional", "opened", "price", "reference", "rules", "second", "shares", "sum9", "volume", "volume4",
    )  # fmt: skip

    def __init__(self, rules: Sequence[Rule]) -> None:
        """No trade yet."""
        self.rules = rules
        self.fired: dict[str, int] = {}
        self.minute = self.second = -1
        self.opened = self.high = self.low = self.price = self.day_open = nan
        self.volume = self.notional = self.shares = 0.0
        self.bars: deque[tuple[int, float, float, float, float]] = deque(maxlen=16)
        self.bars_closed = 0
        self.last_close = self.ema = nan
        self.average = (0.0, 0.0)
        self.ends: dict[int, int] = {}
        self.reference = (nan, nan)
        self.volume4 = 0.0
        self.sum9 = nan

    def trade(self, ts: int, price: float, size: float) -> list[Fire]:
        """Take in a trade: what fires, at the closes before it and on it."""
        minute = ts // MINUTE_NS
        fires = self.close_through(minute)
        if self.minute != minute:
            self._begin(minute, price)
        self.high, self.low, self.price = max(self.high, price), min(self.low, price), price
        self.volume += size
        self.notional += price * size
        self.shares += size
        fires += self._evaluate(ts, self._figures(self.high, self.low, self.volume))
        return fires

    def close_through(self, minute: int) -> list[Fire]:
        """Close what ends by then: what fires just before."""
        fires: list[Fire] = []
        if 0 <= self.minute < minute:
            end = self.minute + 1
            fires += self._evaluate(end * MINUTE_NS - 1, self._figures(self.high, self.low, self.volume))
            self._close()
        for length, end in sorted(self.ends.items(), key=lambda bar: (bar[1], bar[0])):
            if end <= minute:
                self._look_back(end - 1)
                fires += self._evaluate(end * MINUTE_NS - 1, self._figures_between())
                del self.ends[length]
        return fires

    def snapshot(self) -> list[Any]:
        """What a table would keep."""
        bar = (self.minute, self.opened, self.high, self.low, self.price, self.volume)
        return [bar, self.day_open, self.notional, self.shares, self.ema, self.average, list(self.bars)]

    def _begin(self, minute: int, price: float) -> None:
        self.minute = minute
        self.opened = self.high = self.low = price
        self.volume = 0.0
        if self.day_open != self.day_open:  # null is NaN, and math.isnan takes twice as long
            self.day_open = price
        self._look_back(minute)
        self.sum9 = sum(bar[3] for bar in list(self.bars)[-9:]) if self.bars_closed >= 9 else nan

    def _look_back(self, minute: int) -> None:
        """References and volumes as seen from that minute."""
        references = [nan, nan]
        self.volume4 = 0.0
        for bar in self.bars:
            for place, minutes in enumerate((1, 5)):
                if bar[0] <= minute - minutes:
                    references[place] = bar[3]
            if bar[0] > minute - 5:
                self.volume4 += bar[4]
        self.reference = (references[0], references[1])

    def _figures(self, high: float, low: float, volume: float) -> list[float]:
        """With a running bar."""
        price, (one, five), vwap = self.price, self.reference, self.notional / self.shares
        average = (self.sum9 + price) / 10
        ema = self.ema + (price - self.ema) * (2 / 11) if self.bars_closed > 9 else average
        gain, loss = self._averages(price)
        return [
            price,
            high,
            low,
            volume,
            100 * (price / one - 1),
            100 * (price / five - 1),
            self.volume4 + volume,
            average,
            ema,
            100 * gain / (gain + loss) if gain + loss else nan,
            100 * (price / vwap - 1),
            100 * (price / self.day_open - 1),
        ]

    def _figures_between(self) -> list[float]:
        """Without a running bar: bar 0 is the newest closed one."""
        figures = self._figures(*self.bars[-1][1:3], self.bars[-1][4])
        closes = [bar[3] for bar in self.bars]
        gain, loss = self.average
        figures[6] = self.volume4
        figures[7] = sum(closes[-10:]) / 10 if self.bars_closed >= 10 else nan
        figures[8] = self.ema
        figures[9] = 100 * gain / (gain + loss) if self.bars_closed > 7 and gain + loss else nan
        return figures

    def _averages(self, close: float) -> tuple[float, float]:
        """Wilder's averages over seven changes, were the running bar to close there; null before."""
        if self.bars_closed < 7:
            return nan, nan
        gain, loss = self._added(close)
        return gain / 7, loss / 7

    def _added(self, close: float) -> tuple[float, float]:
        change = close - self.last_close
        gain, loss = max(change, 0.0), max(-change, 0.0)
        before = 6 if self.bars_closed > 7 else 1
        return self.average[0] * before + gain, self.average[1] * before + loss

    def _close(self) -> None:
        """The running minute becomes the newest closed bar."""
        close = self.price
        if self.bars_closed:
            gain, loss = self._added(close)
            self.average = (gain / 7, loss / 7) if self.bars_closed >= 7 else (gain, loss)
        if self.bars_closed >= 9:
            self.ema = self._figures(self.high, self.low, self.volume)[8]
        self.bars.append((self.minute, self.high, self.low, close, self.volume))
        self.bars_closed += 1
        self.last_close = close
        for length in ROLL_UPS:
            self.ends.setdefault(length, self.minute - self.minute % length + length)
        self.minute = -1

    def _evaluate(self, ts: int, figures: list[float]) -> list[Fire]:
        fires = []
        for name, holds, cooldown_ns in self.rules:
            if holds(figures) and ts - self.fired.get(name, -cooldown_ns) >= cooldown_ns:
                self.fired[name] = ts
                fires.append((name, ts, self.price))
        return fires
