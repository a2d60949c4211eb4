"""What an alert of each alert type says in one line."""

import pytest

from engine.rules.sentence import sentence
from tests.support.candles import Told
from tests.support.lab import SYMBOL, Lab
from tests.unit.engine.template_cases import CASES, Case
from tests.unit.engine.test_templates import of_template

SENTENCES = {
    "lower_shadow_candle": "1m lower shadow 2.00 > 2 × 1m body (0.40)",
    "upper_shadow_candle": "1m upper shadow 1.80 > 2 × 1m body (0.40)",
    "bullish_close": "1m close 10.50 > 1m open 10.00",
    "bearish_close": "1m close 9.50 < 1m open 10.00",
    "bullish_engulfing": "1m bullish engulfing",
    "bearish_engulfing": "1m bearish engulfing",
    "bullish_harami": "1m bullish harami",
    "bearish_harami": "1m bearish harami",
    "inside_bar": "1m inside bar",
    "outside_bar": "1m outside bar",
    "doji": "1m doji",
    "hammer": "1m hammer",
    "shooting_star": "1m shooting star",
    "new_candle_high": "1m high 11.10 > previous 11.00",
    "new_candle_low": "1m low 8.90 < previous 9.00",
    "near_day_high": "distance to day high 0.4% < 0.5%, regular session",
    "near_day_low": "distance to day low 0.4% < 0.5%, regular session",
    "near_day_high_ext": "price below extended day high by 0.4% < 0.5%",
    "near_day_low_ext": "price against extended day low 0.4% < 0.5%",
    "new_day_high": "day high 101.00 > 100.00 before, regular session",
    "new_day_low": "day low 99.00 < 100.00 before, regular session",
    "near_recent_high": (
        "price 99.95 <= previous 3-bar 1m high 100.00 and > previous 3-bar 1m high less 0.1% (99.90), regular session"
    ),
    "near_recent_low": (
        "price 100.05 >= previous 3-bar 1m low 100.00 and < previous 3-bar 1m low plus 0.1% (100.10), regular session"
    ),
    "broke_recent_high": "price 100.50 > previous 3-bar 1m high 100.00, regular session",
    "broke_recent_low": "price 99.50 < previous 3-bar 1m low 100.00, regular session",
    "rejected_recent_high": (
        "2-bar 1m high 100.00 <= 5-bar 1m high 2 bars ago 100.00"
        " and >= 5-bar 1m high 2 bars ago less 0.1% (99.90), "
        "price 99.50 <= 2-bar 1m high less 0.5% (99.50), "
        "regular session"
    ),
    "rejected_recent_low": (
        "2-bar 1m low 100.00 >= 5-bar 1m low 2 bars ago 100.00"
        " and <= 5-bar 1m low 2 bars ago plus 0.1% (100.10), "
        "price 100.50 >= 2-bar 1m low plus 0.5% (100.50), "
        "regular session"
    ),
    "consolidation_breakout": (
        "previous 5-bar 1m range 2.00 <= 2 × previous 1m ATR (4.00), "
        "price 101.10 > previous 5-bar 1m high 101.00, "
        "regular session"
    ),
    "consolidation_breakdown": (
        "previous 5-bar 1m range 2.00 <= 2 × previous 1m ATR (4.00), "
        "price 98.90 < previous 5-bar 1m low 99.00, "
        "regular session"
    ),
    "through_vwap_above": (
        "1m open 99.00 < VWAP 100.01, "
        "price 102.50 > VWAP 100.01, "
        "1m range 3.60 >= 3 × previous 5-bar 1m average range (3.00)"
    ),
    "through_vwap_below": (
        "1m open 101.00 > VWAP 99.99, "
        "price 97.50 < VWAP 99.99, "
        "1m range 3.60 >= 3 × previous 5-bar 1m average range (3.00)"
    ),
    "vwap_support": (
        "1m close 3 bars ago 101.00 > VWAP 100.00, "
        "3-bar 1m low 100.05 <= VWAP plus 0.1% (100.10)"
        " and >= VWAP less 0.1% (99.90), "
        "price 100.30 >= VWAP plus 0.2% (100.20)"
    ),
    "vwap_resistance": (
        "1m close 3 bars ago 99.00 < VWAP 100.00, "
        "3-bar 1m high 99.95 >= VWAP less 0.1% (99.90)"
        " and <= VWAP plus 0.1% (100.10), "
        "price 99.70 <= VWAP less 0.2% (99.80)"
    ),
    "back_to_ema": (
        "(1m close off 1m EMA(3) by >= 2% at each of the last 3 1m closes) within the last 10 1m closes, "
        "price off 1m EMA(3) by 0.05% <= 0.5%"
    ),
    "crossed_above": "price 100.10 crosses above 100 (was 99.00)",
    "crossed_below": "price 99.90 crosses below prior close 100.00 (was 101.00)",
    "ma_cross_above": "1m EMA(2) 104.17 crosses above 1m EMA(3) 103.50 (was 100.50 against 101.00)",
    "ma_cross_below": "1m EMA(2) 98.83 crosses below 1m EMA(3) 99.50 (was 102.50 against 102.00)",
    "macd_cross_above": "1m MACD -12.98 crosses above 1m MACD signal -16.04 (was -19.10 against -16.80)",
    "macd_cross_below": "1m MACD 12.98 crosses below 1m MACD signal 16.04 (was 19.10 against 16.80)",
    "rsi_cross_above": "1m RSI(2) 66.7 crosses above 30 (was 0)",
    "rsi_cross_below": "1m RSI(2) 33.3 crosses below 70 (was 100)",
    "volume_spike": "1m volume 2x 3-bar average (>= 2x)",
    "block_trade": "trade size 10K >= 10K",
    "running_up": "60s change 0.6% >= 0.5%",
    "running_down": "60s change -0.5% <= -0.5%",
    "running_up_dollars": "60s change 0.50 >= 0.5",
    "running_down_dollars": "60s change -0.50 <= -0.5",
    "opening_range_breakout": "price 101.10 crosses above 3m opening range high 101.00 (was 100.50), regular session",
    "opening_range_breakdown": "price 98.90 crosses below 3m opening range low 99.00 (was 99.50), regular session",
    "gap_up": "gap 3% >= 3%, regular session",
    "gap_down": "gap -3% <= -3%, regular session",
    "gap_filled": "gap filled 100% >= 100%, regular session",
    "new_52w_high": "price 101.10 > 52-week high 101.00",
    "new_52w_low": "price 98.90 < 52-week low 99.00",
    "halt": "trading halted",
    "resume": "trading resumed",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_says_why_it_fired(case: Case) -> None:
    lab = Lab({"r": of_template(case)})
    Told(lab).tell(case.fires)
    assert sentence(lab.alerts[case.opening].body) == f"{SYMBOL} {SENTENCES[case.name]}"
