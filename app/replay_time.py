"""Times and durations as people write them, to and from nanoseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from infra.times import SECOND_NS, iso_ns

UNITS_NS: Final = {
    "d": 86_400 * SECOND_NS,
    "h": 3_600 * SECOND_NS,
    "m": 60 * SECOND_NS,
    "s": SECOND_NS,
    "ms": 1_000_000,
}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")


def parse_time(text: str) -> int:
    """UTC ns of an ISO 8601 time, to the nanosecond, without a zone in UTC; or of ns as digits. Raises ValueError."""
    if text.isdecimal() and len(text) > 8:
        return int(text)
    return iso_ns(text)


def time_text(ts_ns: int) -> str:
    """ISO 8601 in UTC, with as many decimals as it needs."""
    second, rest = divmod(ts_ns, SECOND_NS)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def parse_duration(text: str) -> int:
    """Ns of a duration such as `90s`, `2h`, `1h30m` or `5d`. Raises ValueError."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration such as 90s, 2h, 1h30m or 5d")
    return sum(round(float(number) * UNITS_NS[unit]) for number, unit in parts)


def duration_text(duration_ns: int) -> str:
    """The two largest units of it, such as `1h 30m`."""
    parts, rest = [], duration_ns
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, UNITS_NS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
