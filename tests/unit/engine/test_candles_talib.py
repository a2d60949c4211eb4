"""Candle alert types against TA-Lib's pattern functions, where both mean the same; where not: docs/templates.md."""

import random
from itertools import pairwise

import numpy as np
import pytest
import talib

from engine.rules.parser import parse_condition
from engine.rules.templates.catalogue import TEMPLATES, condition_of
from schemas.batch import F64
from schemas.rule import RuleBody
from tests.support.candles import MIDNIGHT, Candle, Told
from tests.support.lab import MINUTE, Lab

BARS = 700


def candles(seed: int) -> list[Candle]:
    """Bars between few prices, so that their ends are often the same."""
    rng = random.Random(seed)
    found = []
    for _ in range(BARS):
        first, last = rng.randint(97, 103), rng.randint(97, 103)
        found.append(Candle(first, max(first, last) + rng.randint(0, 2), min(first, last) - rng.randint(0, 2), last))
    return found


def columns(series: list[Candle]) -> list[F64]:
    """As TA-Lib takes them."""
    return [np.array([getattr(c, name) for c in series], float) for name in ("open", "high", "low", "close")]


def found(series: list[Candle], *names: str) -> list[list[int]]:
    """The numbers of the bars that each alert type is told of."""
    texts = {name: parse_condition(condition_of(TEMPLATES[name], ["1m"])).text for name in names}
    lab = Lab({name: RuleBody(text, "bar_close", 0, timeframe="1m") for name, text in texts.items()})
    Told(lab).tell(series)
    return [[(ts - MIDNIGHT) // MINUTE for ts in lab.fired(name)] for name in names]


@pytest.mark.parametrize("seed", range(3))
def test_engulfing_is_that_of_talib_but_for_a_doji_before_a_falling_candle(seed: int) -> None:
    series = candles(seed)
    pattern = talib.CDLENGULFING(*columns(series))
    bullish, bearish = found(series, "bullish_engulfing", "bearish_engulfing")
    assert bullish == np.flatnonzero(pattern > 0).tolist()
    doji = {i + 1 for i, candle in enumerate(series) if candle.open == candle.close}
    assert bearish == [i for i in np.flatnonzero(pattern < 0).tolist() if i not in doji]
    assert min(len(bullish), len(bearish)) > 5


@pytest.mark.parametrize("seed", range(3))
def test_every_harami_of_talib_with_a_second_candle_of_the_other_colour_is_found(seed: int) -> None:
    series = candles(seed)
    first, _, _, last = columns(series)
    pattern = talib.CDLHARAMI(*columns(series))
    for sign, told in zip((1, -1), found(series, "bullish_harami", "bearish_harami"), strict=True):
        of_other_colour = (np.sign(pattern) == sign) & (np.sign(last - first) == sign)
        theirs = np.flatnonzero(of_other_colour & (np.abs(pattern) == 100))
        assert set(theirs.tolist()) <= set(told)
        assert len(theirs) >= 1
        with_the_same_end = np.flatnonzero(of_other_colour & (np.abs(pattern) == 80))
        assert set(with_the_same_end.tolist()).isdisjoint(told)
        assert len(with_the_same_end) >= 1


def test_a_pattern_is_told_on_what_its_condition_says() -> None:
    """The conditions again, in plain Python."""
    series = candles(7)
    pairs = list(enumerate(pairwise(series), 1))
    inside, outside, doji = found(series, "inside_bar", "outside_bar", "doji")
    assert inside == [i for i, (a, b) in pairs if b.high < a.high and b.low > a.low]
    assert outside == [i for i, (a, b) in pairs if b.high > a.high and b.low < a.low]
    assert doji == [
        i for i, c in enumerate(series) if c.high > c.low and abs(c.close - c.open) <= 0.1 * (c.high - c.low)
    ]
