"""Series of bars: of every kind that indicators trip over."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.unit.engine_indicators.runs import Candle


def walk(seed: int, count: int, start: float = 100.0, drift: float = 0.0, wide: float = 0.004) -> list[Candle]:
    """A random walk in cents."""
    rng, price, made = random.Random(seed), start, []
    for _ in range(count):
        path = [price]
        for _ in range(3):
            path.append(max(0.01, round(path[-1] * (1 + rng.gauss(drift, wide)), 2)))
        made.append(Candle(path[0], max(path), min(path), path[-1], float(rng.randint(1, 5_000))))
        price = path[-1]
    return made


def gaps(seed: int, count: int) -> list[Candle]:
    """A walk that begins anew somewhere else now and then."""
    made: list[Candle] = []
    while len(made) < count:
        rng = random.Random(seed + len(made))
        made += walk(seed + len(made), rng.randint(5, 40), start=rng.choice((5.0, 80.0, 100.0, 1_000.0)))
    return made[:count]


def spikes(seed: int, count: int) -> list[Candle]:
    """A walk with prints far off and back, and volumes of a thousand bars in one."""
    rng = random.Random(seed)
    made: list[Candle] = []
    for one in walk(seed, count):
        wild = rng.random() < 0.05
        high, low = (round(one.high * 3, 2), round(one.low / 2, 2)) if wild else (one.high, one.low)
        made.append(Candle(one.open, high, low, one.close, one.volume * (1_000 if wild else 1)))
    return made


def plateaus(seed: int, count: int) -> list[Candle]:
    """A walk that stands still for a few bars again and again."""
    rng = random.Random(seed)
    made: list[Candle] = []
    for candle in walk(seed, count):
        still = made[-1].close if made else candle.close
        flat = Candle(still, still, still, still, candle.volume)
        made += [candle] + [flat] * (rng.randint(0, 4) if rng.random() < 0.2 else 0)
    return made[:count]


def flat(count: int, price: float = 100.1) -> list[Candle]:
    """No movement at all."""
    return [Candle(price, price, price, price, 10.0 + place % 3) for place in range(count)]


def one_sided(count: int, step: float) -> list[Candle]:
    """Up or down by the same each bar, without a shadow."""
    made = []
    for place in range(count):
        here, there = round(1_000 + place * step, 2), round(1_000 + (place + 1) * step, 2)
        made.append(Candle(here, max(here, there), min(here, there), there, 100.0 + place))
    return made


SERIES: dict[str, Callable[[], list[Candle]]] = {
    "random": lambda: walk(1, 160),
    "calm": lambda: walk(2, 160, start=2_000.0, wide=0.00005),
    "pennies": lambda: walk(3, 160, start=0.5, wide=0.03),
    "rising": lambda: walk(4, 160, drift=0.003),
    "gaps": lambda: gaps(5, 160),
    "spikes": lambda: spikes(6, 160),
    "plateaus": lambda: plateaus(7, 160),
    "up": lambda: one_sided(120, 0.5),
    "down": lambda: one_sided(120, -0.5),
}
