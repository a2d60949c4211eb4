"""The newest figures of symbols for screens. They come from the state, but no result comes from them."""

from __future__ import annotations

from math import isnan

import numpy as np

from engine.calendar import CLOSED
from engine.segments import Index
from engine.state import POWERS, PartitionState, vwap
from schemas.bar import SESSIONS
from schemas.batch import F64
from schemas.live import LiveQuote


def changed_quotes(state: PartitionState, most: int) -> list[LiveQuote]:
    """Up to `most` symbols that moved since they were last given and have a price."""
    members = np.flatnonzero(state.origin.moved[: state.known])[:most]
    state.origin.moved[members] = False
    members = members[~np.isnan(state.symbol.price[members])]
    symbol, day, names = state.symbol, state.day, state.symbols.names
    price = symbol.price[members]
    base = np.where(np.isnan(day.prior_close[members]), day.open[members], day.prior_close[members])
    volume = day.volume[members] / POWERS[symbol.size_scale[members]]
    columns = (
        members.tolist(),
        symbol.row_ts[members].tolist(),
        price.tolist(),
        _nullable(100 * (price / base - 1)),
        _nullable(day.high[members]),
        _nullable(day.low[members]),
        volume.tolist(),
        _nullable(vwap(state.session, members, symbol.price_scale[members])),
        _sessions(state, members),
    )
    return [LiveQuote(names[number], *rest) for number, *rest in zip(*columns, strict=True)]


def _nullable(values: F64) -> list[float | None]:
    return [None if isnan(value) else value for value in values.tolist()]


def _sessions(state: PartitionState, members: Index) -> list[str]:
    """Session of the running minute; without one, what the day was last in."""
    running = state.minute.start[members] >= 0
    last = np.where(state.closed["1m"].start[members] >= 0, state.closed["1m"].session[members], CLOSED)
    session = np.where(running, state.minute.session[members], last)
    return [SESSIONS[s] for s in session.tolist()]
