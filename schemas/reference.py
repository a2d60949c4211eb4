"""Reference records: what somebody supplies of a symbol, such as its float, and what of it is no longer known."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from schemas.control import Reference
from schemas.tags import MAX_TAGS, refusal
from schemas.tick import MAX_TS_NS, MAX_UNITS, MIN_TS_NS, Int64, TickRecord

EARNINGS: Final = "earnings"
TAGS: Final = "tags"
_ABOVE_ZERO: Final = ("float", "shares_outstanding")
_PLAIN: Final = ("short_interest_pct", "institutional_ownership_pct", "short_ratio")
REFERENCE_FIELDS: Final = (*_ABOVE_ZERO, *_PLAIN, EARNINGS, TAGS)


class ReferenceRecord(msgspec.Struct, gc=False, omit_defaults=True, kw_only=True):
    """Fields of a reference record beside `symbol`, `ts` and `market`; null or missing leaves what was known.

    `float`, `shares_outstanding` in shares, `short_ratio` in days, `earnings` in UTC nanoseconds; `tags` are all
    that the symbol has from now on; `clear` names fields that are unknown from now on.
    """

    free_float: float | None = msgspec.field(default=None, name="float")
    shares_outstanding: float | None = None
    short_interest_pct: float | None = None
    institutional_ownership_pct: float | None = None
    short_ratio: float | None = None
    earnings: Int64 | None = None
    tags: list[str] | None = None
    clear: list[str] | None = None


_DECODER: Final = msgspec.json.Decoder(ReferenceRecord)


def reference_of(record: TickRecord, value: bytes) -> Reference:
    """The event of a reference record, `value` being its bytes; ValueError says what is wrong with it."""
    try:
        given: dict[str, Any] = msgspec.to_builtins(_DECODER.decode(value))
    except msgspec.MsgspecError as error:
        raise ValueError(f"json: {error}") from None
    cleared, tags = tuple(given.pop("clear", ())), given.pop(TAGS, None)
    if record.market is None and not given and not cleared and tags is None:
        raise ValueError(f"reference: needs a market, one of {', '.join(REFERENCE_FIELDS)}, or what to clear")
    for name in cleared:
        if name not in REFERENCE_FIELDS:
            raise ValueError(f"reference: clear: {name[:40]!r} is none of {', '.join(REFERENCE_FIELDS)}")
    for name, number in given.items():
        _check(name, number)
    return Reference(record.symbol, record.ts, record.market, given, cleared, _tags(tags))


def _tags(given: list[str] | None) -> tuple[str, ...] | None:
    """Each once."""
    if given is None:
        return None
    for tag in given:
        if (reason := refusal(tag)) is not None:
            raise ValueError(f"reference: tags: {reason}")
    found = tuple(sorted(set(given)))
    if len(found) > MAX_TAGS:
        raise ValueError(f"reference: tags: {len(found)} are more than the {MAX_TAGS} that a symbol may have")
    return found


def _check(name: str, number: float) -> None:
    if name == EARNINGS:
        if not MIN_TS_NS <= number < MAX_TS_NS:
            raise ValueError(f"reference: earnings: {number} is no time in nanoseconds since 1970 (UTC)")
    elif name in _ABOVE_ZERO:
        if not 0 < number <= MAX_UNITS:
            raise ValueError(f"reference: {name}: {number} is not above 0 and at most {MAX_UNITS:g}")
    elif not 0 <= number <= MAX_UNITS:
        raise ValueError(f"reference: {name}: {number} is not from 0 to {MAX_UNITS:g}")
