"""Trades of one partition as frames: columns out of a provider's batch, with the partition's own numbering of names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from schemas.batch import I64, Trades
from schemas.frame import FrameColumns, encode_frame


def frames_of(names: Sequence[str], trades: Trades, rows: I64, most: int) -> Iterator[bytes]:
    """The trades at `rows`, in that order, as frames of at most `most`; `trades.symbol` counts into `names`."""
    for start in range(0, len(rows), most):
        part = rows[start : start + most]
        numbers, symbol = np.unique(trades.symbol[part], return_inverse=True)
        columns = FrameColumns(
            symbol=symbol.astype(np.uint16),
            ts=trades.ts[part],
            price=trades.price[part],
            size=trades.size[part],
            flags=trades.flags[part],
            ts_recv=trades.ts_recv[part],
            id_high=trades.id_high[part],
            id_low=trades.id_low[part],
        )
        yield encode_frame([names[number] for number in numbers.tolist()], columns)
