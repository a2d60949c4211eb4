"""The provider `sim`: a market made from a seed, a stretch of history at full speed and then the day as it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from typing import Final

import numpy as np

from ingest.batch import Batch, Placed
from ingest.json_rows import json_rows
from ingest.provider import Health, Wanted
from ingest.sim_day import MINUTE_NS, ROUND_THE_CLOCK_ACTIVITY, TradingDay, new_york_ns, weekdays_before, weekdays_from
from ingest.sim_history import daily_records
from ingest.sim_market import BLOCK_STEP_NS, EXCHANGES, Block, Market, SimTrades
from ingest.sim_options import SimOptions
from ingest.sim_universe import make_universe
from ingest.trade_ids import number_keys
from schemas.batch import F64, Trades
from schemas.tick import REGULAR_TRADE

_BLOCK_LENGTHS: Final = tuple(steps * BLOCK_STEP_NS for steps in (100, 50, 20, 10, 5, 2, 1))
_ROWS_PER_BLOCK: Final = 16_384
_RECORDS_PER_BATCH: Final = 10_000
_OVERNIGHT_GAP, _OPENING_GAP = 0.008, 0.004
_MEAN_SHARES: Final = 140
_EXCHANGE_NAMES: Final = (*EXCHANGES, None)


class SimProvider:
    """All symbols of the market; the same options give the same trades, however fast they are read."""

    heartbeats_from_rows = True

    def __init__(self, options: SimOptions, source: str = "sim") -> None:
        self.source, self._options = source, options
        self._universe = make_universe(options.seed, options.symbols)
        self._wanted = Wanted()
        self._live_ns, self._newest_ns = new_york_ns(options.day, options.live), -1

    async def universe(self) -> Sequence[str]:
        """Every symbol, the most active first."""
        return self._universe.names

    async def subscribe(self, symbols: Collection[str]) -> None:
        """Raises nothing: a symbol that the market does not have never trades."""
        self._wanted.add(symbols)

    async def unsubscribe(self, symbols: Collection[str]) -> None:
        """Leave these out from the next block on."""
        self._wanted.remove(symbols)

    def health(self) -> Health:
        """Always live: nothing can fail."""
        return Health(live=True, detail="simulated", newest_ns=self._newest_ns)

    async def batches(self) -> AsyncIterator[Batch]:
        """Daily bars, then block after block; batches before the live part are not paced."""
        history = self._history()
        for start in range(0, len(history), _RECORDS_PER_BATCH):
            yield Batch(
                self._universe.names,
                Trades.empty(),
                lambda rows: [],
                history[start : start + _RECORDS_PER_BATCH],
                paced=False,
            )
        for block, trades in self.blocks():
            self._newest_ns = block.start_ns + block.length_ns
            yield self._batch(trades, block.start_ns >= self._live_ns)
            await asyncio.sleep(0)

    def blocks(self) -> Iterator[tuple[Block, SimTrades]]:
        """The trades of all symbols, subscribed or not, from the first block on."""
        market = Market(self._options.seed, self._universe)
        for block in self._plan():
            if block.start_ns == self._first_ns(block.day):
                market.gap(block.day.pre_ns, _OVERNIGHT_GAP)
            if block.start_ns == block.day.open_ns:
                market.gap(block.start_ns, _OPENING_GAP)
            yield block, market.block(block)

    def _plan(self) -> Iterator[Block]:
        options = self._options
        busy = self._activity(TradingDay.of(options.day).activity(self._live_ns)).sum()
        for day in map(TradingDay.of, weekdays_from(options.day, options.days)):
            at = self._first_ns(day)
            while at < day.end_ns:
                live = at >= self._live_ns
                rate = options.rate if live else options.history_rate
                length = next((ns for ns in _BLOCK_LENGTHS if rate * ns / 1e9 <= _ROWS_PER_BLOCK), BLOCK_STEP_NS)
                yield Block(
                    day, at, length, rate / busy, 1 if live else max(1, round(options.rate / options.history_rate))
                )
                at += length

    def _first_ns(self, day: TradingDay) -> int:
        return new_york_ns(day.day, self._options.start) if day.day == self._options.day else day.pre_ns

    def _activity(self, equities: float) -> F64:
        return self._universe.weight * np.where(self._universe.equity, equities, ROUND_THE_CLOCK_ACTIVITY)

    def _history(self) -> list[Placed]:
        options, day = self._options, TradingDay.of(self._options.day)
        regular = range(day.open_ns, day.close_ns, MINUTE_NS)
        minutes = np.sum([self._activity(day.activity(minute)) for minute in regular], axis=0)
        volume = options.rate / self._activity(day.activity(self._live_ns)).sum() * 60 * _MEAN_SHARES * minutes
        records = daily_records(
            options.seed, self._universe, weekdays_before(options.day, options.history_days), volume
        )
        return [record for record in records if record.symbol is None or record.symbol in self._wanted]

    def _batch(self, sim: SimTrades, paced: bool) -> Batch:
        count, plain = len(sim.ts), self._options.plain
        trade_id = np.zeros_like(sim.id) if plain else sim.id
        exchange = np.full_like(sim.exchange, len(EXCHANGES)) if plain else sim.exchange
        id_high, id_low = number_keys(exchange, _EXCHANGE_NAMES, trade_id)
        trades = Trades(
            symbol=sim.symbol,
            ts=sim.ts,
            price=sim.price,
            size=sim.size,
            flags=np.full_like(sim.flags, REGULAR_TRADE) if plain else sim.flags,
            offset=np.arange(count, dtype=np.int64),
            index=np.zeros(count, np.int32),
            append_ts=np.full(count, -1, np.int64),
            ts_recv=np.zeros(count, np.int64),
            id_high=id_high,
            id_low=id_low,
        )
        names = self._universe.names
        wanted = self._wanted.rows(names, sim.symbol)
        if wanted is not None:
            trades, trade_id, exchange = trades.take(wanted), trade_id[wanted], exchange[wanted]
        return Batch(names, trades, json_rows(names, trades, trade_id, exchange, _EXCHANGE_NAMES), paced=paced)
