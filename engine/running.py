"""The running figures at each of many trades: what the minute and the day look like just after every single one of
them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.calendar import CLOSED, POST, PRE, REGULAR, MinuteInfo
from engine.intake import Units
from engine.segments import Index, Mask, Segments, newest_true
from engine.state import LIMB, LIMB_MASK, NEVER, POWERS, ExtendedState, PartitionState, Sums
from schemas.batch import F64, I64, Trades
from schemas.tick import MAX_UNITS, REGULAR_TRADE, Eligibility


@dataclass(slots=True)
class Running:
    """Columns over the trades of one wave: sorted by symbol, each symbol within one minute. `members` are the symbols
    of the segments.

    `open` null = the minute's bar is not present yet. Sums are in units of the symbol's scales. `size`, `trade_price`:
    of each trade; `values`: price x size where it adds volume.
    """

    members: Index
    minutes: I64
    info: MinuteInfo
    segments: Segments
    row_ts: I64
    ordinal: I64
    price: F64
    price_ts: I64
    open: F64
    open_ts: I64
    high: F64
    low: F64
    close: F64
    close_ts: I64
    day_open: F64
    day_open_auction: Mask
    day_close: F64
    day_close_auction: Mask
    added: Sums
    volumes: I64
    last_volumes: I64
    notionals: I64
    counts: I64
    size: F64
    trade_price: F64
    values: I64

    def extremes(self, field: str) -> F64:
        """High or low of the running minute."""
        return self.high if field == "high" else self.low


def run(
    state: PartitionState, trades: Trades, units: Units, members: Index, starts: Index, info: MinuteInfo, minutes: I64
) -> Running:
    """Compute all columns; `state` is not changed (see `commit`). The day and session of the members have been
    begun."""
    segments = Segments(starts, len(trades))
    flags = _Flags(trades, segments, info)
    bar, symbol = state.minute, state.symbol
    in_order = _in_order(trades.ts, segments, symbol.last_ts[members])
    row_ts = trades.ts if in_order else segments.running_max(trades.ts, symbol.row_ts[members])
    sets = (
        flags.last if in_order else flags.last & _not_older(trades.ts, flags.last, segments, symbol.price_ts[members])
    )
    price, price_ts = _carry_newest(segments, sets, trades, symbol.price[members], symbol.price_ts[members])
    sets &= flags.active
    close, close_ts = _carry_newest(segments, sets, trades, bar.close[members], bar.close_ts[members])
    opens = flags.last & flags.active & _oldest(trades.ts, flags, segments, bar.open_ts[members], in_order)
    open_, open_ts = _carry_newest(segments, opens, trades, bar.open[members], bar.open_ts[members])
    power = POWERS[symbol.price_scale[members]]
    day_open, open_auction = _day_open(state, trades, flags, segments, members)
    day_close, close_auction = _day_close(state, trades, flags, sets, segments, members)
    size = units.size if flags.all_plain else units.size * flags.volume
    last_size = size if flags.all_plain else size * flags.last
    notional = units.price * last_size
    count = flags.volume.astype(np.int64)
    return Running(
        members=members,
        minutes=minutes,
        info=info,
        segments=segments,
        row_ts=row_ts,
        ordinal=_ordinals(row_ts, segments, symbol.row_ts[members], symbol.row_ordinal[members]),
        price=price,
        price_ts=price_ts,
        open=open_,
        open_ts=open_ts,
        high=_extreme(segments, units.price, flags, bar.high[members], power, highest=True),
        low=_extreme(segments, units.price, flags, bar.low[members], power, highest=False),
        close=close,
        close_ts=close_ts,
        day_open=day_open,
        day_open_auction=open_auction,
        day_close=day_close,
        day_close_auction=close_auction,
        added=_sums(segments, size, last_size, notional, count),
        volumes=size,
        last_volumes=last_size,
        notionals=notional,
        counts=count,
        size=trades.size,
        trade_price=trades.price,
        values=notional if flags.all_plain else units.price * size,
    )


def commit(state: PartitionState, trades: Trades, running: Running) -> None:
    """Make the figures after each segment's last trade the state of its symbol."""
    members, last = running.members, running.segments.last
    symbol, day = state.symbol, state.day
    symbol.last_ts[members] = np.maximum(
        symbol.last_ts[members], np.maximum.reduceat(trades.ts, running.segments.starts)
    )
    symbol.row_ts[members], symbol.row_ordinal[members] = running.row_ts[last], running.ordinal[last]
    symbol.trade_ts[members] = running.row_ts[last]
    symbol.price[members], symbol.price_ts[members] = running.price[last], running.price_ts[last]
    active = np.flatnonzero(running.info.session != CLOSED)
    members, last = members[active], last[active]
    bar = state.minute
    bar.start[members], bar.end[members] = running.minutes[active], running.minutes[active] + 1
    bar.session[members] = running.info.session[active]
    for name in ("open", "open_ts", "high", "low", "close", "close_ts"):
        getattr(bar, name)[members] = getattr(running, name)[last]
    day.open[members], day.open_auction[members] = running.day_open[last], running.day_open_auction[last]
    day.close[members], day.close_auction[members] = running.day_close[last], running.day_close_auction[last]
    for sums in (bar, day, state.session):
        sums.add(members, running.added, active)
    _commit_value(state, running, members, active)
    for session, extended in ((PRE, state.pre), (POST, state.post)):
        rows = np.flatnonzero(running.info.session == session)
        if len(rows):
            _commit_extended(extended, running, rows)
    regular = np.flatnonzero(running.info.session[active] == REGULAR)
    members, last = members[regular], last[regular]
    day.high[members] = np.fmax(day.high[members], running.high[last])
    day.low[members] = np.fmin(day.low[members], running.low[last])


def _commit_value(state: PartitionState, running: Running, members: Index, active: Index) -> None:
    segments, value = running.segments, state.value
    if running.values is running.notionals:
        high, low = running.added.notional_high, running.added.notional_low
    else:
        high, low = segments.total(running.values >> LIMB), segments.total(running.values & LIMB_MASK)
    value.notional_high[members] += high[active]
    value.notional_low[members] += low[active]


def _commit_extended(extended: ExtendedState, running: Running, rows: Index) -> None:
    members, last = running.members[rows], running.segments.last[rows]
    extended.begin(members, running.info.day[rows])
    extended.add(members, running.added, rows)
    extended.high[members] = np.fmax(extended.high[members], running.high[last])
    extended.low[members] = np.fmin(extended.low[members], running.low[last])


class _Flags:
    """What each trade may do, as masks. A trade in the closed session is not active: it may set the price and does
    nothing else."""

    def __init__(self, trades: Trades, segments: Segments, info: MinuteInfo) -> None:
        session = info.session
        everything = np.ones(len(trades), bool)
        self.auctions = False
        self.all_plain = bool((trades.flags == REGULAR_TRADE).all()) and bool((session != CLOSED).all())
        self.last = self.high_low = self.volume = self.active = everything
        if not self.all_plain:
            self.active = segments.spread(session != CLOSED)
            self.last = (trades.flags & Eligibility.LAST) != 0
            self.high_low = (((trades.flags & Eligibility.HIGH_LOW) != 0) | self.last) & self.active
            self.volume = ((trades.flags & Eligibility.VOLUME) != 0) & self.active
            self.auctions = bool((trades.flags > REGULAR_TRADE).any())
        self.regular_member = session == REGULAR
        self.in_regular = segments.spread(self.regular_member)
        self.in_post = segments.spread(session == POST)


def _in_order(ts: I64, segments: Segments, newest: I64) -> bool:
    """Whether no trade is older than the one before it, nor older than the symbol's newest."""
    back = ts[1:] < ts[:-1]
    back[segments.starts[1:] - 1] = False
    return not back.any() and bool((ts[segments.starts] >= newest).all())


def _not_older(ts: I64, mask: Mask, segments: Segments, carry: I64) -> Mask:
    """Trades of `mask` at least as new as every earlier trade of `mask` and the carry."""
    return ts >= segments.running_max(np.where(mask, ts, -1), carry)


def _oldest(ts: I64, flags: _Flags, segments: Segments, carry: I64, in_order: bool) -> Mask:
    """Trades older than every earlier LAST trade of the bar: those that set its open."""
    if in_order and flags.all_plain:
        first = np.zeros(len(ts), bool)
        first[segments.starts] = carry == NEVER
        return first
    times = np.where(flags.last & flags.active, ts, NEVER)
    before = np.empty_like(times)
    before[1:] = segments.running_min(times, carry)[:-1]
    before[segments.starts] = carry
    return ts < before


def _carry_newest(segments: Segments, mask: Mask, trades: Trades, carry: F64, carry_ts: I64) -> tuple[F64, I64]:
    """Price and time of the newest trade of `mask` up to each row, else the carries."""
    if mask.all():
        return trades.price, trades.ts
    at = segments.newest(mask)
    found = at >= 0
    return np.where(found, trades.price[at], segments.spread(carry)), np.where(
        found, trades.ts[at], segments.spread(carry_ts)
    )


def _extreme(segments: Segments, price: I64, flags: _Flags, carry: F64, power: F64, *, highest: bool) -> F64:
    """High or low up to each row. Prices are compared in units: integers of different segments can be told apart. The
    carry is not, as it may be of a scale at which it did not fit into the present one."""
    none = 0 if highest else MAX_UNITS  # what no price is, and gives way to every one
    values = price if flags.all_plain else np.where(flags.high_low, price, none)
    units = (segments.running_max if highest else segments.running_min)(values, values[segments.starts])
    found = units / segments.spread(power)
    if not flags.all_plain:
        found = np.where(units == none, np.nan, found)
    return (np.fmax if highest else np.fmin)(found, segments.spread(carry))


def _day_open(
    state: PartitionState, trades: Trades, flags: _Flags, segments: Segments, members: Index
) -> tuple[F64, Mask]:
    """Price of the first regular LAST trade; the first with OPENING replaces it for good."""
    carry, auction = state.day.open[members], state.day.open_auction[members] != 0
    missing = np.isnan(carry) & flags.regular_member
    if not flags.auctions and not missing.any():
        return segments.spread(carry), segments.spread(auction)
    last = flags.last & flags.in_regular
    first = last & segments.spread(missing) & (segments.count_before(last) == 0)
    opening = flags.last & flags.active & ((trades.flags & Eligibility.OPENING) != 0)
    opening &= ~segments.spread(auction) & (segments.count_before(opening) == 0)
    by_auction = segments.spread(auction) | (segments.newest(opening) >= 0)
    sets = opening | (first & ~by_auction)
    at = segments.newest(sets)
    return np.where(at >= 0, trades.price[at], segments.spread(carry)), by_auction


def _day_close(
    state: PartitionState, trades: Trades, flags: _Flags, sets: Mask, segments: Segments, members: Index
) -> tuple[F64, Mask]:
    """Price of the newest regular LAST trade; one with CLOSING replaces it, and then only another of those does."""
    carry, auction = state.day.close[members], state.day.close_auction[members] != 0
    by_auction, sets = segments.spread(auction), sets & flags.in_regular
    if flags.auctions:
        closing = flags.last & (flags.in_regular | flags.in_post) & ((trades.flags & Eligibility.CLOSING) != 0)
        by_auction |= segments.newest(closing) >= 0
        sets = closing | (sets & ~by_auction)
    else:
        sets &= ~by_auction
    if sets.all():
        return trades.price, by_auction
    at = segments.newest(sets)
    return np.where(at >= 0, trades.price[at], segments.spread(carry)), by_auction


def _ordinals(row_ts: I64, segments: Segments, newest_ts: I64, newest_ordinal: I64) -> I64:
    """For each row the number of earlier rows of its symbol with the same time."""
    change = np.ones(len(row_ts), bool)
    change[1:] = row_ts[1:] != row_ts[:-1]
    change[segments.starts] = True
    first = row_ts[segments.starts] == newest_ts
    if change.all() and not first.any():
        return np.zeros(len(row_ts), np.int64)
    begun = newest_true(change)
    leading = begun == segments.spread(segments.starts)
    before = segments.spread(np.where(first, newest_ordinal + 1, 0))
    return np.arange(len(row_ts)) - begun + np.where(leading, before, 0)


def _sums(segments: Segments, size: I64, last_size: I64, notional: I64, count: I64) -> Sums:
    """What each segment adds."""
    sums = Sums(0)
    sums.volume, sums.last_volume = segments.total(size), segments.total(last_size)
    sums.notional_high, sums.notional_low = (
        segments.total(notional >> LIMB),
        segments.total(notional & LIMB_MASK),
    )
    sums.trades = segments.total(count)
    return sums
