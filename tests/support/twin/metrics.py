"""Every metric as section 6 words it, computed anew for the row at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.support.twin import extremes, indicators, market
from tests.support.twin.bars import Build, Figures, figures, joined
from tests.support.twin.day import Row
from tests.support.twin.sessions import MINUTE_NS
from tests.support.twin.symbol import Symbol

Number = float | None

WITHOUT_TIMEFRAME = (
    "change",
    "change_pct",
    "volume_last",
    "dollar_volume_last",
    "trades_last",
    "range_last",
    "range_pct_last",
    "position_in_range",
    "rolling_vwap",
    "avg_volume_day",
    "range_days",
    "range_pct_days",
    "biggest_range_pct",
    "opening_range_high",
    "opening_range_low",
)
"""Metrics that are on no timeframe: their durations are none."""


@dataclass(frozen=True)
class Call:
    """A metric with its arguments as canonical text has them, such as `ema`, (`20`, `5m`)."""

    text: str
    name: str
    arguments: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Of the first argument, a duration: `s`, `m` or `d`."""
        return self.arguments[0][-1].replace("h", "m")

    @property
    def length(self) -> int:
        """The first argument in that unit."""
        length = self.arguments[0]
        return int(length[:-1]) * (60 if length[-1] == "h" else 1)


def value(symbol: Symbol, row: Row, call: Call) -> Number:
    """The metric at this row, None where it has no value."""
    of_day = DAY.get(call.name)
    if of_day is not None:
        return of_day(symbol)
    of_market = market.MARKET.get(call.name)
    if of_market is not None:
        return of_market(symbol, row)
    if call.name in LONG or (call.name in OF_LENGTHS and call.unit != "m"):
        return _long(symbol, row, call)
    of_minutes = MINUTES.get(call.name)
    if of_minutes is not None:
        return None if row.at.session == "closed" else of_minutes(symbol, row, call.length)
    return _of_bars(symbol, row, call)


def running(symbol: Symbol, row: Row, timeframe: str) -> Figures | None:
    """The running bar, if it is present."""
    if timeframe not in row.running:
        row.running[timeframe] = _running(symbol, timeframe)
    return row.running[timeframe]


def bar0_start(symbol: Symbol, row: Row, timeframe: str) -> int | None:
    """Start of the running bar, if it is present, or else of the newest closed one."""
    bars = [*symbol.closed[timeframe][-1:], running(symbol, row, timeframe)]
    return next((bar.start for bar in reversed(bars) if bar is not None), None)


def _running(symbol: Symbol, timeframe: str) -> Figures | None:
    if timeframe == "1d":
        return symbol.day_bar()
    minute = symbol.minute if symbol.minute is not None and symbol.minute.open is not None else None
    build: Build | None = minute
    if timeframe != "1m":
        build = symbol.rolls.get(timeframe)
        if minute is not None:
            build = joined(build, minute, *symbol.bounds(timeframe, minute.start))
    return None if build is None else figures(build, symbol.size_scale)


# --- of the day --------------------------------------------------------------------------------------------------


def _difference(price: Number, reference: Number) -> Number:
    return None if price is None or reference is None else price - reference


def _percent(price: Number, reference: Number) -> Number:
    return None if price is None or reference is None else 100.0 * (price / reference - 1.0)


CHANGES = {"change": _difference, "change_pct": _percent}


OF_LENGTHS = (*CHANGES, "position_in_range")
LONG = {
    "avg_volume_day",
    "relative_range_pct",
    "opening_range_high",
    "opening_range_low",
    *(extremes.EXTREMES.keys() - {"position_in_range"}),
}


def _long(symbol: Symbol, row: Row, call: Call) -> Number:
    """What remembers more than the last bars."""
    if call.name in CHANGES:
        days = call.unit == "d"
        then = market.close_days_ago if days else market.price_seconds_ago
        return CHANGES[call.name](symbol.price, then(symbol, row, call.length, symbol.begun[call.text]))
    if call.name in extremes.EXTREMES:
        return extremes.EXTREMES[call.name](symbol, row, call, lambda timeframe: running(symbol, row, timeframe))
    if call.name == "avg_volume_day":
        return market.mean_of_days(symbol, call.length)
    if call.name == "relative_range_pct":
        range_today = market.MARKET["range_today"](symbol, row)
        usual = symbol.recursions[call.text].at(symbol.closed["1d"], None)
        return market.share(None if range_today is None else 100.0 * range_today, usual)
    extreme = call.name.removeprefix("opening_range_")
    return market.opening_range(symbol, row, call.length, extreme, symbol.begun[call.text])


def _vwap(symbol: Symbol) -> Number:
    return symbol.session_sums.vwap(symbol.price_scale, symbol.size_scale)


DAY: dict[str, Callable[[Symbol], Number]] = {
    "price": lambda s: s.price,
    "day_open": lambda s: s.day.open,
    "day_high": lambda s: s.day.high,
    "day_low": lambda s: s.day.low,
    "prior_close": lambda s: s.prior_close,
    "change_from_open": lambda s: _difference(s.price, s.day.open),
    "change_from_open_pct": lambda s: _percent(s.price, s.day.open),
    "change_from_close": lambda s: _difference(s.price, s.prior_close),
    "change_from_close_pct": lambda s: _percent(s.price, s.prior_close),
    "volume_day": lambda s: s.volume_day(),
    "vwap": _vwap,
    "vwap_dist": lambda s: _difference(s.price, _vwap(s)),
    "vwap_dist_pct": lambda s: _percent(s.price, _vwap(s)),
}


# --- over minutes ------------------------------------------------------------------------------------------------


def _reference(symbol: Symbol, row: Row, minutes: int) -> Number:
    newest = row.t - row.t % MINUTE_NS - minutes * MINUTE_NS
    starts = [bar for bar in symbol.closed["1m"] if symbol.day.start <= bar.start <= newest]
    return starts[-1].close if starts else None


def _window(symbol: Symbol, row: Row, minutes: int) -> list[Figures]:
    minute = row.t - row.t % MINUTE_NS
    oldest = max(symbol.day.start, minute - (minutes - 1) * MINUTE_NS)
    bars = [bar for bar in symbol.closed["1m"] if oldest <= bar.start <= minute]
    now = running(symbol, row, "1m")
    return bars if now is None else [*bars, now]


def _volume_last(symbol: Symbol, row: Row, minutes: int) -> Number:
    return _sum([bar.volume for bar in _window(symbol, row, minutes)])


def _dollars_last(symbol: Symbol, row: Row, minutes: int) -> float:
    return _sum([((bar.high + bar.low) + bar.close) / 3.0 * bar.volume for bar in _window(symbol, row, minutes)])


def _rolling_vwap(symbol: Symbol, row: Row, minutes: int) -> Number:
    volume = _sum([bar.volume for bar in _window(symbol, row, minutes)])
    return _dollars_last(symbol, row, minutes) / volume if volume else None


def _extremes(symbol: Symbol, row: Row, minutes: int) -> tuple[float, float] | None:
    bars = _window(symbol, row, minutes)
    return (max(bar.high for bar in bars), min(bar.low for bar in bars)) if bars else None


def _range(symbol: Symbol, row: Row, minutes: int, percent: bool) -> Number:
    found = _extremes(symbol, row, minutes)
    if found is None:
        return None
    high, low = found
    return 100.0 * (high - low) / low if percent else high - low


def _position(symbol: Symbol, row: Row, minutes: int) -> Number:
    found = _extremes(symbol, row, minutes)
    if found is None or symbol.price is None:
        return None
    return market.share(100.0 * (symbol.price - found[1]), found[0] - found[1])


MINUTES: dict[str, Callable[[Symbol, Row, int], Number]] = {
    "change": lambda s, row, n: _difference(s.price, _reference(s, row, n)),
    "change_pct": lambda s, row, n: _percent(s.price, _reference(s, row, n)),
    "volume_last": _volume_last,
    "rolling_vwap": _rolling_vwap,
    "trades_last": lambda s, row, n: _sum([bar.trades for bar in _window(s, row, n)]),
    "dollar_volume_last": _dollars_last,
    "range_last": lambda s, row, n: _range(s, row, n, percent=False),
    "range_pct_last": lambda s, row, n: _range(s, row, n, percent=True),
    "position_in_range": _position,
}


# --- over bars ---------------------------------------------------------------------------------------------------


def _of_bars(symbol: Symbol, row: Row, call: Call) -> Number:
    timeframe = call.arguments[-1]
    closed, now = symbol.closed[timeframe], running(symbol, row, timeframe)
    if call.name == "avg_volume":
        return _mean([bar.volume for bar in closed], int(call.arguments[0]))
    if call.text in symbol.recursions:
        return symbol.recursions[call.text].at(closed, now)
    if now is None and not closed:
        return None
    bar0 = now or closed[-1]
    before = closed if now is not None else closed[:-1]
    name = {"highest": "donchian_upper", "lowest": "donchian_lower"}.get(call.name, call.name)
    if name in indicators.WINDOWS:
        return indicators.WINDOWS[name]((*before, bar0), call.arguments)
    if call.name == "relative_volume":
        return _relative_volume(before, bar0, now is not None, row.t)
    return float(getattr(bar0, call.name))


def _sum(numbers: Sequence[float]) -> float:
    """One after the other: the built-in `sum` of floats compensates its rounding from Python 3.12 on."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def _mean(numbers: Sequence[float], count: int) -> Number:
    return _sum(numbers[-count:]) / count if len(numbers) >= count else None


def _relative_volume(before: Sequence[Figures], bar0: Figures, is_running: bool, t: int) -> Number:
    mean = _mean([bar.volume for bar in before], 10)
    if not mean:
        return None
    share = 1.0
    if is_running:
        length = float(bar0.end - bar0.start)
        share = length / max(float(t + 1 - bar0.start), length / 6.0)
    return 100.0 * share * bar0.volume / mean


@dataclass(frozen=True)
class Averages:
    """Wilder's averages after a bar; None before there are any."""

    gain: float
    loss: float


def recursion(call: Call, first: int) -> Recursion | indicators.Whole | None:
    """What goes from bar to bar, from the bar `first` on; None for other metrics."""
    if call.name == "relative_range_pct":
        return indicators.Whole("atr", ("14", "1d"), first)
    if call.name in indicators.GOING_ON:
        return indicators.Whole(call.name, call.arguments, first)
    return Recursion(call, first) if call.name in ("ema", "rsi") else None


class Recursion:
    """An ema or rsi over closed bars: what it was after each of them, from a first one on."""

    def __init__(self, call: Call, first: int) -> None:
        self.n, self._first = int(call.arguments[0]), first
        self._step = self._ema if call.name == "ema" else self._rsi
        self._known: list[tuple[Figures, float | Averages | None]] = []

    def at(self, closed: Sequence[Figures], now: Figures | None) -> Number:
        """At the running bar, or without one at the newest closed bar."""
        bars = list(closed[self._first :])
        while self._known and self._known[-1][0] is not bars[len(self._known) - 1]:
            self._known.pop()
        while len(self._known) < len(bars):
            self._known.append((bars[len(self._known)], self._after(bars[: len(self._known) + 1])))
        state = self._known[-1][1] if self._known else None
        if now is not None:
            state = self._after([*bars, now])
        if not isinstance(state, Averages):
            return state
        total = state.gain + state.loss
        return 100.0 * state.gain / total if total else None

    def _after(self, bars: Sequence[Figures]) -> float | Averages | None:
        """After the last of `bars`, the ones before it being known."""
        return self._step([bar.close for bar in bars], self._known[len(bars) - 2][1] if len(bars) > 1 else None)

    def _ema(self, closes: Sequence[float], before: float | Averages | None) -> Number:
        if len(closes) <= self.n:
            return _mean(closes, self.n)
        assert isinstance(before, float)
        return before + (closes[-1] - before) * (2.0 / (self.n + 1))

    def _rsi(self, closes: Sequence[float], before: float | Averages | None) -> Averages | None:
        n = self.n
        moves = [after - close for close, after in zip(closes[-n - 1 :], closes[-n:], strict=False)]
        if len(closes) <= n:
            return None
        gains, losses = [max(move, 0.0) for move in moves], [max(-move, 0.0) for move in moves]
        if len(closes) == n + 1:
            return Averages(_sum(gains) / n, _sum(losses) / n)
        assert isinstance(before, Averages)
        return Averages((before.gain * (n - 1) + gains[-1]) / n, (before.loss * (n - 1) + losses[-1]) / n)
