"""For each alert type a series that it fires on and one that it just does not."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.candles import Candle, Series, flat


@dataclass(frozen=True)
class Case:
    """`name` with parameters, as a field of a rule each; `call` and `seed`: the same in an expression and in a list of
    conditions. `opening`: fires of either series that the first price gives, which is always the day's extreme."""

    name: str
    call: str
    seed: str
    fires: Series
    silent: Series
    parameters: dict[str, Any] = field(default_factory=dict)
    opening: int = 0


def plain(name: str, fires: Series, silent: Series, opening: int = 0) -> Case:
    """One that is used with its defaults."""
    return Case(name, name, name, fires, silent, opening=opening)


def two(first: tuple[float, ...], second: tuple[float, ...]) -> Series:
    """Two candles."""
    return [Candle(*first), Candle(*second)]


def daily(close: float, ago: int = 1) -> dict[str, Any]:
    """The day so many days ago, from 1 below its close to 1 above it; its record arrives as the first minute begins."""
    figures = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 100.0}
    return {"kind": "daily", "ts": (1_762_300_800 - 86_400 * ago) * 10**9, **figures}


def days(count: int, close: float) -> Series:
    """The days before, all alike."""
    return [daily(close, ago) for ago in range(count, 0, -1)]


def falling(minutes: int) -> list[float]:
    """Ever faster, so that a fast average keeps below a slow one."""
    return [round(200 - 0.05 * i * i, 2) for i in range(minutes)]


HALTED, RESUMED = {"kind": "status", "status": "halted"}, {"kind": "status", "status": "resumed"}
LEVEL = flat(*[100.0] * 5)
WIDE = [Candle(100, 101, 99, 100)] * 17
USUAL = [Candle(100, 100.5, 99.5, 100)] * 7
HEAVY = flat(100, size=1e6)
THREE = {"bars": 3}
SINCE = {"bars": 5, "since": 2}
FAST = {"fast": 2, "slow": 3}
FALL = falling(45)
RISE = [round(300 - price, 2) for price in FALL]

CANDLES = [
    plain("lower_shadow_candle", [Candle(10, 10.5, 8, 10.2)], [Candle(10, 10.5, 9.7, 10.2)]),
    plain("upper_shadow_candle", [Candle(10, 12, 9.9, 10.2)], [Candle(10, 10.5, 9.9, 10.2)]),
    plain("bullish_close", [Candle(10, 11, 9, 10.5)], [Candle(10, 11, 9, 10)]),
    plain("bearish_close", [Candle(10, 11, 9, 9.5)], [Candle(10, 11, 9, 10)]),
    plain("bullish_engulfing", two((11, 11, 10, 10), (10, 11.5, 10, 11.5)), two((11, 11, 10, 10), (10, 11, 10, 11))),
    plain("bearish_engulfing", two((10, 11, 10, 11), (11, 11, 9.5, 9.5)), two((10, 11, 10, 11), (11, 11, 10, 10))),
    plain(
        "bullish_harami", two((12, 12, 10, 10), (10.5, 11.5, 10.5, 11.5)), two((12, 12, 10, 10), (10, 11.5, 10, 11.5))
    ),
    plain(
        "bearish_harami", two((10, 12, 10, 12), (11.5, 11.5, 10.5, 10.5)), two((10, 12, 10, 12), (12, 12, 10.5, 10.5))
    ),
    Case(
        "inside_bar",
        "inside_bar(1m)",
        "inside_bar_1m",
        two((10, 12, 8, 10), (10, 11, 9, 10)),
        two((10, 12, 8, 10), (10, 12, 9, 10)),
        {"timeframe": "1m"},
    ),
    Case(
        "outside_bar",
        "outside_bar(1m)",
        "outside_bar_1m",
        two((10, 11, 9, 10), (10, 12, 8, 10)),
        two((10, 11, 9, 10), (10, 12, 9, 10)),
        {"timeframe": "1m"},
    ),
    plain("doji", [Candle(10, 11, 9, 10.2)], [Candle(10, 11, 9, 10.3)]),
    plain(
        "hammer", [*flat(*[10.0] * 6), Candle(9.9, 10, 8, 10)], [*[Candle(10, 12, 7, 9)] * 6, Candle(9.9, 10, 8, 10)]
    ),
    plain(
        "shooting_star",
        [*flat(*[10.0] * 6), Candle(10.1, 12, 10, 10)],
        [*[Candle(10, 13, 8, 11)] * 6, Candle(10.1, 12, 10, 10)],
    ),
    plain("new_candle_high", two((10, 11, 9, 10), (10, 11.1, 9, 10)), two((10, 11, 9, 10), (10, 11, 8.9, 10))),
    plain("new_candle_low", two((10, 11, 9, 10), (10, 11, 8.9, 10)), two((10, 11, 9, 10), (10, 11.1, 9, 10))),
]

EXTREMES = [
    plain("near_day_high", flat(100, 90, 99.6), flat(100, 90, 99.5), 1),
    plain("near_day_low", flat(100, 110, 100.4), flat(100, 110, 100.5), 1),
    plain("near_day_high_ext", flat(100, 90, 99.6), flat(100, 90, 99.5), 1),
    plain("near_day_low_ext", flat(100, 110, 100.4), flat(100, 110, 100.5), 1),
    plain("new_day_high", flat(100, 101), flat(100, 100, 99)),
    plain("new_day_low", flat(100, 99), flat(100, 100, 101)),
    plain("new_52w_high", [*days(20, 100), *flat(100, 101, 101.1)], [*days(20, 100), *flat(100, 101)]),
    plain("new_52w_low", [*days(20, 100), *flat(100, 99, 98.9)], [*days(19, 100), *flat(100, 99, 98.9)]),
    Case(
        "near_recent_high",
        "near_recent_high(1m, 3)",
        "near_recent_high_3_1m",
        flat(100, 100, 100, 90, 99.95),
        flat(100, 100, 100, 90, 99.9),
        THREE,
    ),
    Case(
        "near_recent_low",
        "near_recent_low(1m, 3)",
        "near_recent_low_3_1m",
        flat(100, 100, 100, 110, 100.05),
        flat(100, 100, 100, 110, 100.1),
        THREE,
    ),
    Case(
        "broke_recent_high",
        "broke_recent_high(1m, 3)",
        "broke_recent_high_3_1m",
        [*LEVEL, *flat(100.5)],
        [*LEVEL, *flat(100)],
        THREE,
    ),
    Case(
        "broke_recent_low",
        "broke_recent_low(1m, 3)",
        "broke_recent_low_3_1m",
        [*LEVEL, *flat(99.5)],
        [*LEVEL, *flat(100)],
        THREE,
    ),
    Case(
        "rejected_recent_high",
        "rejected_recent_high(1m, 5, 2)",
        "rejected_recent_high_5_2_1m",
        [*LEVEL, *LEVEL, *flat(99.5)],
        [*LEVEL, *LEVEL, *flat(99.6)],
        SINCE,
    ),
    Case(
        "rejected_recent_low",
        "rejected_recent_low(1m, 5, 2)",
        "rejected_recent_low_5_2_1m",
        [*LEVEL, *LEVEL, *flat(100.5)],
        [*LEVEL, *LEVEL, *flat(100.4)],
        SINCE,
    ),
    Case(
        "consolidation_breakout",
        "consolidation_breakout(1m, 5)",
        "consolidation_breakout_5_1m",
        [*WIDE, *flat(101.1)],
        [*WIDE, *flat(101)],
        {"bars": 5},
    ),
    Case(
        "consolidation_breakdown",
        "consolidation_breakdown(1m, 5)",
        "consolidation_breakdown_5_1m",
        [*WIDE, *flat(98.9)],
        [*WIDE, *flat(99)],
        {"bars": 5},
    ),
]

AVERAGES = [
    plain("through_vwap_above", [*USUAL, Candle(99, 102.5, 98.9, 102.5)], [*USUAL, Candle(99, 101.5, 98.9, 101.5)]),
    plain("through_vwap_below", [*USUAL, Candle(101, 101.1, 97.5, 97.5)], [*USUAL, Candle(101, 101.1, 98.5, 98.5)]),
    plain(
        "vwap_support",
        [*HEAVY, *flat(101, 101, 101, 101, 100.05, 100.1, 100.3)],
        [*HEAVY, *flat(101, 101, 101, 101, 100.05, 100.1, 100.15)],
    ),
    plain(
        "vwap_resistance",
        [*HEAVY, *flat(99, 99, 99, 99, 99.95, 99.9, 99.7)],
        [*HEAVY, *flat(99, 99, 99, 99, 99.95, 99.9, 99.85)],
    ),
    Case(
        "back_to_ema",
        "back_to_ema(1m, 3)",
        "back_to_ema_3_1m",
        flat(100, 105, 110, 116, 122, 128, 122, 122, 122, 122),
        flat(100, 101, 102, 103, 104, 105, 104, 104, 104, 104),
        THREE,
    ),
    Case("crossed_above", "crossed_above(100)", "crossed_above_100", flat(99, 100.1), flat(99, 100), {"level": 100}),
    Case(
        "crossed_below",
        "crossed_below(prior_close)",
        "crossed_below_prior_close",
        [daily(100), *flat(101, 99.9)],
        [daily(100), *flat(101, 100)],
        {"level": "prior_close"},
    ),
    Case(
        "ma_cross_above",
        "ma_cross_above(1m, 2, 3)",
        "ma_cross_above_2_3_1m",
        flat(103, 102, 101, 100, 106),
        flat(103, 102, 101, 100, 100),
        FAST,
    ),
    Case(
        "ma_cross_below",
        "ma_cross_below(1m, 2, 3)",
        "ma_cross_below_2_3_1m",
        flat(100, 101, 102, 103, 97),
        flat(100, 101, 102, 103, 103),
        FAST,
    ),
    plain("macd_cross_above", flat(*FALL, round(FALL[-1] + 80, 2)), flat(*falling(46))),
    plain("macd_cross_below", flat(*RISE, round(RISE[-1] - 80, 2)), flat(*RISE, round(RISE[-1] + 5, 2))),
    Case(
        "rsi_cross_above",
        "rsi_cross_above(1m, 30, 2)",
        "rsi_cross_above_30_2_1m",
        flat(100, 99, 98, 97, 99),
        flat(100, 99, 98, 97, 97.1),
        {"bars": 2},
    ),
    Case(
        "rsi_cross_below",
        "rsi_cross_below(1m, 70, 2)",
        "rsi_cross_below_70_2_1m",
        flat(100, 101, 102, 103, 101),
        flat(100, 101, 102, 103, 102.9),
        {"bars": 2},
    ),
]

ACTIVITY = [
    Case(
        "volume_spike",
        "volume_spike(1m, 3)",
        "volume_spike",
        [*flat(*[100] * 4, size=10), *flat(100, size=20)],
        [*flat(*[100] * 4, size=10), *flat(100, size=19)],
        THREE,
    ),
    plain("block_trade", flat(1, size=10_000), flat(10, size=9_999)),
    plain("running_up", flat(100, 100, 100.6), flat(100, 100, 100.4)),
    plain("running_down", flat(100, 100, 99.5), flat(100, 100, 99.6)),
    plain("running_up_dollars", flat(10, 10, 10.5), flat(10, 10, 10.4)),
    plain("running_down_dollars", flat(10, 10, 9.5), flat(10, 10, 9.6)),
    Case(
        "opening_range_breakout",
        "opening_range_breakout(3m)",
        "opening_range_breakout_3m",
        flat(100, 101, 100, 100.5, 101.1),
        flat(100, 101, 100, 100.5, 101),
        {"minutes": 3},
    ),
    Case(
        "opening_range_breakdown",
        "opening_range_breakdown(3m)",
        "opening_range_breakdown_3m",
        flat(100, 99, 100, 99.5, 98.9),
        flat(100, 99, 100, 99.5, 99),
        {"minutes": "3m"},
    ),
    plain("gap_up", [daily(100), *flat(103)], [daily(100), *flat(102.9)]),
    plain("gap_down", [daily(100), *flat(97)], [daily(100), *flat(97.1)]),
    plain("gap_filled", [daily(100), *flat(105, 102, 100)], [daily(100), *flat(105, 102, 100.1)]),
    plain("halt", [*flat(100), HALTED], [*flat(100), RESUMED]),
    plain("resume", [*flat(100), HALTED, RESUMED], [*flat(100), HALTED, HALTED]),
]

CASES = [*CANDLES, *EXTREMES, *AVERAGES, *ACTIVITY]
