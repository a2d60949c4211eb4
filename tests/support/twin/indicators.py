"""The indicators of section 6 a second time: over a list of bars, from the definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

from tests.support.twin.bars import Figures

Number = float | None
Bars = Sequence[Figures]
Arguments = tuple[str, ...]
RETAINED = {"1m": 256, "1d": 256}
RETAINED_OTHERWISE = 208


def add(numbers: Sequence[float]) -> float:
    """One after the other: the built-in `sum` of floats compensates its rounding from Python 3.12 on."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def _typical(bar: Figures) -> float:
    return ((bar.high + bar.low) + bar.close) / 3.0


# --- of windows: the bars up to bar 0, its place last --------------------------------------------------------------


def _wma(bars: Bars, n: int) -> Number:
    if len(bars) < n:
        return None
    weighted = [(place + 1) * bar.close for place, bar in enumerate(bars[-n:])]
    return add(weighted) / (n * (n + 1) / 2.0)


def _bands(bars: Bars, n: int, k: float) -> Number:
    if len(bars) < n:
        return None
    closes = [bar.close for bar in bars[-n:]]
    earlier, close = closes[:-1], closes[-1]
    mean = add(earlier) / len(earlier) if earlier else 0.0
    squares = add([(one - mean) * (one - mean) for one in earlier])
    squares += (close - mean) * (close - mean) * (n - 1) / n
    return add(closes) / n + k * sqrt(squares / n)


def _mean_close(bars: Bars, n: int) -> Number:
    return add([bar.close for bar in bars[-n:]]) / n if len(bars) >= n else None


def _extreme(bars: Bars, n: int, of: Callable[[Bars], float]) -> Number:
    return of(bars[-n:]) if len(bars) >= n else None


def _top(bars: Bars) -> float:
    return max(bar.high for bar in bars)


def _floor(bars: Bars) -> float:
    return min(bar.low for bar in bars)


def _raw(bars: Bars, n: int) -> Number:
    top, floor = _top(bars[-n:]), _floor(bars[-n:])
    return 100.0 * (bars[-1].close - floor) / (top - floor) if top > floor else None


def _mean_of(numbers: Sequence[Number]) -> Number:
    known = [number for number in numbers if number is not None]
    return add(known) / len(known) if len(known) == len(numbers) else None


def _stoch_k(bars: Bars, n: int, slow: int) -> Number:
    return _mean_of([_raw(bars[: len(bars) - back], n) for back in range(slow - 1, -1, -1)])


def _stoch(bars: Bars, arguments: Arguments, is_d: bool) -> Number:
    n, slow, average = (int(text) for text in arguments[:3])
    wanted = n + slow + average - 2
    if len(bars) < wanted or wanted > RETAINED.get(arguments[3], RETAINED_OTHERWISE):
        return None
    if not is_d:
        return _stoch_k(bars, n, slow)
    return _mean_of([_stoch_k(bars[: len(bars) - back], n, slow) for back in range(average - 1, -1, -1)])


def _williams_r(bars: Bars, n: int) -> Number:
    if len(bars) < n:
        return None
    top, floor = _top(bars[-n:]), _floor(bars[-n:])
    return 100.0 * (bars[-1].close - top) / (top - floor) if top > floor else None


def _cci(bars: Bars, n: int) -> Number:
    if len(bars) < n:
        return None
    prices = [_typical(bar) for bar in bars[-n:]]
    mean = add(prices) / n
    distance = add([abs(price - mean) for price in prices]) / n
    return (prices[-1] - mean) / (0.015 * distance) if distance >= 1e-13 * mean else None


def _mfi(bars: Bars, n: int) -> Number:
    if len(bars) <= n:
        return None
    up, down = [], []
    for before, bar in zip(bars[-n - 1 : -1], bars[-n:], strict=True):
        now, last = _typical(bar), _typical(before)
        moved = abs(now - last) >= 1e-14 * (now + last)
        up.append(now * bar.volume if moved and now > last else 0.0)
        down.append(now * bar.volume if moved and now < last else 0.0)
    total = add(up) + add(down)
    return 100.0 * (add(up) / total) if total else None


def _volume_ratio(bars: Bars, k: int) -> Number:
    if len(bars) <= k:
        return None
    mean = add([bar.volume for bar in bars[-k - 1 : -1]]) / k
    return bars[-1].volume / mean if mean else None


def _avg_range(bars: Bars, n: int) -> Number:
    return add([bar.high - bar.low for bar in bars[-n:]]) / n if len(bars) >= n else None


WINDOWS: dict[str, Callable[[Bars, Arguments], Number]] = {
    "sma": lambda bars, a: _mean_close(bars, int(a[0])),
    "wma": lambda bars, a: _wma(bars, int(a[0])),
    "bb_upper": lambda bars, a: _bands(bars, int(a[0]), float(a[1])),
    "bb_middle": lambda bars, a: _mean_close(bars, int(a[0])),
    "bb_lower": lambda bars, a: _bands(bars, int(a[0]), -float(a[1])),
    "donchian_upper": lambda bars, a: _extreme(bars, int(a[0]), _top),
    "donchian_lower": lambda bars, a: _extreme(bars, int(a[0]), _floor),
    "stoch_k": lambda bars, a: _stoch(bars, a, is_d=False),
    "stoch_d": lambda bars, a: _stoch(bars, a, is_d=True),
    "williams_r": lambda bars, a: _williams_r(bars, int(a[0])),
    "cci": lambda bars, a: _cci(bars, int(a[0])),
    "mfi": lambda bars, a: _mfi(bars, int(a[0])),
    "volume_ratio": lambda bars, a: _volume_ratio(bars, int(a[0])),
    "avg_range": lambda bars, a: _avg_range(bars, int(a[0])),
    "body": lambda bars, _: abs(bars[-1].close - bars[-1].open),
    "upper_shadow": lambda bars, _: bars[-1].high - max(bars[-1].open, bars[-1].close),
    "lower_shadow": lambda bars, _: min(bars[-1].open, bars[-1].close) - bars[-1].low,
}


# --- from bar to bar -----------------------------------------------------------------------------------------------


@dataclass
class Series:
    """One number a bar, from the first bar that has one; `first` = that bar's place."""

    first: int
    numbers: list[float]

    def at(self, place: int) -> Number:
        """The number of a bar."""
        return self.numbers[place - self.first] if 0 <= place - self.first < len(self.numbers) else None

    @property
    def last(self) -> Number:
        """The newest."""
        return self.numbers[-1] if self.numbers else None


def _smoothed(of: Series, n: int, following: Callable[[float, float], float]) -> Series:
    """The mean of the first n, then each from the one before."""
    smooth = Series(of.first + n - 1, [])
    if len(of.numbers) >= n:
        smooth.numbers.append(add(of.numbers[:n]) / n)
        for number in of.numbers[n:]:
            smooth.numbers.append(following(smooth.numbers[-1], number))
    return smooth


def _ema(of: Series, n: int) -> Series:
    return _smoothed(of, n, lambda before, number: before + (number - before) * (2.0 / (n + 1)))


def _wilder(of: Series, n: int) -> Series:
    return _smoothed(of, n, lambda before, number: (before * (n - 1) + number) / n)


def _wilder_sum(of: Series, n: int) -> Series:
    """The n-th is the first: the n - 1 before it are added, then each comes for an n-th of the sum."""
    sums, total = Series(of.first + n - 1, []), add(of.numbers[: n - 1])
    for number in of.numbers[n - 1 :]:
        total = total - total / n + number
        sums.numbers.append(total)
    return sums


def _ranges(bars: Bars) -> Series:
    return Series(
        1,
        [
            max(bar.high - bar.low, abs(bar.high - last.close), abs(bar.low - last.close))
            for last, bar in pairwise(bars)
        ],
    )


def _difference(left: Series, right: Series) -> Series:
    """Where both are."""
    first = max(left.first, right.first)
    pairs = zip(left.numbers[first - left.first :], right.numbers[first - right.first :], strict=True)
    return Series(first, [a - b for a, b in pairs])


def _macd(bars: Bars, arguments: Arguments, part: str) -> Number:
    fast, slow = sorted(int(text) for text in arguments[:2])
    closes = [bar.close for bar in bars]
    macd = _difference(
        _ema(Series(slow - fast, closes[slow - fast :]), fast),
        _ema(Series(0, closes), slow),
    )
    signal = _ema(macd, int(arguments[2]))
    if signal.last is None or macd.last is None:
        return None
    return {"macd": macd.last, "macd_signal": signal.last, "macd_hist": macd.last - signal.last}[part]


def _atr(bars: Bars, n: int) -> Number:
    return _wilder(_ranges(bars), n).last


def _atr_pct(bars: Bars, n: int) -> Number:
    average = _atr(bars, n)
    return None if average is None else 100.0 * average / bars[-1].close


def _keltner(bars: Bars, arguments: Arguments, side: float) -> Number:
    average = _ema(Series(0, [_typical(bar) for bar in bars]), int(arguments[0])).last
    span = _atr(bars, int(arguments[2]))
    return None if average is None or span is None else average + side * float(arguments[1]) * span


def _movements(bars: Bars, n: int) -> tuple[Series, Series, Series]:
    plus, minus = Series(1, []), Series(1, [])
    for last, bar in pairwise(bars):
        up, down = bar.high - last.high, last.low - bar.low
        plus.numbers.append(up if up > down and up > 0 else 0.0)
        minus.numbers.append(down if down > up and down > 0 else 0.0)
    return _wilder_sum(plus, n), _wilder_sum(minus, n), _wilder_sum(_ranges(bars), n)


def _di(bars: Bars, n: int, which: int) -> Number:
    movements = _movements(bars, n)
    share, span = movements[which].last, movements[2].last
    return 100.0 * (share / span) if share is not None and span else None


def _adx(bars: Bars, n: int) -> Number:
    indices: list[Number] = []
    plus, minus, _ = _movements(bars, n)
    for up, down in zip(plus.numbers, minus.numbers, strict=True):
        indices.append(100.0 * (abs(down - up) / (up + down)) if up + down else None)
    if not indices or indices[-1] is None:
        return None
    return _wilder(Series(n, [index or 0.0 for index in indices]), n).last


def _obv(bars: Bars) -> Number:
    moves = [
        bar.volume if bar.close > last.close else -bar.volume if bar.close < last.close else 0.0
        for last, bar in pairwise(bars)
    ]
    return add([bars[0].volume, *moves]) if bars else None


def _run(bars: Bars) -> Number:
    colours = [(bar.close > bar.open) - (bar.close < bar.open) for bar in bars]
    if not colours:
        return None
    length = 0
    while length < len(colours) and colours[-1 - length] == colours[-1]:
        length += 1
    return float(length * colours[-1])


def _swing(values: list[float], sides: int) -> Number:
    """The newest that stands out on both sides."""
    for place in range(len(values) - 1 - sides, sides - 1, -1):
        if values[place] > max(values[place - sides : place] + values[place + 1 : place + sides + 1]):
            return values[place]
    return None


def _swing_low(bars: Bars, sides: int) -> Number:
    found = _swing([-bar.low for bar in bars], sides)
    return None if found is None else -found


RECURSIVE: dict[str, Callable[[Bars, Arguments], Number]] = {
    "macd": lambda bars, a: _macd(bars, a, "macd"),
    "macd_signal": lambda bars, a: _macd(bars, a, "macd_signal"),
    "macd_hist": lambda bars, a: _macd(bars, a, "macd_hist"),
    "atr": lambda bars, a: _atr(bars, int(a[0])),
    "atr_pct": lambda bars, a: _atr_pct(bars, int(a[0])),
    "keltner_upper": lambda bars, a: _keltner(bars, a, 1.0),
    "keltner_lower": lambda bars, a: _keltner(bars, a, -1.0),
    "plus_di": lambda bars, a: _di(bars, int(a[0]), 0),
    "minus_di": lambda bars, a: _di(bars, int(a[0]), 1),
    "adx": lambda bars, a: _adx(bars, int(a[0])),
    "obv": lambda bars, _: _obv(bars),
}
CLOSED_ONLY: dict[str, Callable[[Bars, Arguments], Number]] = {
    "consecutive_candles": lambda bars, _: _run(bars),
    "swing_high": lambda bars, a: _swing([bar.high for bar in bars], int(a[0])),
    "swing_low": lambda bars, a: _swing_low(bars, int(a[0])),
}
GOING_ON = {*RECURSIVE, *CLOSED_ONLY}


class Whole:
    """An indicator that goes from bar to bar, anew over all its bars each time; `first` = the place of the oldest."""

    def __init__(self, name: str, arguments: Arguments, first: int) -> None:
        self._name, self._arguments, self._first = name, arguments, first

    def at(self, closed: Bars, now: Figures | None) -> Number:
        """At the running bar, or without one at the newest closed bar."""
        bars: list[Any] = list(closed[self._first :])
        if self._name in CLOSED_ONLY:
            return CLOSED_ONLY[self._name](bars, self._arguments)
        return RECURSIVE[self._name]([*bars, now] if now is not None else bars, self._arguments)
