"""Random rule sets over every metric there is, with bounds that prices of the random markets reach."""

import random
from typing import Final

from engine.rules.parser import parse_condition
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
    return parse_condition(" and ".join(parts)).text, rng.choice(COOLDOWNS_S) * 10**9
