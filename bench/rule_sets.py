"""Rules of three conditions over thirty different figures of trades, minutes, hours and days: as many as are wanted,
each with bounds of its own."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from bench.rules import COOLDOWN_S
from engine.rules.body import rule_set
from engine.rules.plan import Plan, compile_rule_set
from schemas.rule import RuleBody, RuleEntry, rule_set_hash
from schemas.rule_file import load_rules

# Metric, operator, bound of the first level and of the last; three times. The first of three is true on about one row
# in a hundred at the first level and next to none at the last, the others on one in five and one in a hundred.
FAMILIES: Final = (
    (("change_pct(1m)", ">", 0.9, 1.5), ("relative_volume(1m)", ">", 120, 1_500), ("rsi(14, 1m)", ">", 69, 91)),
    (("change_pct(15m)", "<", -2.0, -5.0), ("volume_ratio(5, 15m)", ">", 0.08, 2.5), ("rsi(7, 15m)", "<", 31, 5.5)),
    (("vwap_dist_pct", ">", 4.5, 7.0), ("price", ">", 100, 500), ("sma(20, 1d)", "<", 300, 100)),
    (("stoch_k(14, 3, 3, 5m)", ">", 99.7, 100), ("ema(9, 1m)", ">", 166, 500), ("sma(20, 1m)", ">", 166, 500)),
    (("macd_hist", ">", 0.8, 1.2), ("bb_upper(20, 2, 1m)", ">", 166, 500), ("trades(1m)", ">", 140, 13_000)),
    (("change_from_open_pct", ">", 10.4, 12.5), ("volume_day", ">", 1.3e7, 8.4e8), ("gap_pct", ">", 0.7, 5.8)),
    (("trade_size", ">", 900, 1_000), ("volume_last(5m)", ">", 2e6, 1.2e7), ("position_in_range(30m)", ">", 90, 99.9)),
    (("rsi(14, 5m)", ">", 90, 97), ("dist_to_day_high_pct", "<", 0.2, 0.01), ("relative_volume_day", ">", 103, 140)),
    (("atr_pct(14, 5m)", ">", 0.48, 0.51), ("ema(5, 1h)", "<", 100, 4.7), ("high(1h)", "<", 100, 4.7)),
    (("change_pct(60s)", ">", 0.9, 1.5), ("relative_range_pct", ">", 230, 600), ("change_pct(5d)", ">", 1, 11.8)),
)


def documents(count: int) -> list[dict[str, Any]]:
    """`count` rules, a multiple of ten, as a user writes them; the levels of a family lie evenly between its bounds."""
    levels = count // len(FAMILIES)
    return [
        {
            "id": f"rule-{family}-{level}",
            "conditions": [
                {"metric": metric, "operator": operator, "value": first + (last - first) * level / levels}
                for metric, operator, first, last in conditions
            ],
            "cooldown": COOLDOWN_S,
        }
        for family, conditions in enumerate(FAMILIES)
        for level in range(levels)
    ]


def file_bytes(count: int) -> bytes:
    """The same as a file."""
    return msgspec.json.encode(documents(count))


def entries_and_bodies(file: bytes) -> tuple[list[RuleEntry], dict[str, RuleBody]]:
    """As they stand in the log."""
    return rule_set(load_rules(file))


def compiled(file: bytes) -> Plan:
    """As the engine takes them."""
    entries, bodies = entries_and_bodies(file)
    return compile_rule_set(rule_set_hash(entries), entries, bodies)
