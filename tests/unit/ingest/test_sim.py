"""The simulated market is the same for the same seed, moves as a market does, and has quiet symbols and gaps."""

import asyncio
import hashlib
from dataclasses import dataclass, fields
from datetime import date, time
from itertools import takewhile
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.calendar import ROUND_THE_CLOCK
from engine.state import market_of
from ingest.batch import Batch
from ingest.provider import EVERYTHING, ProviderError
from ingest.registry import make_provider
from ingest.sim import SimProvider
from ingest.sim_day import TradingDay
from ingest.sim_options import SimOptions
from schemas.batch import trade_keys
from schemas.tick import Eligibility, TickRecord

HOUR_NS = 3_600 * 10**9
SMALL = SimOptions(symbols=20, rate=300, history_rate=60, start=time(11), history_days=2)


def some(options: SimOptions, rows: int = 20_000, symbols: tuple[str, ...] = (EVERYTHING,)) -> list[Batch]:
    """The first batches, until they hold so many trades."""

    async def read() -> list[Batch]:
        provider, found, count = SimProvider(options), list[Batch](), 0
        await provider.subscribe(symbols)
        async for batch in provider.batches():
            found.append(batch)
            count += len(batch.trades)
            if count >= rows:
                break
        return found

    return asyncio.run(read())


def digest(batches: list[Batch]) -> str:
    """Of every byte that would be sent."""
    sha = hashlib.sha256()
    for batch in batches:
        for placed in batch.placed:
            sha.update(placed.value)
        for value in batch.json(np.arange(len(batch.trades))):
            sha.update(value)
    return sha.hexdigest()


@pytest.mark.parametrize(
    "options",
    [
        SMALL,
        SimOptions(symbols=1, rate=50),
        SimOptions(symbols=3_000, rate=50_000, history_days=1),
        SimOptions(plain=True),
    ],
)
def test_the_same_seed_gives_the_same_bytes_and_another_others(options: SimOptions) -> None:
    other = msgspec.structs.replace(options, seed=options.seed + 1)
    assert digest(some(options)) == digest(some(options))
    assert digest(some(options)) != digest(some(other))


def test_every_trade_is_a_sound_tick_with_ids_that_count_up() -> None:
    records = [
        msgspec.json.decode(value, type=TickRecord)
        for batch in some(SMALL)
        for value in batch.json(np.arange(len(batch.trades)))
    ]
    assert all(r.price >= 1 and r.size > 0 and r.price == round(r.price, 2) for r in records)
    assert [r.ts for r in records] == sorted(r.ts for r in records)
    for symbol in {r.symbol for r in records}:
        ids = [r.id for r in records if r.symbol == symbol]
        assert ids == list(range(1, len(ids) + 1))


def test_columns_and_json_tell_the_same_trades() -> None:
    batch = next(batch for batch in some(SMALL) if len(batch.trades) > 100)
    trades = batch.trades
    for row, value in enumerate(batch.json(np.arange(len(trades)))):
        record = msgspec.json.decode(value, type=TickRecord)
        assert (record.symbol, record.ts, record.price) == (
            batch.names[trades.symbol[row]],
            trades.ts[row],
            trades.price[row],
        )
        assert (record.size, record.flags) == (trades.size[row], trades.flags[row])
        high, low = trade_keys([record.exchange], [record.id])
        assert (trades.id_high[row], trades.id_low[row]) == (high[0], low[0])


@dataclass(frozen=True)
class Stretch:
    """Trades of all symbols from a time of the first day on, as columns."""

    symbol: NDArray[np.int32]
    ts: NDArray[np.int64]
    price: NDArray[np.float64]
    flags: NDArray[np.uint8]

    def count(self, begin_ns: int, end_ns: int) -> int:
        """Trades of equities in that time."""
        return int(((self.ts >= begin_ns) & (self.ts < end_ns) & EQUITY[self.symbol]).sum())


DAYS = SimOptions(symbols=100, rate=2, history_rate=2, live=time(19, 59), history_days=0, days=2)
NAMES = asyncio.run(SimProvider(DAYS).universe())
EQUITY = np.array([market_of(name) != ROUND_THE_CLOCK for name in NAMES])
FIRST, SECOND = TradingDay.of(date(2024, 6, 12)), TradingDay.of(date(2024, 6, 13))


def stretch(start: time, until_ns: int) -> Stretch:
    """The trades from `start` on the first day until then; the rate is that of the time of day."""
    blocks = SimProvider(msgspec.structs.replace(DAYS, start=start)).blocks()
    parts = [trades for _, trades in takewhile(lambda one: one[0].start_ns < until_ns, blocks)]
    columns = [np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Stretch)]
    return Stretch(*columns)


def test_a_day_is_busiest_at_its_open_and_its_close() -> None:
    half_ns, noon_ns = HOUR_NS // 2, FIRST.open_ns + 3 * HOUR_NS
    middle = stretch(time(12, 30), noon_ns + half_ns).count(noon_ns, noon_ns + half_ns)
    begin = stretch(time(9), FIRST.open_ns + half_ns)
    end = stretch(time(15, 30), FIRST.close_ns + half_ns)
    assert begin.count(FIRST.open_ns, FIRST.open_ns + half_ns) > 2 * middle
    assert end.count(FIRST.close_ns - half_ns, FIRST.close_ns) > 1.5 * middle
    assert 0 < begin.count(FIRST.open_ns - half_ns, FIRST.open_ns) < middle
    assert 0 < end.count(FIRST.close_ns, FIRST.close_ns + half_ns) < middle
    assert ((begin.flags & Eligibility.OPENING) > 0).sum() == ((end.flags & Eligibility.CLOSING) > 0).sum() > 50
    assert (end.flags == Eligibility.VOLUME).any(), "odd lots set no price"


def test_nights_are_empty_prices_gap_over_them_and_the_last_tenth_hardly_trades() -> None:
    found = stretch(time(19, 30), SECOND.pre_ns + HOUR_NS // 2)
    assert found.count(FIRST.end_ns, SECOND.pre_ns) == 0
    counts = np.bincount(found.symbol, minlength=100)
    assert counts[:5].min() > 20 * counts[-10:].max()
    gaps = []
    for number in np.flatnonzero(EQUITY[:10]):
        mine = found.symbol == number
        before, after = found.price[mine & (found.ts < FIRST.end_ns)], found.price[mine & (found.ts >= SECOND.pre_ns)]
        gaps.append(abs(after[0] / before[-1] - 1))
    assert max(gaps) > 0.002


def test_history_comes_first_and_is_not_paced() -> None:
    batches = some(SMALL)
    assert [batch.paced for batch in batches] == sorted(batch.paced for batch in batches)
    daily = [msgspec.json.decode(one.value, type=dict[str, Any]) for one in batches[0].placed]
    assert len(daily) == 2 * 20
    assert {record["kind"] for record in daily} == {"daily"}
    for r in daily:
        assert r["low"] <= min(r["open"], r["close"]) <= max(r["open"], r["close"]) <= r["high"]


def test_only_wanted_symbols_are_given_and_nothing_else_changes() -> None:
    whole, part = some(SMALL, 5_000), some(SMALL, 500, ("AAPL", "MSFT"))
    names, trades = part[0].names, [batch.trades for batch in part]
    assert {names[number] for batch in trades for number in batch.symbol} == {"AAPL", "MSFT"}
    at = {(n, t) for b in whole for n, t in zip(b.trades.symbol.tolist(), b.trades.ts.tolist(), strict=True)}
    mine = [(n, t) for b in trades[:3] for n, t in zip(b.symbol.tolist(), b.ts.tolist(), strict=True)]
    assert set(mine) <= at
    assert {one.symbol for one in part[0].placed} == {"AAPL", "MSFT"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"symbols": 0}, "symbols must be 1 to 1,000,000"),
        ({"rate": 0}, "rate and history_rate must be above 0"),
        ({"rate": "nan"}, "rate and history_rate must be above 0"),
        ({"day": "2024-06-15"}, "day must be a weekday"),
        ({"start": "12:00:00", "live": "11:00:00"}, "start and live must be whole minutes"),
        ({"sead": 1}, "Object contains unknown field `sead`"),
        ({"symbols": "many"}, "Expected `int`, got `str` - at `$.symbols`"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ProviderError) as caught:
        make_provider("sim", options)
    assert message in str(caught.value)


def test_an_unknown_provider_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(ProviderError, match="unknown provider 'simm'; known are sim, file"):
        make_provider("simm", {})
