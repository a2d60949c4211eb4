"""Which trades count: checks, scales and duplicates, in the order that docs/semantics.md gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.segments import Index, Mask
from engine.state import LIMB, POWERS, REMEMBERED_IDS, PartitionState
from schemas.batch import I64, UNKNOWN_TIME, Rejected, Trades
from schemas.tick import MAX_PRICE_DECIMALS, MAX_SIZE_DECIMALS, MAX_UNITS

MAX_NOTIONAL: Final = 2**62
MAX_VOLUME: Final = 2**62

PRICE_DECIMALS: Final = f"price: more than {MAX_PRICE_DECIMALS} decimals"
SIZE_DECIMALS: Final = f"size: more than {MAX_SIZE_DECIMALS} decimals"
DOES_NOT_FIT: Final = "value: price, size, their product or the day's volume does not fit at the symbol's scale"


def too_far_ahead(trades: Trades, bound_ns: int) -> Mask:
    """Trades whose time is more than `bound_ns` after the append time of their record."""
    return np.asarray((trades.append_ts != UNKNOWN_TIME) & (trades.ts - trades.append_ts > bound_ns))


def future_reason(trades: Trades, row: int) -> str:
    """Why that trade is a dead letter."""
    ts = int(trades.ts[row])
    return f"ts: {ts} is {(ts - int(trades.append_ts[row])) / 1e9:.1f} s ahead of the record's append time"


@dataclass(frozen=True, slots=True)
class Units:
    """Prices and sizes as integers at their symbol's scale; `exact` False where the scale is too small or the value
    does not fit."""

    price: I64
    size: I64
    exact: Mask

    def take(self, rows: Index) -> Units:
        """Those of some trades."""
        return Units(self.price[rows], self.size[rows], self.exact[rows])


def to_units(state: PartitionState, trades: Trades) -> Units:
    """Convert at the present scales. Exact = dividing by the power of ten gives the very double back, within 15
    digits."""
    price_power = POWERS[state.symbol.price_scale[trades.symbol]]
    size_power = POWERS[state.symbol.size_scale[trades.symbol]]
    price, size = np.rint(trades.price * price_power), np.rint(trades.size * size_power)
    exact = (price / price_power == trades.price) & (size / size_power == trades.size)
    exact &= (price < MAX_UNITS) & (size < MAX_UNITS) & (price * size < MAX_NOTIONAL)
    fits = np.where(exact, 1, 0)
    return Units((price * fits).astype(np.int64), (size * fits).astype(np.int64), exact)


def decimals(value: float, most: int) -> int | None:
    """Fewest decimals that give `value` back, None if more than `most` or if no scale holds it."""
    if value >= MAX_UNITS:
        return None
    for count in range(most + 1):
        units = round(value * 10**count)
        if units < MAX_UNITS and units / 10**count == value:
            return count
    return None


def widen_scales(
    state: PartitionState, symbol: int, price: float, size: float, new_day: bool, adds: bool
) -> str | None:
    """Raise the symbol's scales so that the trade is exact; a reason, and nothing changed, where it cannot be.

    `new_day`: the volume of the symbol's day is past with this trade; `adds`: the trade is part of its day's volume.
    """
    price_decimals, size_decimals = decimals(price, MAX_PRICE_DECIMALS), decimals(size, MAX_SIZE_DECIMALS)
    if price_decimals is None:
        return PRICE_DECIMALS if price < MAX_UNITS else DOES_NOT_FIT
    if size_decimals is None:
        return SIZE_DECIMALS if size < MAX_UNITS else DOES_NOT_FIT
    price_scale = max(price_decimals, int(state.symbol.price_scale[symbol]))
    size_scale = max(size_decimals, int(state.symbol.size_scale[symbol]))
    price_units, size_units = round(price * 10**price_scale), round(size * 10**size_scale)
    if price_units >= MAX_UNITS or size_units >= MAX_UNITS or price_units * size_units >= MAX_NOTIONAL:
        return DOES_NOT_FIT
    before = 0 if new_day else int(state.day.volume[symbol]) * 10 ** (size_scale - int(state.symbol.size_scale[symbol]))
    if before + size_units * adds >= MAX_VOLUME:
        return DOES_NOT_FIT
    _rescale(state, symbol, price_scale, size_scale)
    return None


def _rescale(state: PartitionState, symbol: int, price_scale: int, size_scale: int) -> None:
    """Bring the symbol's sums to new scales."""
    size_factor = 10 ** (size_scale - int(state.symbol.size_scale[symbol]))
    factor = size_factor * 10 ** (price_scale - int(state.symbol.price_scale[symbol]))
    for sums in state.all_sums() if state.symbol.last_ts[symbol] >= 0 else []:
        volume, last_volume = int(sums.volume[symbol]) * size_factor, int(sums.last_volume[symbol]) * size_factor
        notional = ((int(sums.notional_high[symbol]) << LIMB) + int(sums.notional_low[symbol])) * factor
        # What belongs to an earlier day may be too large now, but is never read again.
        fits = volume < MAX_VOLUME and notional >> LIMB < MAX_NOTIONAL
        sums.volume[symbol], sums.last_volume[symbol] = (volume, last_volume) if fits else (0, 0)
        sums.notional_high[symbol], sums.notional_low[symbol] = divmod(notional if fits else 0, 1 << LIMB)
    state.symbol.price_scale[symbol], state.symbol.size_scale[symbol] = price_scale, size_scale


def duplicates(state: PartitionState, trades: Trades) -> Mask:
    """Trades (sorted by symbol) whose id is one of the last ones of their symbol. Remembers nothing; see `remember`."""
    result = np.zeros(len(trades), bool)
    with_id = np.flatnonzero(trades.id_low)
    if not len(with_id):
        return result
    suspects = with_id[_seen_before(state, trades, with_id) | _repeated(trades, with_id)]
    for symbol in np.unique(trades.symbol[suspects]):
        rows = with_id[trades.symbol[with_id] == symbol]
        result[rows] = _walk(state, int(symbol), trades, rows)
    return result


def _seen_before(state: PartitionState, trades: Trades, rows: Index) -> Mask:
    symbol = trades.symbol[rows]
    same = state.symbol.id_low[symbol] == trades.id_low[rows, None]
    same &= state.symbol.id_high[symbol] == trades.id_high[rows, None]
    return np.asarray(same.any(axis=1))


def _repeated(trades: Trades, rows: Index) -> Mask:
    """Rows whose mix of symbol and id occurs more than once among `rows`: all true repeats and rarely another."""
    with np.errstate(over="ignore"):
        mix = trades.id_low[rows] * np.uint64(0x9E3779B97F4A7C15) ^ trades.id_high[rows] * np.uint64(0xC2B2AE3D27D4EB4F)
        mix ^= trades.symbol[rows].astype(np.uint64) * np.uint64(0x165667B19E3779F9)
    order = np.argsort(mix)
    equal = mix[order][1:] == mix[order][:-1]
    result = np.zeros(len(rows), bool)
    result[order[1:][equal]] = True
    result[order[:-1][equal]] = True
    return result


def _walk(state: PartitionState, symbol: int, trades: Trades, rows: Index) -> list[bool]:
    """The exact rule for one symbol, trade by trade."""
    count = int(state.symbol.id_count[symbol])
    ring = [
        (int(h), int(low)) for h, low in zip(state.symbol.id_high[symbol], state.symbol.id_low[symbol], strict=True)
    ]
    verdicts = []
    for row in rows:
        key = (int(trades.id_high[row]), int(trades.id_low[row]))
        verdicts.append(key in ring)
        if not verdicts[-1]:
            ring[count % REMEMBERED_IDS] = key
            count += 1
    return verdicts


def remember(state: PartitionState, trades: Trades) -> None:
    """Put the ids of these trades (sorted by symbol, no duplicates) into their symbols' memories."""
    rows = np.flatnonzero(trades.id_low)
    if not len(rows):
        return
    symbol = trades.symbol[rows]
    starts = np.flatnonzero(np.concatenate(([True], symbol[1:] != symbol[:-1])))
    lengths = np.diff(starts, append=len(rows))
    position = np.arange(len(rows)) - np.repeat(starts, lengths)
    newest = position >= np.repeat(lengths, lengths) - REMEMBERED_IDS
    slot = (state.symbol.id_count[symbol] + position) % REMEMBERED_IDS
    state.symbol.id_high[symbol[newest], slot[newest]] = trades.id_high[rows[newest]]
    state.symbol.id_low[symbol[newest], slot[newest]] = trades.id_low[rows[newest]]
    state.symbol.id_count[symbol[starts]] += lengths


def rejected(trades: Trades, row: int, reason: str) -> Rejected:
    """The dead letter of that trade."""
    return Rejected(int(trades.offset[row]), int(trades.index[row]), reason)
