"""The limits of a tick, checked before it is sent, so that the log holds few dead letters and a bad source is seen
where it enters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from engine.intake import PRICE_DECIMALS, SIZE_DECIMALS, decimals
from schemas.batch import F64, Trades
from schemas.symbols import REFUSALS
from schemas.tick import MAX_PRICE_DECIMALS, MAX_SIZE_DECIMALS, MAX_TS_NS, MAX_UNITS, MIN_TS_NS

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

FUTURE_BOUND_NS: Final = 60 * 10**9


def unfit(trades: Trades, now_ns: int, future_bound_ns: int = FUTURE_BOUND_NS) -> dict[int, str]:
    """The trades that may not be sent: row to reason, the first that applies, ascending.

    `trades.symbol`: a number of a `SymbolTable`, or its negative code. `now_ns`: the wall clock, UTC.
    The checks are those of docs/semantics.md section 1, but for what depends on the trades before.
    """
    checks: list[tuple[Mask, Callable[[int], str]]] = [
        (trades.symbol < 0, lambda row: REFUSALS[int(trades.symbol[row])]),
        (
            (trades.ts < MIN_TS_NS) | (trades.ts >= MAX_TS_NS),
            lambda row: f"ts: {trades.ts[row]} is no time in UTC nanoseconds from 1973 to 2099",
        ),
        (
            trades.ts > now_ns + future_bound_ns,
            lambda row: f"ts: {(int(trades.ts[row]) - now_ns) / 1e9:.1f} s ahead of the clock",
        ),
        (_not_positive(trades.price), lambda row: f"price: {trades.price[row]} is not a finite number above 0"),
        (_not_positive(trades.size), lambda row: f"size: {trades.size[row]} is not a finite number above 0"),
        (_too_fine(trades.price, MAX_PRICE_DECIMALS), lambda row: PRICE_DECIMALS),
        (_too_fine(trades.size, MAX_SIZE_DECIMALS), lambda row: SIZE_DECIMALS),
    ]
    reasons: dict[int, str] = {}
    for mask, reason in checks:
        for row in np.flatnonzero(mask):
            reasons.setdefault(int(row), reason(int(row)))
    return dict(sorted(reasons.items()))


def _not_positive(values: F64) -> Mask:
    return ~((values > 0) & (values < np.inf))


def _too_fine(values: F64, most: int) -> Mask:
    """Values that need more than `most` decimals; all but the odd ones are cleared in bulk."""
    fine = ~_not_positive(values)
    for count in (4, most):
        if not fine.any():
            return fine
        with np.errstate(invalid="ignore"):
            units = np.rint(values * 10.0**count)
            fine &= ~((units / 10.0**count == values) & (units < MAX_UNITS))
    fine[fine] = [decimals(value, most) is None for value in values[fine].tolist()]
    return fine
