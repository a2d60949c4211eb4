"""Rules that a trader would write, in both forms, each with a tape that it fires on and one that it just does not."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from tests.support.lab import DAY, HOUR, MINUTE, SECOND, SYMBOL, utc

EQUITY = "AAA"
TODAY = utc("2025-11-05T00:00:00")
FIVE, QUARTER = 5 * MINUTE, 15 * MINUTE

Tape = list[dict[str, Any]]
Condition = tuple[str, str, float]


@dataclass(frozen=True)
class Whole:
    """`tape(True)` is one to fire on, `tape(False)` the near miss. `expression`: what `conditions` are as text, or
    more."""

    name: str
    conditions: list[Condition]
    expression: str
    tape: Callable[[bool], Tape]


def trades(
    prices: Iterable[float], start: int = TODAY, step: int = MINUTE, size: float = 4, symbol: str = SYMBOL
) -> Tape:
    """One every so often."""
    return [{"symbol": symbol, "ts": start + i * step, "price": p, "size": size} for i, p in enumerate(prices)]


def days(count: int, reach: float, symbol: str = SYMBOL, volume: float = 1_000) -> Tape:
    """Days that closed at 100, each `reach` above and below."""
    figures = {"open": 100, "high": 100 + reach, "low": 100 - reach, "close": 100, "volume": volume}
    return [
        {"kind": "daily", "symbol": symbol, "ts": TODAY - ago * DAY + 18 * 60 * MINUTE, **figures}
        for ago in range(count, 0, -1)
    ]


def steps(first: float, change: float, count: int) -> list[float]:
    """Prices that go on by the same change."""
    return [round(first + change * i, 2) for i in range(count)]


def supplied(values: dict[str, float]) -> dict[str, Any]:
    """What is known of the symbol from outside."""
    return {"kind": "reference", "symbol": SYMBOL, "ts": TODAY, **values}


def gap_on_volume(hit: bool) -> Tape:
    """A quiet day at 100, and a day that opens higher with more volume than usual by then."""
    quiet = trades([100] * 8, TODAY - DAY, QUARTER, 10)
    return [*quiet, *trades([104.1 if hit else 103.9] * 2, TODAY, QUARTER, 25)]


def strong_premarket(hit: bool) -> Tape:
    """08:00 in New York, a Wednesday."""
    at = utc("2025-11-05T13:00:00")
    return [*days(1, 1, EQUITY)[:1], *trades([105.1], at, size=1e5 if hit else 99_999, symbol=EQUITY)]


def recovering(hit: bool) -> Tape:
    """Falling five-minute bars and one that rises, in a name that moves by so much a day."""
    return [*days(20, 2 if hit else 1), *trades([*steps(100, -0.1, 17), 100.4], step=FIVE)]


def engulfing(hit: bool) -> Tape:
    """Half a day near its average, then a bar that covers the one before, above or below that average."""
    level, at = (100.0 if hit else 102.0), TODAY + 52 * QUARTER
    two = zip((0, 4, 5, 9), (101, 100.5, 100.5, 101.5), strict=True)
    return [*trades([level] * 52, step=QUARTER), *(t for m, p in two for t in trades([p], at + m * MINUTE))]


def breakdown(hit: bool) -> Tape:
    """Through the low of the first five minutes, on so much volume."""
    quiet = trades([100] * 11, step=FIVE, size=10)
    return [*quiet, *trades([99.9], TODAY + 11 * FIVE, size=20 if hit else 19)]


def running(hit: bool) -> Tape:
    """Up within a minute, in so many trades."""
    return [*trades([100]), *trades([101.6] * (200 if hit else 199), TODAY + MINUTE, SECOND // 10)]


def pressing(hit: bool) -> Tape:
    """Five-minute bars that close above their open, at the high of the day."""
    bars = 3 if hit else 2
    opens = trades(steps(100, 1, bars + 1), step=FIVE)
    closes = trades(steps(101, 1, bars), TODAY + 4 * MINUTE, FIVE)
    return sorted(opens + closes, key=lambda t: t["ts"])


def held(hit: bool) -> Tape:
    """A dip to vwap and back, so far above the open."""
    prices = [*[101.0] * 12, 100.05, 100.1, 100.3]
    heavy = trades([100], TODAY + MINUTE, size=1e6)
    return [*trades([98 if hit else 99.5]), *heavy, *trades(prices, TODAY + 2 * MINUTE)]


def exhausted(hit: bool) -> Tape:
    """A rise as long as twice the usual range of a day, or nearly."""
    return [*days(20, 1), *trades([*steps(100, 0.2, 20), 104.1 if hit else 103.9])]


def busy_day(hit: bool) -> Tape:
    """So many shares by one trade."""
    return [*days(10, 1), *trades([2_000], size=3_000 if hit else 2_999)]


def low_float(hit: bool) -> Tape:
    """Busy, in a name of so many shares that can be traded."""
    return [supplied({"float": 19_999_999 if hit else 2e7}), *days(10, 1), *trades([2_000], size=3_000)]


def busy_low_float(hit: bool) -> Tape:
    """Of so low a float, busy or not quite."""
    return [supplied({"float": 19_999_999}), *busy_day(hit)]


def before_earnings(hit: bool) -> Tape:
    """Out of its range, so many days before the earnings."""
    return [supplied({"earnings": TODAY + (3 if hit else 2) * DAY + HOUR}), *out_of_range(True)]


def long_before_earnings(hit: bool) -> Tape:
    """Weeks before them, out of its range or not quite."""
    return [supplied({"earnings": TODAY + 30 * DAY}), *out_of_range(hit)]


def sold_after_hours(hit: bool) -> Tape:
    """15:59 and 17:00 in New York."""
    closing = trades([100], utc("2025-11-05T20:59:00"), symbol=EQUITY)
    return [*closing, *trades([94.9 if hit else 95.1], utc("2025-11-05T22:00:00"), symbol=EQUITY)]


def out_of_range(hit: bool) -> Tape:
    """Five-minute bars between 99 and 101, and then above them or not."""
    swings = [100, 99, 101, 100] * 24
    return [*trades(swings, step=FIVE // 4), *trades([101.1 if hit else 101], TODAY + 24 * FIVE)]


def oversold(hit: bool) -> Tape:
    """Quarter of an hour down, or up, on so much volume a minute."""
    return trades(steps(100, -0.1 if hit else 0.1, 16), size=1_000_001)


def oversold_on_volume(hit: bool) -> Tape:
    """Down, on more than a million a minute or less."""
    return trades(steps(100, -0.1, 16), size=1_000_001 if hit else 999_999)


def high_volume(hit: bool) -> Tape:
    """One minute."""
    return trades([100], size=1_000_001 if hit else 1_000_000)


def momentum(hit: bool) -> Tape:
    """Up within five minutes on volume, after an hour of quiet."""
    return [*trades([100] * 60), *trades([100.6 if hit else 100.4], TODAY + 60 * MINUTE, size=100)]


CATALOGUE = [
    Whole(
        "gap on volume",
        [("gap_from_close_pct", ">=", 4), ("relative_volume_same_time", ">=", 200)],
        "gap_pct >= 4 and relative_volume_same_time >= 200",
        gap_on_volume,
    ),
    Whole(
        "strong premarket",
        [("change_from_close_premarket_pct", ">=", 5), ("premarket_volume", ">=", 1e5)],
        'session == "pre" and change_from_close_pct >= 5 and premarket_volume >= 1e5',
        strong_premarket,
    ),
    Whole(
        "no longer oversold",
        [("rsi_14_5m", ">", 30), ("atrp_14_daily", ">=", 3)],
        "crosses_above(rsi(14,5m), 30) and atr_pct(14,1d) >= 3",
        recovering,
    ),
    Whole(
        "engulfing above the average",
        [("bullish_engulfing_5m", "==", 1), ("ma_dist_ema50_15m_pct", ">", 0)],
        "bullish_engulfing(5m) and price > ema(50,15m)",
        engulfing,
    ),
    Whole(
        "opening range breakdown on volume",
        [("opening_range_breakdown_5m", "==", 1), ("volume_spike_10_5m", ">=", 2)],
        "crosses_below(price, opening_range_low(5m)) and volume_ratio(10,5m) >= 2",
        breakdown,
    ),
    Whole(
        "running up",
        [("running_up_60s_pct", ">=", 1.5), ("trade_count_1m", ">=", 200)],
        "change_pct(60s) >= 1.5 and (trades_last(1m) >= 200 or trade_size >= 1e4)",
        running,
    ),
    Whole(
        "pressing on the high",
        [("dist_to_high_of_day_pct", "<", 0.5), ("consecutive_candles_5m", ">=", 3)],
        "dist_to_day_high_pct < 0.5 and consecutive_candles(5m) >= 3",
        pressing,
    ),
    Whole(
        "held by vwap",
        [("vwap_support_1m", "==", 1), ("change_from_open_pct", ">", 1)],
        "vwap_support(1m) and change_from_open_pct > 1 and for_last(9, close > vwap)",
        held,
    ),
    Whole(
        "exhausted",
        [("relative_range_pct", ">=", 200), ("rsi_14_1m", ">", 80)],
        "relative_range_pct >= 200 and rsi(14) > 80",
        exhausted,
    ),
    Whole(
        "low float, busy",
        [("float", "<", 2e7), ("dollar_volume_daily", ">=", 5e6), ("relative_volume_daily", ">=", 300)],
        "float < 2e7 and dollar_volume_day >= 5e6 and relative_volume_day >= 300",
        low_float,
    ),
    Whole(
        "sold after hours",
        [("change_from_close_postmarket_pct", "<=", -5)],
        "change_from_close_postmarket_pct <= -5",
        sold_after_hours,
    ),
    Whole(
        "out of its range before the earnings",
        [("broke_recent_high_5m", "==", 1), ("days_until_earnings", ">", 2)],
        "consolidation_breakout(5m) and not (halted == 1 or days_until_earnings <= 2)",
        before_earnings,
    ),
]
"""The twelve of the catalogue."""

OTHER_MISSES = [
    replace(CATALOGUE[9], name="low float, busy or not", tape=busy_low_float),
    replace(CATALOGUE[11], name="out of its range or not, before the earnings", tape=long_before_earnings),
]
"""Two of the twelve again, near misses in their other conditions."""

SEED = [
    Whole("rule-1", [("rsi_14", "<", 30)], "rsi(14, 1m) < 30", oversold),
    Whole(
        "rule-2",
        [("rsi_14", "<", 30), ("volume_avg_5m", ">", 1_000_000)],
        "rsi < 30 and avg_volume(5) > 1M",
        oversold_on_volume,
    ),
    Whole("rule-3", [("volume", ">", 1_000_000)], "volume > 1M", high_volume),
    Whole(
        "r1",
        [("price_change_5m_pct", ">", 0.5), ("rel_volume_5m", ">", 1.5)],
        "change_pct(5m) > 0.5 and relative_volume(5m) > 150",
        momentum,
    ),
]
"""The seed's own."""
