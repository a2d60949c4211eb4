"""Closes through the engine, and what its indicators say at each closed bar; TA-Lib says what they must."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from math import isnan

import numpy as np
import talib
from numpy.typing import NDArray

from schemas.control import encode_heartbeat
from schemas.tick import REGULAR_TRADE, TickRecord, encode_tick
from tests.support.lab import DAY, HOUR, MINUTE, SYMBOL, VOLUME_ONLY, Lab, watch

LENGTHS = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR, "1d": DAY}
F64 = NDArray[np.float64]

_ORACLES: dict[str, Callable[[F64, int], F64]] = {"sma": talib.SMA, "ema": talib.EMA, "rsi": talib.RSI}


def theirs(name: str, bars: int, closes: Sequence[float]) -> list[float | None]:
    """TA-Lib's batch function over all closes; None where it has no value yet."""
    values: list[float] = _ORACLES[name](np.array(closes, np.float64), bars).tolist()
    return [None if isnan(value) else value for value in values]


def null_where_still(expected: Sequence[float | None], closes: Sequence[float], bars: int) -> list[float | None]:
    """TA-Lib calls the RSI of a series without any change so far 0; ours is null, as 0 / 0 is no strength."""
    moved = [after != before for before, after in pairwise(closes)]
    still = [number >= bars and not any(moved[:number]) for number in range(len(closes))]
    return [None if flat else value for flat, value in zip(still, expected, strict=True)]


def run(
    metrics: Sequence[str],
    closes: Sequence[float],
    starts: Sequence[int],
    length: int,
    restarts: Collection[int] = (),
    amended: Collection[int] = (),
) -> Lab:
    """A bar with each of these closes at each of these starts. After its end comes a row of volume without a price, so
    that bar 0 is closed. `restarts`: numbers of bars after which the state is taken to another partition; `amended`:
    of bars that get their close from a late trade."""
    lab = Lab(watch(*metrics))
    for number, (start, close) in enumerate(zip(starts, closes, strict=True)):
        end = start + length
        chunk = [_trade(start, close + 1 if number in amended else close), encode_heartbeat("test", end)]
        lab.send(*chunk, *([_trade(end - 1, close)] if number in amended else []))
        if number in restarts:
            lab.restart()
        lab.send(_trade(end + 1, 1, VOLUME_ONLY))
    assert lab.rejected == []
    return lab


def _trade(ts: int, price: float, flags: int = REGULAR_TRADE) -> bytes:
    return encode_tick(TickRecord(symbol=SYMBOL, ts=ts, price=price, size=1.0, flags=flags))


def at_closes(lab: Lab, metric: str, ends: Sequence[int]) -> list[float | None]:
    """On the bar-close rows at these ends, where the bar that closes is still running; null as None. Rows of the same
    time, if shorter or longer bars close with it, must say the same."""
    found: dict[int, float] = {}
    for ts, _, value in lab.values(metric):
        if (ts + 1) % MINUTE == 0:
            assert found.setdefault(ts + 1, value) == value
    return [found.get(end) for end in ends]


def after_closes(lab: Lab, metric: str, ends: Sequence[int]) -> list[float | None]:
    """On the first rows just behind these ends, where bar 0 is the closed one; null as None."""
    found = {ts: value for ts, ordinal, value in lab.values(metric) if ordinal == 0}
    return [found.get(end + 1) for end in ends]


def assert_equal(ours: Sequence[float | None], expected: Sequence[float | None]) -> None:
    """The same bars have values, and these differ by at most 1e-9 of theirs."""
    assert [value is None for value in ours] == [value is None for value in expected]
    pairs = [(one, other) for one, other in zip(ours, expected, strict=True) if one is not None and other is not None]
    assert pairs
    np.testing.assert_allclose([one for one, _ in pairs], [other for _, other in pairs], rtol=1e-9, atol=0)


def assert_like_talib(
    lab: Lab, metrics: Mapping[str, tuple[str, int]], closes: Sequence[float], ends: Sequence[int], running: bool
) -> None:
    """Each metric (its TA-Lib function and number of bars) after all closes, and at them where `running`."""
    for metric, (name, bars) in metrics.items():
        expected = theirs(name, bars, closes)
        assert_equal(after_closes(lab, metric, ends), expected)
        if running:
            assert_equal(at_closes(lab, metric, ends), expected)
