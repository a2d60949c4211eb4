"""The symbols of the simulated market: names, how much each is traded and how it moves; a few lead, most follow, some
hardly trade."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.calendar import ROUND_THE_CLOCK
from engine.state import market_of
from schemas.batch import F64

_LEADERS: Final = (
    "AAPL MSFT NVDA BTC-USD TSLA AMZN META GOOGL ETH-USD AMD NFLX JPM INTC BAC XOM SOL-USD DIS KO PFE WMT CSCO F GE T "
    "ORCL CRM UBER QCOM V MA HD PG JNJ CVX MRK PEP ADBE BA NKE SBUX"
)
_ROUND_THE_CLOCK_PRICES: Final = {"BTC-USD": 67_412.55, "ETH-USD": 3_512.18, "SOL-USD": 151.62}
_QUIET_SHARE: Final = 10
_QUIET_WEIGHT: Final = 0.005


@dataclass(frozen=True, slots=True)
class Universe:
    """One element a symbol: share of the activity (the sum is 1), price before the first day, volatility per minute as
    a fraction."""

    names: list[str]
    weight: F64
    price: F64
    volatility: F64
    equity: NDArray[np.bool_]
    busy: NDArray[np.intp]
    """Numbers of the symbols that are not quiet."""


def make_universe(seed: int, symbols: int) -> Universe:
    """Activity falls with the rank as 1 / rank (Zipf); the last tenth is quiet, with 0.5 % of what its rank would
    give."""
    rng = np.random.default_rng([seed, 0])
    leaders = _LEADERS.split()
    names = [*leaders[:symbols], *map(_invented, range(symbols - len(leaders)))]
    equity = np.array([market_of(name) != ROUND_THE_CLOCK for name in names])
    quiet = np.arange(symbols) >= symbols - symbols // _QUIET_SHARE
    weight = np.where(quiet, _QUIET_WEIGHT, 1.0) / np.arange(1, symbols + 1)
    price = np.rint(100 * (4 + 400 * rng.random(symbols) * rng.random(symbols))) / 100
    known = [(i, _ROUND_THE_CLOCK_PRICES[name]) for i, name in enumerate(names) if name in _ROUND_THE_CLOCK_PRICES]
    for number, value in known:
        price[number] = value
    volatility = 0.0003 + 0.0006 * rng.random(symbols)
    return Universe(names, weight / np.cumsum(weight)[-1], price, volatility, equity, np.flatnonzero(~quiet))


def _invented(number: int) -> str:
    """SAAA, SAAB, ...: no ticker of the list above."""
    letters = ""
    while number or len(letters) < 3:
        number, letter = divmod(number, 26)
        letters = ascii_uppercase[letter] + letters
    return "S" + letters
