"""Restarts, late trades, cuts and new rule sets do not change what indicators say; runs of candles."""

import random
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from engine.timeframes import MINUTE_NS
from tests.support.engine_runs import RuleSets, engine_outcome, random_cuts, twin_outcome
from tests.support.markets import Market
from tests.support.random_rules import METRICS
from tests.unit.engine_indicators.reference import metrics
from tests.unit.engine_indicators.runs import Candle, Run, Seen, log_of
from tests.unit.engine_indicators.series import plateaus, spikes, walk

SWINGS = ["swing_high(1, 1m)", "swing_low(2, 1m)", "swing_high(3, 1m)", "swing_low(1, 5m)"]
OF_DAY = ["minutes_since_day_high", "minutes_since_day_low", "range_pct_days(1d)", "position_in_range(1d)"]
RUNS = ["consecutive_candles(1m)", "consecutive_candles(5m)"]
EVERYWHERE = [*metrics("1m"), *metrics("5m"), *RUNS, *SWINGS, *OF_DAY]


@cache
def in_one_piece(series: Callable[[int, int], list[Candle]], seed: int) -> Seen:
    """What is seen when nothing comes between."""
    return Run(EVERYWHERE).feed(log_of(series(seed, 60)))


def same(left: Seen, right: Seen) -> bool:
    """Row by row and bit by bit."""
    return repr(left.rows) == repr(right.rows) and left.bars == right.bars


@pytest.mark.parametrize("cut", [1, 50])
def test_cuts_change_nothing(cut: int) -> None:
    log = log_of(plateaus(1, 60))
    assert same(Run(EVERYWHERE).feed(log, cut), in_one_piece(plateaus, 1))


@pytest.mark.parametrize("at", [3, 57, 158])
def test_a_restart_changes_nothing(at: int) -> None:
    log = log_of(spikes(2, 60))
    run = Run(EVERYWHERE)
    run.feed(log[:at])
    run.restart()
    assert same(run.feed(log[at:]), in_one_piece(spikes, 2))


@pytest.mark.parametrize("corner", [0, 1, 2, 3])
def test_a_late_trade_amends_the_newest_bar(corner: int) -> None:
    """As if it had come in time, in 1m and in 5m bars that it closes with."""
    log = log_of(walk(3, 60))
    late = list(log)
    for minute in (20, 44, 49, 54):
        place = minute * 4
        late[place + corner : place + 5] = [*late[place + corner + 1 : place + 5], late[place + corner]]
    expected, found = in_one_piece(walk, 3), Run(EVERYWHERE).feed(late, cut=40)
    assert repr(found.rows[-15:]) == repr(expected.rows[-15:])


def test_runs_of_candles() -> None:
    steps = (1, 1, 1, 0, -1, -1, 1, 0, 0)
    candles = [Candle(100.0, 102.0, 98.0, 100.0 + step, 1.0) for step in (*steps, 1)]
    seen = Run(["consecutive_candles(1m)"]).feed(log_of(candles))
    first = dict(reversed(seen.rows))
    found = [first[bar.start + MINUTE_NS - 1]["consecutive_candles(1m)"] for bar in seen.bars if bar.timeframe == "1m"]
    np.testing.assert_array_equal(found, [np.nan, 1, 2, 3, 0, -1, -2, 1, 0, 0])


def test_more_bars_than_are_retained_are_null() -> None:
    texts = ["stoch_k(200, 40, 18, 1d)", "stoch_k(200, 40, 19, 1d)", "stoch_d(200, 40, 40, 1m)"]
    seen = Run(texts).feed(log_of(walk(4, 260), spacing=1_440))
    assert [np.isnan(seen.rows[-1][1][text]) for text in texts] == [False, True, True]


@pytest.mark.parametrize("seed", range(6))
def test_engine_and_twin_agree_on_every_row(seed: int) -> None:
    """Each metric in a rule of its own that is true wherever there is a value."""
    sets = RuleSets()
    key = sets.add({text.replace(" ", ""): (f"{text} > -1e+300", 0) for text, _ in METRICS})
    records = Market(50 + seed, [key], pace=random.Random(seed).choice((3.0, 40.0))).records(160)
    twin = twin_outcome(records, sets)
    engine = engine_outcome(records, sets, random_cuts(seed, len(records), 6))
    assert engine.alerts == twin.alerts
    assert engine == twin
