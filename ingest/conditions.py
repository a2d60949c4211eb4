"""What a sale condition lets a print do: the consolidated tapes' letters as a table, so that nothing behind ingest
knows about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal

from schemas.tick import Eligibility

TABLE_VERSION: Final = 1
"""Raised whenever a letter's effect changes: prints taken in under another version may give other figures."""

Tape = Literal["A", "B", "C"]
"""A, B: the CTA plan (NYSE and regional listings). C: the UTP plan (Nasdaq listings)."""

_LAST, _HIGH_LOW, _VOLUME = Eligibility.LAST, Eligibility.HIGH_LOW, Eligibility.VOLUME
_ALL: Final = _LAST | _HIGH_LOW | _VOLUME
_NOTHING: Final = Eligibility(0)
_REGULAR_SALE: Final = ("", " ", "@")
_FORM_T: Final = "T"
_AUCTIONS: Final = {"O": Eligibility.OPENING, "6": Eligibility.CLOSING}

# Effects on the consolidated figures in regular hours, after the CTA and UTP participant specifications.
_BOTH_PLANS: Final = {
    **dict.fromkeys((*_REGULAR_SALE, "A", "D", "E", "F", "K", "L", "O", "S", "X", "Y", "1", "5", "6"), _ALL),
    **dict.fromkeys(("C", "H", "I", "N", "T", "U", "V", "W", "7"), _VOLUME),
    **dict.fromkeys(("M", "Q"), _NOTHING),
    "9": _LAST | _HIGH_LOW,
}
_LAST_IF_FIRST: Final = frozenset("GPRZ4")
_CTA: Final = {**_BOTH_PLANS, "B": _VOLUME}
_UTP: Final = {**_BOTH_PLANS, "B": _ALL}
_PLANS: Final[Mapping[str | None, Mapping[str, Eligibility]]] = {"A": _CTA, "B": _CTA, "C": _UTP, None: _CTA}


def eligibility(
    conditions: Collection[str], session: str, tape: Tape | None = None, first: bool = False
) -> Eligibility:
    """The flags of a print: of each flag the strictest among its conditions.

    `session`: as in `schemas.bar.SESSIONS`; outside of the regular one form T is no restriction. `first`: the symbol
    has no price today yet.
    `tape` None: where the plans differ, the stricter one. A letter that the table lacks adds volume only: it must
    never move a price.
    """
    plan, flags = _PLANS[tape], _ALL
    for condition in conditions:
        if condition in _LAST_IF_FIRST:
            flags &= _ALL if first else _HIGH_LOW | _VOLUME
        elif condition != _FORM_T or session == "regular":
            flags &= plan.get(condition, _VOLUME)
    if flags & _LAST:
        for condition in conditions:
            flags |= _AUCTIONS.get(condition, _NOTHING)
    return flags
