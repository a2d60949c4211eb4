"""Whether a shard's live figures and its closed bars belong together: the last look before they are put back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.history import SLOTS
from engine.pieces import Piece
from engine.timeframes import ALL, MINUTE_NS, Timeframe
from schemas.batch import I64

LIVE = "live/"


def fits(live: Piece, bars: Iterable[Piece]) -> bool:
    """False if `live` counts a bar that `bars` do not hold, or has been overtaken by so many that one is overwritten.

    Bars that are somewhat newer than `live` fit: a ring holds more than is looked at.
    """
    found = list(bars)
    return all(_fits(live, [piece for piece in found if piece.key.split("/")[1] == t.name], t) for t in ALL)


def _fits(live: Piece, bars: Iterable[Piece], timeframe: Timeframe) -> bool:
    count = live.columns.get(f"count:{timeframe.name}")
    if count is None:  # bars of this timeframe were not held
        return True
    most = int(min(count.max(initial=0), timeframe.kept))
    if not most:
        return True
    starts = _ring(live, bars, timeframe)
    numbers = count - 1 - np.arange(most)[:, np.newaxis]
    newest_first = np.take_along_axis(starts, numbers % timeframe.ring, axis=0)
    held = numbers >= 0
    in_order = (newest_first[1:] < newest_first[:-1]) | ~held[1:]
    return bool(
        in_order.all()
        and (newest_first > 0)[held].all()
        and _newest_is_known(live, timeframe, newest_first[0], count > 0)
    )


def _ring(live: Piece, bars: Iterable[Piece], timeframe: Timeframe) -> I64:
    """Start minutes by slot and symbol, 0 where there is none."""
    number = {name: at for at, name in enumerate(live.symbols)}
    starts = np.zeros((timeframe.ring, len(live.symbols)), np.int64)
    for piece in bars:
        group = int(piece.key.split("/")[2])
        slots = starts[group * SLOTS : (group + 1) * SLOTS]
        if piece.symbols == live.symbols:
            slots[:] = piece.columns["start"]
            continue
        known = [at for at, name in enumerate(piece.symbols) if name in number]
        members = [number[piece.symbols[at]] for at in known]
        slots[:, members] = piece.columns["start"][:, known]
    return starts


def _newest_is_known(live: Piece, timeframe: Timeframe, newest: I64, any_closed: NDArray[np.bool_]) -> bool:
    """The newest bar began before the symbol's clock; where the live figures still hold it, it is that one."""
    clock_ns = np.maximum(_column(live, "symbol:last_ts", -1), live.header.watermark_ns)
    if (newest[any_closed] * MINUTE_NS >= clock_ns[any_closed]).any():
        return False
    closed, price = f"closed_{timeframe.name}:start", f"closed_{timeframe.name}:open"
    if price not in live.columns:
        return True
    known = ~np.isnan(live.columns[price]) & any_closed
    return bool((_column(live, closed, -1)[known] == newest[known]).all())


def _column(live: Piece, name: str, default: int) -> NDArray[Any]:
    return live.columns.get(name, np.full(len(live.symbols), default))
