"""Times as people and files write them, to the nanosecond: the standard library stops at microseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

SECOND_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION: Final = re.compile(r"([^.,]+[T ][0-9:]{6,8})[.,]([0-9]+)([^.,]*)")


class ZoneMissingError(ValueError):
    """The time does not say in which zone it is."""


def iso_ns(text: str, needs_zone: bool = False) -> int:
    """UTC ns of an ISO 8601 time, decimals after the ninth cut off; without a zone it is UTC, or ZoneMissingError.
    Raises ValueError for all else."""
    found = _FRACTION.fullmatch(text)
    whole, fraction = (f"{found[1]}{found[3]}", found[2]) if found else (text, "")
    moment = datetime.fromisoformat(whole)
    if moment.tzinfo is None:
        if needs_zone:
            raise ZoneMissingError(f"{text!r} has no time zone")
        moment = moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_NS + int(fraction[:9].ljust(9, "0"))
