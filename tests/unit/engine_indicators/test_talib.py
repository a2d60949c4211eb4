"""At every bar close the indicators are what TA-Lib computes over all bars so far, and at every trade what it would be
if the bar closed there."""

import numpy as np
import pytest
import talib

from engine.timeframes import BY_NAME, MINUTE_NS
from schemas.batch import F64
from tests.unit.engine_indicators.reference import NULL_WHERE_NOTHING_MOVES, REFERENCE, metrics
from tests.unit.engine_indicators.runs import Candle, Run, log_of, tape, trades
from tests.unit.engine_indicators.series import SERIES, flat, walk


def assert_same(text: str, found: F64, expected: F64) -> None:
    """To 1e-9 relative. TA-Lib's own running sums leave a rounding of the largest figure that went through them."""
    scale = float(np.nanmax(np.abs(expected), initial=0.0))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11 * scale, err_msg=text)


@pytest.mark.parametrize("name", SERIES)
def test_bar_closes_equal_talib(name: str) -> None:
    candles = SERIES[name]()
    seen = Run(metrics("1m")).feed(log_of(candles), cut=37)
    for text, reference in REFERENCE.items():
        bars, found = seen.closes(text.format("1m"), "1m", MINUTE_NS)
        assert len(found) == len(candles)
        assert_same(text, found, reference(bars))


@pytest.mark.parametrize("timeframe", ["5m", "15m", "1h"])
def test_roll_ups_equal_talib(timeframe: str) -> None:
    """A few trades in each bar of the timeframe, and then bars that are made of many minutes."""
    length = BY_NAME[timeframe].minutes
    run = Run(metrics(timeframe))
    seen = run.feed(log_of(walk(8, 60 * 3), spacing=length // 3 if length > 5 else 2), cut=100)
    for text, reference in REFERENCE.items():
        bars, found = seen.closes(text.format(timeframe), timeframe, length * MINUTE_NS)
        assert len(found) >= 60
        assert_same(text, found, reference(bars))


def test_days_equal_talib() -> None:
    seen = Run(metrics("1d")).feed(log_of(walk(9, 60), spacing=1_440), cut=50)
    for text, reference in REFERENCE.items():
        bars, found = seen.closes(text.format("1d"), "1d", 1_440 * MINUTE_NS)
        assert len(found) == 60
        assert_same(text, found, reference(bars))


def test_the_forming_bar_counts_as_if_it_closed_there() -> None:
    candles = walk(10, 60)
    run, closed = Run(metrics("1m")), len(candles) - 12
    run.feed(log_of(candles[:closed])[:-1])
    for place in range(closed, len(candles)):
        for corner, trade in enumerate(trades(candles[place], place)):
            _, values = run.feed([trade]).rows[-1]
            bars = tape([*candles[:place], _formed(candles[place], corner)])
            for text, reference in REFERENCE.items():
                assert_same(text, np.array([values[text.format("1m")]]), reference(bars)[-1:])


def _formed(candle: Candle, corner: int) -> Candle:
    """The bar after its first trades: open, high, low, close."""
    prices = (candle.open, candle.high, candle.low, candle.close)[: corner + 1]
    return Candle(candle.open, max(prices), min(prices), prices[-1], candle.volume)


def test_null_instead_of_talibs_zero_where_nothing_moves() -> None:
    seen = Run(metrics("1m")).feed(log_of(flat(60)))
    for text, reference in REFERENCE.items():
        bars, found = seen.closes(text.format("1m"), "1m", MINUTE_NS)
        expected = reference(bars)
        if text.partition("(")[0] in NULL_WHERE_NOTHING_MOVES:
            assert expected[-1] == 0
            assert np.isnan(found).all()
        elif text.startswith("bb_"):
            # TA-Lib's variance of equal closes is the rounding of two large sums.
            assert found[-1] == pytest.approx(100.1, rel=1e-15)
            assert expected[-1] == pytest.approx(100.1, rel=1e-6)
        else:
            assert_same(text, found, expected)


def test_money_flows_by_the_price_not_by_its_rounding() -> None:
    """The second typical price is below the first by the last bit of a double alone."""
    still, same, up = Candle(2.95, 2.95, 2.95, 2.95, 10.0), Candle(2.95, 2.97, 2.94, 2.94, 10.0), Candle(3, 3, 3, 3, 1)
    candles = [still, same, up]
    assert _typical(candles[1]) < _typical(candles[0])
    _, found = Run(["mfi(2, 1m)"]).feed(log_of(candles)).closes("mfi(2, 1m)", "1m", MINUTE_NS)
    assert found[-1] == 100


def _typical(candle: Candle) -> float:
    return ((candle.high + candle.low) + candle.close) / 3


def test_a_length_of_one_bar_is_in_percent_too() -> None:
    """TA-Lib gives the bare ratio there."""
    bars, found = Run(["plus_di(1, 1m)"]).feed(log_of(walk(11, 20))).closes("plus_di(1, 1m)", "1m", MINUTE_NS)
    np.testing.assert_allclose(found, 100 * talib.PLUS_DI(bars.high, bars.low, bars.close, 1), rtol=1e-9)
