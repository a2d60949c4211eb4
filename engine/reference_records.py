"""Reference records: what is supplied of a symbol from outside, as it is known from their place in the log on."""

from __future__ import annotations

import numpy as np

from engine.calendar import MARKETS
from engine.scanner import Scanner
from engine.state import PartitionState
from schemas.control import Reference
from schemas.reference import TAGS
from schemas.tags import MAX_TAGS, tag_number


def apply(state: PartitionState, scanner: Scanner, symbol: int, event: Reference) -> str | None:
    """Take over what the record names; a reason, and nothing done, where its market is none."""
    if event.market is not None and event.market not in MARKETS:
        return f"market: {event.market!r} is none of {', '.join(MARKETS)}"
    if event.market is not None:
        state.symbol.market[symbol] = MARKETS.index(event.market)
    known = state.reference
    for name in event.cleared:
        getattr(known, name)[symbol] = known.declared()[name].default
    for name, value in event.values.items():
        getattr(known, name)[symbol] = value
    if event.tags is not None:
        numbers = sorted(map(tag_number, event.tags), reverse=True)
        known.tags[symbol] = np.array(numbers + [0] * (MAX_TAGS - len(numbers)), np.uint64)
    if event.tags is not None or TAGS in event.cleared:
        scanner.retagged(symbol)
    state.touch(np.array([symbol]))
    return None
