"""The hundred rules that everything is measured with: two conditions each, over twelve metrics, ten families of ten
levels."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from engine.rules.body import rule_set
from engine.rules.plan import Plan, compile_rule_set
from schemas.rule import RuleBody, RuleEntry, rule_set_hash
from schemas.rule_file import load_rules

COOLDOWN_S: Final = 60
LEVELS: Final = 10

# Metric, operator, bound at the first level, step from one level to the next; twice. Bounds are such that each rule is
# true on some rows of a chunk and on few of them, as a trader wants it.
FAMILIES: Final = (
    (("change_pct(1m)", ">", 0.7, 0.1), ("volume", ">", 2_000, 500)),
    (("change_pct(1m)", "<", -0.7, -0.1), ("volume_last(5m)", ">", 6_000, 1_000)),
    (("change_pct(5m)", ">", 1.2, 0.1), ("rsi(7)", ">", 75, 1.5)),
    (("change_pct(5m)", "<", -1.2, -0.1), ("rsi(7)", "<", 25, -1.5)),
    (("vwap_dist_pct", ">", 0.9, 0.1), ("price", ">", 150, 20)),
    (("vwap_dist_pct", "<", -0.9, -0.1), ("price", "<", 40, -3)),
    (("change_from_open_pct", ">", 2.0, 0.2), ("ema(10)", ">", 100, 20)),
    (("change_from_open_pct", "<", -2.0, -0.2), ("sma(10)", "<", 60, -5)),
    (("rsi(7)", ">", 88, 1), ("high", ">", 100, 20)),
    (("rsi(7)", "<", 12, -1), ("low", "<", 60, -5)),
)


def documents() -> list[dict[str, Any]]:
    """The rules as a user writes them."""
    return [
        {
            "id": f"rule-{family}-{level}",
            "conditions": [
                {"metric": metric, "operator": operator, "value": round(first + level * step, 6)}
                for metric, operator, first, step in conditions
            ],
            "cooldown": COOLDOWN_S,
        }
        for family, conditions in enumerate(FAMILIES)
        for level in range(LEVELS)
    ]


def file_bytes() -> bytes:
    """The same as a file."""
    return msgspec.json.encode(documents())


def entries_and_bodies() -> tuple[list[RuleEntry], dict[str, RuleBody]]:
    """As they stand in the log."""
    return rule_set(load_rules(file_bytes()))


def plans() -> dict[str, Plan]:
    """As the engine takes them."""
    entries, bodies = entries_and_bodies()
    name = rule_set_hash(entries)
    return {name: compile_rule_set(name, entries, bodies)}
