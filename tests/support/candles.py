"""Hand-made series: bars as prices, told to a partition trade by trade."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.rule import RuleBody
from tests.support.lab import MINUTE, SECOND, SYMBOL, Lab, utc

MIDNIGHT = utc("2025-11-05T00:00:00")
"""Where the day of the symbol begins that trades around the clock."""


@dataclass(frozen=True)
class Candle:
    """A minute: four trades a quarter of a minute apart that share `size`; one where all prices are the same."""

    open: float
    high: float
    low: float
    close: float
    size: float = 4

    @property
    def prices(self) -> list[float]:
        """In the order in which they are traded."""
        if self.open == self.high == self.low == self.close:
            return [self.open]
        extremes = [self.low, self.high] if self.close >= self.open else [self.high, self.low]
        return [self.open, *extremes, self.close]


Series = Sequence[Candle | Mapping[str, Any]]
"""A mapping is a record of its own, at the time that its minute begins."""


def flat(*prices: float, size: float = 4) -> list[Candle]:
    """A minute for each price."""
    return [Candle(price, price, price, price, size) for price in prices]


@dataclass
class Told:
    """What became of a series."""

    lab: Lab
    start: int = MIDNIGHT
    symbol: str = SYMBOL
    at: int = field(init=False)

    def __post_init__(self) -> None:
        """Nothing yet."""
        self.at = self.start

    def tell(self, series: Series, step: int = MINUTE) -> None:
        """A step each, and the last one closed."""
        for one in series:
            if isinstance(one, Candle):
                self._trade(one, step)
            else:
                self.lab.send({"symbol": self.symbol, "ts": self.at, **one})
            self.at += step
        self.lab.beat(self.at + SECOND)

    def _trade(self, candle: Candle, step: int) -> None:
        prices = candle.prices
        quarter, size = step // 4, candle.size / len(prices)
        self.lab.send(
            *(
                {"symbol": self.symbol, "ts": self.at + i * quarter, "price": price, "size": size}
                for i, price in enumerate(prices)
            )
        )


def fires(body: RuleBody, series: Series, start: int = MIDNIGHT, symbol: str = SYMBOL, step: int = MINUTE) -> list[int]:
    """Times at which a rule fires on a series."""
    lab = Lab({"r": body})
    Told(lab, start, symbol).tell(series, step)
    assert not lab.rejected
    return lab.fired("r")
