"""Random rule sets over every metric there is, with bounds that prices of the random markets reach."""

import random
from typing import Final

from engine.rules.language import parse_expression
from tests.support.engine_runs import RuleSets

METRICS: Final = (
    ("price", 100.0),
    ("rsi(3, 1m)", 60.0),
    ("rsi(14, 1m)", 50.0),
    ("rsi(2, 5m)", 50.0),
    ("sma(5, 1m)", 100.0),
    ("sma(2, 5m)", 100.0),
    ("sma(3, 1d)", 100.0),
    ("ema(4, 1m)", 100.0),
    ("ema(3, 2m)", 100.0),
    ("sma(3, 10m)", 100.0),
    ("rsi(2, 30m)", 50.0),
    ("avg_volume(2, 30m)", 800.0),
    ("sma(2, 2h)", 100.0),
    ("relative_volume(2m)", 80.0),
    ("high(4h)", 100.0),
    ("ema(2, 15m)", 100.0),
    ("ema(2, 1d)", 100.0),
    ("vwap", 100.0),
    ("vwap_dist_pct", 0.0),
    ("volume_last(3m)", 500.0),
    ("volume_last(1h)", 5000.0),
    ("rolling_vwap(5m)", 100.0),
    ("change_pct(2m)", 0.0),
    ("change(5m)", 0.0),
    ("relative_volume(1m)", 80.0),
    ("relative_volume(5m)", 80.0),
    ("avg_volume(3, 1m)", 150.0),
    ("volume(5m)", 800.0),
    ("open(1m)", 100.0),
    ("high(15m)", 100.0),
    ("low(1h)", 100.0),
    ("close(1d)", 100.0),
    ("volume(1d)", 3000.0),
    ("trades(1m)", 3.0),
    ("day_high", 100.0),
    ("day_low", 100.0),
    ("day_open", 100.0),
    ("prior_close", 90.0),
    ("change_from_open_pct", 0.0),
    ("change_from_close", 0.0),
    ("volume_day", 1000.0),
    ("wma(4, 1m)", 100.0),
    ("wma(2, 15m)", 100.0),
    ("macd(2, 4, 3, 1m)", 0.0),
    ("macd_signal(2, 4, 3, 1m)", 0.0),
    ("macd_hist(2, 3, 2, 5m)", 0.0),
    ("bb_upper(5, 2, 1m)", 100.0),
    ("bb_middle(3, 2, 1d)", 100.0),
    ("bb_lower(3, 1, 5m)", 100.0),
    ("atr(3, 1m)", 0.5),
    ("atr_pct(2, 5m)", 0.5),
    ("stoch_k(4, 3, 2, 1m)", 50.0),
    ("stoch_d(3, 2, 2, 1m)", 50.0),
    ("stoch_d(2, 2, 1, 5m)", 50.0),
    ("adx(3, 1m)", 50.0),
    ("plus_di(3, 1m)", 30.0),
    ("minus_di(2, 5m)", 30.0),
    ("obv(1m)", 100.0),
    ("donchian_upper(5, 1m)", 100.0),
    ("donchian_lower(3, 5m)", 100.0),
    ("keltner_upper(4, 2, 3, 1m)", 100.0),
    ("keltner_lower(2, 1, 2, 5m)", 100.0),
    ("cci(4, 1m)", 50.0),
    ("cci(2, 5m)", 50.0),
    ("mfi(3, 1m)", 50.0),
    ("mfi(2, 5m)", 50.0),
    ("williams_r(4, 1m)", -50.0),
    ("volume_ratio(3, 1m)", 1.0),
    ("volume_ratio(2, 5m)", 1.0),
    ("avg_range(3, 1m)", 0.3),
    ("body(1m)", 0.1),
    ("upper_shadow(5m)", 0.1),
    ("lower_shadow(1m)", 0.1),
    ("consecutive_candles(1m)", 1.0),
    ("consecutive_candles(5m)", -1.0),
)
OPERATORS: Final = (">", "<", ">=", "<=", "!=")
SCALES: Final = (0.1, 0.5, 1.0, 2.0)
COOLDOWNS_S: Final = (0, 1, 10, 120)


def add_rule_sets(sets: RuleSets, seed: int, count: int = 3) -> list[str]:
    """Their hashes. Sets share rules, so that a switch from one to another keeps some and begins others."""
    rng = random.Random(seed)
    pool = [_rule(rng) for _ in range(10)]
    return [sets.add({f"r{number}": pool[number] for number in rng.sample(range(10), 6)}) for _ in range(count)]


def _rule(rng: random.Random) -> tuple[str, int]:
    parts = [
        f"{metric} {rng.choice(OPERATORS)} {bound * rng.choice(SCALES)!r}"
        for metric, bound in rng.sample(METRICS, rng.choice((1, 1, 2)))
    ]
    text = " and ".join(condition.text for condition in parse_expression(" and ".join(parts)))
    return text, rng.choice(COOLDOWNS_S) * 10**9
