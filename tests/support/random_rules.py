"""Random rule sets over every metric there is, with bounds that prices of the random markets reach."""

import random
from typing import Any, Final

from engine.rules.parser import parse_condition
from engine.rules.universe import universe_of
from schemas.rule import BAR_CLOSE, BECOMES_TRUE, EACH_ROW, ONCE_PER_BAR, TRIGGERS, RuleBody, SeedUniverse
from tests.support.engine_runs import RuleSets
from tests.support.markets import SYMBOLS, TAGS

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
    ("change_pct(60s)", 0.0),
    ("change(90s)", 0.0),
    ("change_pct(1d)", 0.0),
    ("change(3d)", 0.0),
    ("day_close", 100.0),
    ("prior_high", 110.0),
    ("prior_low", 60.0),
    ("change_from_close_premarket_pct", 0.0),
    ("change_from_close_postmarket", 0.0),
    ("premarket_high", 100.0),
    ("premarket_low", 100.0),
    ("day_high_ext", 100.0),
    ("day_low_ext", 100.0),
    ("premarket_volume", 500.0),
    ("postmarket_volume", 500.0),
    ("overnight_volume", 500.0),
    ("gap", 1.0),
    ("gap_pct", 1.0),
    ("gap_fill_pct", 50.0),
    ("range_today", 1.0),
    ("range_pct_today", 1.0),
    ("position_in_range_today", 50.0),
    ("dist_to_day_high_pct", 1.0),
    ("dist_to_day_low_pct", 1.0),
    ("relative_range_pct", 20.0),
    ("dollar_volume_day", 100000.0),
    ("dollar_volume_last(3m)", 50000.0),
    ("trades_last(5m)", 4.0),
    ("range_last(10m)", 0.5),
    ("range_pct_last(3m)", 0.3),
    ("position_in_range(15m)", 50.0),
    ("avg_volume_day(2d)", 1000.0),
    ("relative_volume_day", 50.0),
    ("relative_volume_same_time", 80.0),
    ("opening_range_high(5m)", 100.0),
    ("opening_range_low(30m)", 100.0),
    ("highest(5, 1m)", 100.0),
    ("lowest(3, 10m)", 100.0),
    ("minutes_in_market", 60.0),
    ("minutes_to_close", 60.0),
    ("trade_size", 200.0),
    ("trade_value", 20000.0),
    ("halted", 0.5),
    ("minutes_since_halt", 2.0),
    ("seconds_since_trade", 1.0),
    ("float", 5e7),
    ("shares_outstanding", 5e7),
    ("market_cap", 5e9),
    ("short_interest_pct", 10.0),
    ("institutional_ownership_pct", 50.0),
    ("short_ratio", 3.0),
    ("days_until_earnings", 2.0),
    ("vwap_dist", 0.0),
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
    ("high_52w", 100.0),
    ("low_52w", 60.0),
    ("biggest_range_pct(2d)", 50.0),
    ("biggest_range_pct(30d)", 100.0),
    ("range_days(2d)", 10.0),
    ("range_pct_days(3d)", 50.0),
    ("position_in_range(2d)", 50.0),
    ("minutes_since_day_high", 3.0),
    ("minutes_since_day_low", 1.0),
    ("dist_to_day_high_ext_pct", 1.0),
    ("dist_to_day_low_ext_pct", 1.0),
    ("swing_high(1, 1m)", 100.0),
    ("swing_low(2, 1m)", 100.0),
    ("swing_high(1, 5m)", 100.0),
    ("swing_low(1, 10m)", 100.0),
)
PLACES: Final = (
    'session == "regular"',
    'session != "pre"',
    "time_of_day >= 09:45",
    "time_of_day < 15:58",
    'weekday == "mon"',
    'weekday != "tue"',
)
PATTERNS: Final = ("*-USD", "A*", "???", "?*-*", "*T*", "B*.B", "*S*D*", "X-?", "*/*")
PRICES: Final = (
    "price",
    "close(1m)",
    "close(5m)",
    "high(1m)",
    "ema(3, 1m)",
    "sma(3, 5m)",
    "vwap",
    "day_high",
    "low(1h)",
)
OPERATORS: Final = (">", "<", ">=", "<=", "!=", "==")
SCALES: Final = (0.1, 0.5, 1.0, 2.0)
COOLDOWNS_S: Final = (0, 0, 1, 10, 120)
FRAMES: Final = ("1m", "5m", "1h", "1d")


def add_rule_sets(sets: RuleSets, seed: int, count: int = 3) -> list[str]:
    """Their hashes. Sets share rules, so that a switch from one to another keeps some and begins others."""
    rng = random.Random(seed)
    pool = [_Writer(rng).body() for _ in range(12)]
    return [sets.add({f"r{number}": pool[number] for number in rng.sample(range(12), 7)}) for _ in range(count)]


def add_tag_rules(sets: RuleSets, seed: int) -> list[str]:
    """Two sets with rules that are mostly about who is in: by tags, on every trigger, on edges twice."""
    rng = random.Random(seed)
    pool: list[RuleBody] = []
    for trigger in (*TRIGGERS, BECOMES_TRUE):
        tags = rng.sample(TAGS, 3)
        universe = SeedUniverse(tags=tags[: rng.randint(1, 2)], exclude_tags=tags[2 : rng.choice((2, 3))])
        condition = rng.choice(("price > 0", "price > prev(price)", "change_from_open_pct > 0", "vwap_dist_pct < 0"))
        pool.append(
            RuleBody(
                parse_condition(condition).text,
                trigger,
                rng.choice(COOLDOWNS_S) * 10**9,
                timeframe="1m" if trigger in (BAR_CLOSE, ONCE_PER_BAR) else "",
                rearm=parse_condition("price < prev(price)").text if trigger == BECOMES_TRUE and pool[1:] else "",
                universe=universe_of(universe, "universe"),
            )
        )
    numbers = range(len(pool))
    return [sets.add({f"r{n}": pool[n] for n in rng.sample(numbers, len(pool) - 1)}) for _ in range(2)]


def random_body(rng: random.Random) -> RuleBody:
    """One rule."""
    return _Writer(rng).body()


class _Writer:
    """Writes one rule."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def body(self) -> RuleBody:
        rng = self._rng
        trigger = rng.choice((*TRIGGERS, EACH_ROW, EACH_ROW))
        limits: dict[str, Any] = {}
        if rng.random() < 0.2:
            limits = {"max_fires": rng.randint(1, 4)}
        if rng.random() < 0.2:
            limits |= {"runaway_fires": rng.randint(2, 4), "runaway_ns": rng.choice((1, 60, 600)) * 10**9}
        if rng.random() < 0.5:
            limits |= {"universe": universe_of(self.universe(), "universe")}
        return RuleBody(
            parse_condition(self.condition(2)).text,
            trigger,
            rng.choice(COOLDOWNS_S) * 10**9,
            timeframe=rng.choice(FRAMES) if trigger in (BAR_CLOSE, ONCE_PER_BAR) else "",
            rearm=parse_condition(self.condition(1)).text if trigger == BECOMES_TRUE and rng.random() < 0.5 else "",
            **limits,
        )

    def universe(self) -> SeedUniverse:
        """Of the symbols of the random markets."""
        rng = self._rng
        by_tags = rng.random() < 0.5
        tags = rng.sample(TAGS, 4)
        return SeedUniverse(
            symbols=rng.sample(SYMBOLS[1:], rng.randint(2, 4)) if rng.random() < 0.4 else None,
            patterns=rng.sample(PATTERNS, rng.randint(2, 4)) if rng.random() < 0.6 else None,
            exclude=rng.sample((*PATTERNS, SYMBOLS[0]), rng.choice((0, 0, 1, 2))),
            tags=tags[: rng.randint(1, 2)] if by_tags else None,
            exclude_tags=tags[2 : 2 + rng.randint(0, 2)] if by_tags else [],
        )

    def condition(self, depth: int) -> str:
        rng = self._rng
        if depth and rng.random() < 0.5:
            inner = [self.condition(depth - 1) for _ in range(rng.randint(2, 3))]
            return f" {rng.choice(('and', 'and', 'or'))} ".join(f"({one})" for one in inner)
        return rng.choice((self._simple, self._simple, self._compared, self._crossed, self._over_closes, self._other))()

    def _simple(self) -> str:
        if self._rng.random() < 0.05:
            return self._rng.choice(PLACES)
        metric, bound = self._rng.choice(METRICS)
        return f"{metric} {self._rng.choice(OPERATORS)} {bound * self._rng.choice(SCALES)!r}"

    def _compared(self) -> str:
        return f"{self.price(2)} {self._rng.choice(OPERATORS)} {self.price(2)}"

    def _crossed(self) -> str:
        return f"crosses_{self._rng.choice(('above', 'below'))}({self.price(1)}, {self.price(1)})"

    def _over_closes(self) -> str:
        rng, count = self._rng, self._rng.randint(1, 4)
        inner = rng.choice((self._simple, self._compared, self._crossed))()
        return rng.choice(
            (f"for_last({count}, {inner})", f"within_last({count}, {inner})", f"count({count}, {inner}) >= {count - 1}")
        )

    def _other(self) -> str:
        rng = self._rng
        return rng.choice(
            (
                f"not ({self._simple()})",
                f"is_null({self.price(1)})",
                "price > prev(price)",
                f"({self._compared()})[{rng.randint(1, 3)}]",
                f"{self.price(1)} / {self.price(1)} - 1 > {rng.choice((-0.01, 0.0, 0.01))}",
            )
        )

    def price(self, depth: int) -> str:
        """Something in dollars."""
        rng = self._rng
        if not depth or rng.random() < 0.5:
            return rng.choice(PRICES)
        inner, count = self.price(depth - 1), rng.randint(1, 5)
        function = rng.choice(("highest", "lowest", "avg", "stdev"))
        return rng.choice(
            (
                f"({inner})[{count}]",
                f"{function}({count}, {inner})",
                f"prev({inner})",
                f"min({inner}, {self.price(0)})",
                f"({inner} + {self.price(0)}) / 2",
                f"abs(-({inner}))",
                f"1.001 * {inner}",
                f"sum({count}, {inner}) / {count}",
            )
        )
