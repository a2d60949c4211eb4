"""The simulated market itself: from a seed, block after block, the trades of all symbols as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from ingest.sim_day import ROUND_THE_CLOCK_ACTIVITY, TradingDay
from ingest.sim_universe import Universe
from ingest.sim_weather import REGIME_NS, SLOT_NS, Weather
from schemas.batch import F64, I32, I64, U8
from schemas.tick import REGULAR_TRADE, Eligibility

EXCHANGES: Final = tuple("QPNZKDV")
BLOCK_STEP_NS: Final = 10**8
"""Blocks begin at multiples of this and lie within one slot of weather."""

_BLOCK_STREAM, _GAP_STREAM = 3, 4

# What one random byte chooses: a venue; a side of the spread in ticks; a number of shares, a quarter of them odd lots;
# of coins in 1 / 10,000.
_VENUE: Final = (np.arange(256) % len(EXCHANGES)).astype(np.uint8)
_SIDE: Final = np.array([-1, 0, 0, 1] * 64, np.float64)
_SHARES: Final = np.array(
    [*range(1, 65), *[100] * 120, *[200] * 36, *[300] * 16, *[400] * 6, *[500] * 10, *[1000] * 4], np.float64
)
_COINS: Final = np.square(np.arange(1, 257, dtype=np.float64))
_COIN_UNITS: Final = 10_000
_LOT: Final = 100
_TICKS_PER_UNIT: Final = 100
_LOWEST_PRICE: Final = 1.0

_AUCTION_SPREAD_NS: Final = 50_000_000
_LOTS_AT_AUCTION: Final = 2_000
_NO_AUCTION, _OPENING, _CLOSING = 0, 1, 2
_AUCTION_FLAG: Final = np.array([0, Eligibility.OPENING, Eligibility.CLOSING], np.uint8)


@dataclass(frozen=True, slots=True)
class SimTrades:
    """Columns, one element a trade, in order of time. `exchange` counts into `EXCHANGES`; `id` counts up from 1 in
    each symbol."""

    symbol: I32
    ts: I64
    price: F64
    size: F64
    flags: U8
    exchange: U8
    id: I64


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of event time to fill: `scale` trades a second at an activity of 1, round lots `size_factor` times
    their usual size."""

    day: TradingDay
    start_ns: int
    length_ns: int
    scale: float
    size_factor: int


class Market:
    """Prices and trade counts of all symbols. What a block gives depends on the seed and the blocks before it, on
    nothing else."""

    def __init__(self, seed: int, universe: Universe) -> None:
        self.price = universe.price.copy()
        self._seed, self._universe, self._weather = seed, universe, Weather(seed, universe)
        self._anchor, self._regime = self.price.copy(), -1
        self._next_id = np.ones(len(self.price), np.int64)

    def gap(self, ts_ns: int, typical: float) -> None:
        """Move equities overnight or at the open: by `typical` (a fraction) as a rule, one in ten by five times as
        much."""
        rng = np.random.default_rng([self._seed, _GAP_STREAM, ts_ns // BLOCK_STEP_NS])
        size = typical * rng.standard_normal(len(self.price)) * np.where(rng.random(len(self.price)) < 0.1, 5.0, 1.0)
        self.price *= np.where(self._universe.equity, 1 + np.clip(size, -0.4, 0.4), 1.0)

    def block(self, block: Block) -> SimTrades:
        """The trades of the block, and the market as it is after them."""
        rng = np.random.default_rng([self._seed, _BLOCK_STREAM, block.start_ns // BLOCK_STEP_NS])
        busier, drift = self._weather_at(block.start_ns)
        symbol, ts, auction = self._arrivals(rng, block, busier)
        size_byte, venue_byte, side_byte = rng.integers(0, 256, (3, len(symbol)), np.uint8)
        price, trade_id = self._paths(rng, symbol, drift, block.length_ns / 1e9, _SIDE[side_byte])
        size, flags = self._sizes(symbol, size_byte, auction, block.size_factor)
        return SimTrades(symbol, ts, price, size, flags, _VENUE[venue_byte], trade_id)

    def _weather_at(self, ts_ns: int) -> tuple[F64, F64]:
        """Activity factor and drift (a fraction per second) of each symbol."""
        number = ts_ns // REGIME_NS
        if number != self._regime:
            self._regime, self._anchor = number, self.price.copy()
        regime, bursts = self._weather.regime(number), self._weather.bursts(ts_ns // SLOT_NS)
        drift = regime.drift + regime.pull * (self._anchor / self.price - 1)
        busier = np.ones(len(self.price))
        busier[bursts.symbol] = bursts.busier
        drift[bursts.symbol] += bursts.drift
        return busier, drift

    def _arrivals(self, rng: Generator, block: Block, busier: F64) -> tuple[I32, I64, U8]:
        """Symbol, time and kind of auction of each trade, by time."""
        universe, day = self._universe, block.day
        activity = (
            np.where(universe.equity, day.activity(block.start_ns), ROUND_THE_CLOCK_ACTIVITY) * universe.weight * busier
        )
        reach = np.cumsum(activity * (block.scale * block.length_ns / 1e9))
        count = int(rng.poisson(reach[-1]))
        ts = block.start_ns + np.sort(rng.integers(0, block.length_ns, count))
        symbol = np.minimum(np.searchsorted(reach, rng.random(count) * reach[-1], "right"), len(reach) - 1).astype(
            np.int32
        )
        auction = np.zeros(count, np.uint8)
        kind = {day.open_ns: _OPENING, day.close_ns: _CLOSING}.get(block.start_ns, _NO_AUCTION)
        if not kind:
            return symbol, ts, auction
        members = np.flatnonzero(universe.equity).astype(np.int32)
        prints = block.start_ns + rng.integers(0, _AUCTION_SPREAD_NS, len(members))
        ts, symbol = np.concatenate((prints, ts)), np.concatenate((members, symbol))
        auction = np.concatenate((np.full(len(members), kind, np.uint8), auction))
        order = np.argsort(ts, kind="stable")
        return symbol[order], ts[order], auction[order]

    def _paths(self, rng: Generator, symbol: I32, drift: F64, seconds: float, side: F64) -> tuple[F64, I64]:
        """Price and trade id of each trade. In each symbol the price walks on from where it was; all its steps
        together have the same spread, many or few."""
        key = symbol.astype(np.uint16) if len(self.price) <= 2**16 else symbol
        order = np.argsort(key, kind="stable")
        counts = np.bincount(symbol, minlength=len(self.price))
        active = np.flatnonzero(counts)
        count, price = counts[active], self.price[active]
        first = np.cumsum(count) - count
        spread = price * self._universe.volatility[active] * np.sqrt(seconds / 60 / count)
        step = rng.standard_normal(len(symbol)) * np.repeat(spread, count) + np.repeat(
            price * drift[active] * seconds / count, count
        )
        path = np.cumsum(step)
        path = np.maximum(path + np.repeat(price + step[first] - path[first], count), _LOWEST_PRICE)
        self.price[active] = path[first + count - 1]
        trade_id = np.arange(len(symbol)) + np.repeat(self._next_id[active] - first, count)
        self._next_id[active] += count
        in_time = np.empty_like(path), np.empty_like(trade_id)
        in_time[0][order], in_time[1][order] = path, trade_id
        return np.rint(in_time[0] * _TICKS_PER_UNIT + side) / _TICKS_PER_UNIT, in_time[1]

    def _sizes(self, symbol: I32, choice: U8, auction: U8, factor: int) -> tuple[F64, U8]:
        """Size and flags of each trade. An odd lot adds volume, sets no price, and stays one whatever the factor."""
        equity = self._universe.equity[symbol]
        units = np.where(equity, _SHARES[choice], _COINS[choice])
        lots = np.rint(self._universe.weight[symbol] * _LOTS_AT_AUCTION) + 1
        units = np.where(auction > 0, lots * _LOT, units)
        odd = equity & (units < _LOT)
        size = units * np.where(odd, 1, factor) / np.where(equity, 1, _COIN_UNITS)
        flags = np.where(odd, np.uint8(Eligibility.VOLUME), np.uint8(REGULAR_TRADE))
        return size, flags | _AUCTION_FLAG[auction]
