"""Moving averages and RSI equal TA-Lib's over every timeframe, over restarts and amendments; differences by design."""

import random
from itertools import accumulate

import pytest

from tests.support.lab import utc
from tests.support.oracle import (
    LENGTHS,
    after_closes,
    assert_equal,
    assert_like_talib,
    at_closes,
    null_where_still,
    run,
    theirs,
)

START = utc("2024-01-01T00:00:00")
BARS = 60
METRICS = {"sma": (2, 20), "ema": (3, 20), "rsi": (2, 14)}


def metrics_of(timeframe: str) -> dict[str, tuple[str, int]]:
    """Canonical text of each metric, with its TA-Lib function and number of bars."""
    return {f"{name}({n}, {timeframe})": (name, n) for name, counts in METRICS.items() for n in counts}


def walk(seed: int, bars: int = BARS) -> list[float]:
    """Prices with two decimals."""
    rng = random.Random(seed)
    steps = (rng.choice((0.0, rng.gauss(0, 1.0), rng.gauss(0, 0.05))) for _ in range(bars))
    return [round(price, 2) for price in accumulate(steps, initial=100.0)][1:]


SERIES: dict[str, list[float]] = {
    "walk": walk(1),
    "rising": [10 + 0.25 * i for i in range(BARS)],
    "falling": [100 - 0.25 * i for i in range(BARS)],
    "zigzag": [10 + i % 2 for i in range(BARS)],
    "flat at first": [10.0] * 5 + walk(2, BARS - 5),
    "flat for a while": [*walk(3, 25), *[walk(3, 25)[-1]] * 20, *walk(4, 15)],
    "one leap": [10.0] * 30 + [1000.0] * 30,
    "small": [round(price / 1_000_000, 9) for price in walk(5)],
}


def starts_of(timeframe: str, bars: int, seed: int | None = None) -> list[int]:
    """One bar after the other, or with gaps."""
    rng, length = random.Random(seed), LENGTHS[timeframe]
    steps = (1 if seed is None else rng.choice((1, 1, 1, 2, 7)) for _ in range(bars - 1))
    return [START + length * number for number in accumulate(steps, initial=0)]


@pytest.mark.parametrize("timeframe", LENGTHS)
@pytest.mark.parametrize(
    ("series", "gaps"),
    [("walk", None), *((name, 7) for name in ("walk", "rising", "falling", "zigzag", "flat for a while", "small"))],
)
def test_equal_to_talib_at_every_close_and_after_it(timeframe: str, series: str, gaps: int | None) -> None:
    closes, starts = SERIES[series], starts_of(timeframe, BARS, gaps)
    lab = run(list(metrics_of(timeframe)), closes, starts, LENGTHS[timeframe])
    ends = [start + LENGTHS[timeframe] for start in starts]
    assert_like_talib(lab, metrics_of(timeframe), closes, ends, running=True)


@pytest.mark.parametrize("timeframe", LENGTHS)
@pytest.mark.parametrize("restarts", [{0, 1}, {13, 14, 15}, {19, 20, 21}, set(range(BARS))])
def test_equal_to_talib_over_restarts_from_a_checkpoint(timeframe: str, restarts: set[int]) -> None:
    closes, starts = walk(11), starts_of(timeframe, BARS, 3)
    lab = run(list(metrics_of(timeframe)), closes, starts, LENGTHS[timeframe], restarts)
    ends = [start + LENGTHS[timeframe] for start in starts]
    assert_like_talib(lab, metrics_of(timeframe), closes, ends, running=True)


@pytest.mark.parametrize("timeframe", ["1m", "5m", "15m", "1h"])
@pytest.mark.parametrize("restarts", [set(), {10, 20, 21, 22, 50}])
def test_equal_to_talib_over_closes_that_a_late_trade_amends(timeframe: str, restarts: set[int]) -> None:
    closes, starts = walk(12), starts_of(timeframe, BARS, 4)
    amended = {0, 1, 2, 13, 14, 19, 20, *range(30, BARS, 2)}
    lab = run(list(metrics_of(timeframe)), closes, starts, LENGTHS[timeframe], restarts, amended)
    ends = [start + LENGTHS[timeframe] for start in starts]
    assert_like_talib(lab, metrics_of(timeframe), closes, ends, running=False)


@pytest.mark.parametrize("series", ["flat at first", "one leap"])
def test_rsi_is_null_where_nothing_has_moved_and_talibs_is_0(series: str) -> None:
    closes, starts = SERIES[series], starts_of("1m", BARS)
    lab = run(["rsi(2, 1m)"], closes, starts, LENGTHS["1m"])
    ends = [start + LENGTHS["1m"] for start in starts]
    expected = theirs("rsi", 2, closes)
    assert 0 in expected[:5]
    assert_equal(after_closes(lab, "rsi(2, 1m)", ends), null_where_still(expected, closes, 2))
    assert_equal(at_closes(lab, "rsi(2, 1m)", ends), null_where_still(expected, closes, 2))


def test_rsi_of_a_flat_series_is_null_all_along() -> None:
    lab = run(["rsi(2, 1m)"], [10.0] * 40, starts_of("1m", 40), LENGTHS["1m"])
    assert lab.values("rsi(2, 1m)") == []


@pytest.mark.parametrize(("series", "strength"), [("rising", 100), ("falling", 0)])
def test_rsi_of_a_one_sided_series_is_at_its_limit(series: str, strength: float) -> None:
    lab = run(["rsi(14, 1m)"], SERIES[series], starts_of("1m", BARS), LENGTHS["1m"])
    assert {value for _, _, value in lab.values("rsi(14, 1m)")} == {strength}


def test_a_long_average_over_more_bars_than_are_kept() -> None:
    closes, starts = walk(13, 420), starts_of("1m", 420)
    metrics = {"sma(200, 1m)": ("sma", 200), "ema(200, 1m)": ("ema", 200), "rsi(200, 1m)": ("rsi", 200)}
    lab = run(list(metrics), closes, starts, LENGTHS["1m"], {210, 350})
    assert_like_talib(lab, metrics, closes, [start + LENGTHS["1m"] for start in starts], running=True)


@pytest.mark.parametrize("timeframe", LENGTHS)
def test_an_average_over_one_bar_is_its_close(timeframe: str) -> None:
    """TA-Lib has none over one bar."""
    closes, starts = walk(14, 5), starts_of(timeframe, 5)
    lab = run([f"sma(1, {timeframe})", f"ema(1, {timeframe})"], closes, starts, LENGTHS[timeframe])
    ends = [start + LENGTHS[timeframe] for start in starts]
    for name in ("sma", "ema"):
        assert after_closes(lab, f"{name}(1, {timeframe})", ends) == closes
