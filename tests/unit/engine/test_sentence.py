"""The reason of an alert in one line: every kind of condition in words, values with the digits that matter, a bound on
its length."""

import re

import pytest

from engine.rules.parser import parse
from engine.rules.sentence import MAX_LENGTH, sentence
from engine.rules.spoken import spoken
from schemas.alert import AlertBody, Leaf
from tests.support.random_rules import METRICS


def said(*leaves: Leaf, symbol: str = "AAPL", muted: bool = False) -> str:
    """The sentence of an alert with these conditions, without its symbol."""
    body = AlertBody("id", "r", "hash", symbol, 1, 0, "each_row", 5.0, "regular", list(leaves), muted)
    return sentence(body).removeprefix(f"{symbol} ")


def compared(
    expression: str,
    value: float | None,
    operator: str,
    bound: float | None,
    against: str = "",
    verdict: bool | None = True,
) -> Leaf:
    return Leaf(expression, value, operator, bound, verdict, against)


def joined(operator: str, *parts: Leaf, verdict: bool | None = True) -> Leaf:
    return Leaf("of parts", None, operator, None, verdict, parts=parts)


def held(expression: str) -> Leaf:
    return Leaf(expression, None, "holds", None, True)


RSI = compared("rsi(14, 5m)", 28.41, "<", 30.0)
HALTED = compared("halted", 1.0, "==", 1.0)


def test_it_begins_with_the_symbol_and_tells_all_conditions() -> None:
    volume = compared("relative_volume(5m)", 321.0, ">", 200.0)
    body = AlertBody("id", "r", "hash", "AAPL", 1, 0, "each_row", 5.0, "regular", [RSI, volume])
    assert sentence(body) == "AAPL 5m RSI 28.4 < 30, 5m volume 3.2x usual"


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (compared("price", 100.1, ">", 100.0), "price 100.10 > 100"),
        (compared("price", 12345.6, ">=", 12000.5), "price 12,345.60 >= 12,000.5"),
        (compared("price", 0.0012345, "<", 0.002), "price 0.00123 < 0.002"),
        (compared("price", 100.001, ">", 100.0), "price 100.001 > 100"),
        (compared("price", 100.001, ">=", 100.0), "price 100.00 >= 100"),
        (compared("price", 100.001, "!=", 100.0), "price 100.001 != 100"),
        (compared("price", 99.999, ">=", 99.998, "vwap"), "price 100.00 >= VWAP 100.00"),
        (compared("price", 101.2, ">", 100.9, "vwap"), "price 101.20 > VWAP 100.90"),
        (compared("price", 101.2001, ">", 101.2, "vwap"), "price 101.2001 > VWAP 101.20"),
        (compared("price", None, ">", None, "vwap", None), "price no value > VWAP no value"),
        (compared("volume_day", 1234567.0, ">", 75000.0), "day volume 1.23M > 75K"),
        (compared("volume_day", 10004.0, ">", 10000.0), "day volume 10.004K > 10K"),
        (compared("volume(1m)", 950.0, "<", 1234.0), "1m volume 950 < 1,234"),
        (compared("dollar_volume_day", 5.678e9, ">=", 5e6), "day dollar volume $5.68B >= $5M"),
        (compared("float", 19_512_345.0, "<", 2e7), "float 19.5M < 20M"),
        (compared("market_cap", 1.234e9, ">", 1e9), "market cap $1.23B > $1B"),
        (compared("days_until_earnings", 3.0, ">", 2.0), "days until earnings 3 > 2"),
        (compared("change_from_open_pct", 3.0271, ">", 3.0), "change from open 3.03% > 3%"),
        (compared("change_pct(60s)", -0.5, "<=", -0.5), "60s change -0.5% <= -0.5%"),
        (compared("-change_pct(5m)", 1.25, ">=", 1.0), "5m fall 1.25% >= 1%"),
        (compared("abs(gap_pct)", 1.5, ">=", 1.0), "|gap| 1.5% >= 1%"),
        (compared("relative_volume(5m)", 45.0, "<", 50.0), "5m volume 0.45x usual (< 0.5x)"),
        (compared("relative_volume_same_time", 212.0, ">=", 200.0), "day volume 2.1x usual for the time"),
        (compared("volume_ratio(10, 5m)", 2.34, ">=", 2.0), "5m volume 2.3x 10-bar average (>= 2x)"),
        (compared("rsi(2, 1d)", 91.0, ">", 90.0), "1d RSI(2) 91 > 90"),
        (compared("macd(12, 26, 9, 5m)", 0.5, ">", 0.0), "5m MACD 0.50 > 0"),
        (compared("bb_upper(5, 2, 1m)", 10.0, "<", 11.0), "1m upper Bollinger band(5, 2) 10.00 < 11"),
        (compared("cci(20, 5m)", -123.4, "<", -100.0), "5m CCI -123.4 < -100"),
        (compared("swing_high(2, 5m)", 10.0, "<", 11.0), "5m swing high(2) 10.00 < 11"),
        (compared("biggest_range_pct(30d)", 12.0, ">", 9.0), "largest day range of 30d 12% > 9%"),
        (compared("trades(1m)", 301.0, ">", 300.0), "1m trades 301 > 300"),
        (compared("highest(20, 5m)", 10.0, ">", 9.0), "20-bar 5m high 10.00 > 9"),
        (compared("avg_volume(10, 5m)", 1500.0, ">", 1000.0), "10-bar 5m average volume 1,500 > 1,000"),
        (compared("time_of_day", 587.0, ">=", 585.0), "time 09:47 >= 09:45"),
        (compared("weekday", 1.0, "==", 1.0), "Monday"),
        (compared("weekday", 3.0, "!=", 1.0), "Wednesday"),
        (compared("session", 2.0, "==", 2.0), "regular session"),
        (compared("session", 1.0, "!=", 2.0), "premarket"),
        (compared("session", 2.0, "!=", 1.0, "prev(session)"), "session regular != pre before"),
        (HALTED, "trading halted"),
        (compared("halted", 0.0, "==", 0.0), "trading not halted"),
        (compared("halted", 0.0, "<", 1.0, "prev(halted)"), "trading resumed"),
    ],
)
def test_comparisons(leaf: Leaf, expected: str) -> None:
    assert said(leaf) == expected


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (compared("day_high", 11.0, ">", 10.9, "prev(day_high)"), "day high 11.00 > 10.90 before"),
        (compared("high(5m)", 11.0, ">", 10.9, "high(5m)[1]"), "5m high 11.00 > previous 10.90"),
        (compared("high(5m)", 11.0, ">", 10.9, "high(5m)[3]"), "5m high 11.00 > 10.90 3 bars ago"),
        (compared("price", 11.0, ">", 10.9, "close(5m)[1]"), "price 11.00 > previous 5m close 10.90"),
        (compared("price", 11.0, ">", 10.9, "close(5m)[2]"), "price 11.00 > 5m close 2 bars ago 10.90"),
        (compared("price[2]", 11.0, ">", 10.9, "vwap"), "price 2 1m bars ago 11.00 > VWAP 10.90"),
        (
            compared("price", 99.0, "<", 99.2, "0.992 * highest(30, 1m)"),
            "price 99.00 < 30-bar 1m high less 0.8% (99.20)",
        ),
        (compared("price", 99.0, ">", 98.2, "1.02 * vwap"), "price 99.00 > VWAP plus 2% (98.20)"),
        (compared("lower_shadow(1m)", 2.0, ">", 0.4, "2 * body(1m)"), "1m lower shadow 2.00 > 2 × 1m body (0.40)"),
        (
            compared("high(5m) - low(5m)", 0.5, ">", 0.3, "0.003 * price"),
            "5m range 0.50 > 0.3% of price (0.30)",
        ),
        (
            compared("close(5m) - low(1m)", 0.5, "<", 0.6, "0.1 * (price + vwap)"),
            "5m close - 1m low (0.50) < 10% of (price + VWAP) (0.60)",
        ),
        (compared("(price + vwap) / 2", 10.0, ">", 9.0, "low(1m)"), "(price + VWAP) / 2 (10.00) > 1m low 9.00"),
        (compared("100 * (price / ema(9, 5m) - 1)", 1.234, ">", 1.0), "price against 5m EMA(9) 1.23% > 1%"),
        (compared("price / vwap - 1", 0.0123, ">", 0.01), "price against VWAP 1.23% > 1%"),
        (compared("abs(price / ema(20, 5m) - 1)", 0.0031, "<=", 0.005), "price off 5m EMA(20) by 0.31% <= 0.5%"),
        (compared("100 * (vwap - price) / vwap", 0.4, "<", 0.5), "price below VWAP by 0.4% < 0.5%"),
        (compared("avg(5, price)", 10.0, ">", 9.0), "5-bar 1m average of price 10.00 > 9"),
        (compared("max(price, vwap)", 10.0, ">", 9.0), "max(price, VWAP) (10.00) > 9"),
        (
            compared("count(5, close(1m) > vwap)", 3.0, ">=", 2.0),
            "1m close > VWAP at 3 of the last 5 1m closes (>= 2)",
        ),
    ],
)
def test_look_backs_and_calculations(leaf: Leaf, expected: str) -> None:
    assert said(leaf) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("for_last(10, close(1m) > vwap)", "1m close > VWAP at each of the last 10 1m closes"),
        ("for_last(1, rsi(14, 5m) > 80)", "5m RSI > 80 at the last 5m close"),
        ("within_last(3, crosses_above(price, vwap))", "price crosses above VWAP within the last 3 1m closes"),
        (
            "within_last(9, relative_volume(5m) > 200 and not halted == 1)",
            "(5m volume > 2x usual and (not trading halted)) within the last 9 1m closes",
        ),
        (
            'within_last(9, for_last(2, session == "pre" or weekday != "mon"))',
            "((premarket or not Monday) at each of the last 2 1m closes) within the last 9 1m closes",
        ),
        ("(close(5m) > vwap)[1]", "(5m close > VWAP) one 1m bar ago"),
        ("(close(5m) > open(5m))[2]", "(5m close > 5m open) 2 bars ago"),
        ("within_last(2, is_null(vwap))", "VWAP has no value within the last 2 1m closes"),
        ("something(of, another, version)", "something(of, another, version)"),
    ],
)
def test_conditions_at_closes(expression: str, expected: str) -> None:
    assert said(held(expression)) == expected
    opposite = joined("not", Leaf(expression, None, "holds", None, False))
    assert said(opposite) == f"not ({expected})"


def test_crosses_tell_the_row_before() -> None:
    level = Leaf("rsi(14, 1m)", 31.2, "crosses_above", 30.0, True, previous=(28.9, 30.0))
    assert said(level) == "1m RSI 31.2 crosses above 30 (was 28.9)"
    still = Leaf("price", 99.9, "crosses_below", 100.0, True, "vwap", (100.1, 100.0))
    assert said(still) == "price 99.90 crosses below VWAP 100.00 (was 100.10)"
    moving = Leaf("price", 99.9, "crosses_below", 100.0, True, "vwap", (100.1, 99.95))
    assert said(moving) == "price 99.90 crosses below VWAP 100.00 (was 100.10 against 99.95)"
    unlike = Leaf("price", 99.9, "crosses_above", 100.0, False, "vwap", (None, None))
    assert said(joined("not", unlike)) == "price 99.90 does not cross above VWAP 100.00"


def test_missing_values() -> None:
    assert said(Leaf("rsi(14, 5m)", None, "is_null", None, True)) == "5m RSI has no value"
    assert said(joined("not", Leaf("rsi(14, 5m)", 50.0, "is_null", None, False))) == "5m RSI 50"


def test_of_or_only_what_was_true_is_told() -> None:
    null = compared("trade_size", None, ">=", 10000.0, "", None)
    value = compared("trade_value", 250000.0, ">=", 200000.0)
    low = compared("price", 5.0, ">", 9.0, "", False)
    assert said(joined("or", null, value)) == "trade value $250K >= $200K"
    assert said(joined("or", joined("and", RSI, value), low)) == "5m RSI 28.4 < 30, trade value $250K >= $200K"


def test_not_tells_what_was_instead() -> None:
    low, null = compared("price", 5.0, ">", 9.0, "", False), compared("vwap", None, ">", 9.0, "", None)
    assert said(joined("not", low)) == "price 5.00 <= 9"
    assert said(joined("not", joined("and", RSI, low, null, verdict=False))) == "price 5.00 <= 9"
    assert (
        said(joined("not", joined("or", low, joined("not", RSI, verdict=False)))) == "price 5.00 <= 9, 5m RSI 28.4 < 30"
    )


def test_constants_say_nothing() -> None:
    assert said(held("true"), compared("2", 2.0, ">", 1.0), RSI) == "5m RSI 28.4 < 30"
    assert said(held("true")) == "fired"


def test_the_session_comes_last_and_bounds_of_one_figure_together() -> None:
    session = compared("session", 2.0, "==", 2.0)
    above, below = compared("price", 5.0, ">", 4.0), compared("price", 5.0, "<", 6.0)
    assert said(session, above, below, RSI, above) == "price 5.00 > 4 and < 6, 5m RSI 28.4 < 30, regular session"


def test_it_is_at_most_200_characters_long() -> None:
    many = [compared(f"ema({n}, 5m)", 100.0 + n, ">", 99.0, f"sma({n}, 15m)") for n in range(2, 12)]
    found = said(*many)
    assert found.endswith("5m EMA(5) 105.00 > 15m SMA(5) 99.00, … and 6 more")
    assert len(f"AAPL {found}") <= MAX_LENGTH
    long = held("x" * 300)
    assert len(f"AAPL {said(long)}") == MAX_LENGTH
    assert said(long).endswith("…")
    assert said(long, RSI).endswith("…, … and 1 more")
    assert len(f"AAPL {said(long, muted=True)}") == MAX_LENGTH
    assert len(sentence(AlertBody("", "", "", "S" * 900, 1, 0, "", None, "", [long, RSI]))) == MAX_LENGTH


def test_the_alert_that_mutes_its_rule_says_so() -> None:
    assert said(RSI, muted=True) == "5m RSI 28.4 < 30; muted from here on"


def test_what_nobody_can_have_made_is_no_error() -> None:
    deep = RSI
    for _ in range(900):
        deep = joined("not", deep)
    assert said(deep) == "of parts"
    odd = Leaf("price", 1e308, "<>", -1e308, None, "?", (None, None))
    assert said(odd, compared("", None, "<", None), compared("session", 9e99, "==", None)) == (
        "price,  (no value) < no value, session 9e+99 == no value"
    )


@pytest.mark.parametrize("metric", [metric for metric, _ in METRICS])
def test_every_metric_has_words(metric: str) -> None:
    found = spoken(parse(metric))
    assert re.fullmatch(r"[A-Za-z0-9%+\-(), ]+", found.name + found.before + found.after)
