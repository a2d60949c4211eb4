"""Texts grown from the grammar of rules, units aside: long enough to nest what people seldom nest."""

import random

METRICS = [
    *("price", "vwap", "close(5m)", "volume", "gap_pct", "change_pct(5m)", "rsi", "float", "halted", "trades_last(5m)"),
    *("time_of_day", "session", "weekday", "trade_value", "highest(20)", "ma_dist_pct(vwap)", "days_until_earnings"),
]
NUMBERS = ["5", "0", "-3", "0.5%", "2.5%", "75k", "1e-7", "1e300", "09:45", '"pre"', '"mon"']


def number(rng: random.Random, depth: int) -> str:
    """A number of at most so many parts within parts."""
    if depth <= 0 or rng.random() < 0.3:
        return rng.choice(METRICS if rng.random() < 0.7 else NUMBERS)
    inner, other = number(rng, depth - 1), number(rng, depth - 1)
    grown = (
        *(f"{inner} {op} {other}" for op in "+-*/"),
        *(f"-{inner}", f"({inner})", f"({inner})[{rng.randint(0, 3)}]", f"prev({inner})", f"abs({inner})"),
        *(f"min({inner}, {other})", f"max({inner}, 0.5%)", f"sum({rng.randint(1, 5)}, {inner})"),
        f"count({rng.randint(1, 5)}, {condition(rng, depth - 2)})",
    )
    return rng.choice(grown)


def condition(rng: random.Random, depth: int) -> str:
    """A condition, likewise."""
    if depth <= 0 or rng.random() < 0.4:
        operator = rng.choice((">", "<", ">=", "<=", "==", "!="))
        return f"{number(rng, depth - 1)} {operator} {number(rng, depth - 1)}"
    inner, other = condition(rng, depth - 1), condition(rng, depth - 1)
    grown = (
        *(f"{inner} and {other}", f"{inner} or {other}", f"not {inner}", f"({inner})", f"({inner}) == 0"),
        *(f"for_last({rng.randint(1, 5)}, {inner})", f"({inner})[{rng.randint(0, 3)}]"),
        *(f"crosses_above({number(rng, depth - 1)}, {number(rng, depth - 1)})", f"is_null({number(rng, depth - 1)})"),
    )
    return rng.choice(grown)
