"""The usual course of a day's volume, one day and one slot after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.support.twin.day import Row
    from tests.support.twin.symbol import Symbol

SLOTS = 192
SLOT_NS = {"us_equity": 5 * 60 * 10**9, "24x7": 15 * 60 * 10**9}
BARS = {"us_equity": "5m", "24x7": "15m"}


def fold(symbol: Symbol) -> None:
    """The day is over: its volume up to the end of each slot joins the mean of up to ten days, as 32-bit floats."""
    length, day = SLOT_NS[symbol.market], symbol.day
    bars = [bar for bar in symbol.closed[BARS[symbol.market]][-SLOTS:] if bar.start >= day.start]
    by_slot = {(bar.start - day.start) // length: bar.volume for bar in bars}
    symbol.profile_days += 1
    before, so_far = symbol.profile or [0.0] * SLOTS, 0.0
    after = []
    for slot in range(SLOTS):
        so_far += by_slot.get(slot, 0.0)
        mean = before[slot] + (so_far - before[slot]) / min(symbol.profile_days, 10)
        after.append(float(np.float32(mean)))
    symbol.profile = after


def usual(symbol: Symbol, row: Row) -> float | None:
    """What of a day's volume is usually traded by this row."""
    if symbol.profile is None:
        return None
    length, elapsed = SLOT_NS[symbol.market], row.t + 1 - row.at.day_start
    slot = min(elapsed // length, SLOTS - 1)
    before = symbol.profile[slot - 1] if slot else 0.0
    return before + (symbol.profile[slot] - before) * ((elapsed - slot * length) / length)
