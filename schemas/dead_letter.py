"""A record that could not be processed, with the reason, in the headers that Kafka Connect uses, so that its tools can
read ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from schemas.frame import FRAME_MAGIC, FrameError, decode_frame

_PREFIX: Final = "__connect.errors."
MAX_REASON: Final = 1_000
"""Characters; a reason may quote what it is about."""
MAX_KEPT: Final = 131_072
MAX_HEADERS: Final = 1_000

Headers = Sequence[tuple[str, bytes]]


def error_headers(
    topic: str, partition: int, offset: int, index: int, reason: str, stage: str
) -> list[tuple[str, bytes]]:
    """Kafka Connect's error headers, and the tick's place in its frame."""
    reason = reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]}…"
    values = {
        "topic": topic,
        "partition": str(partition),
        "offset": str(offset),
        "stage": stage,
        "class.name": stage,
        "exception.class.name": reason.partition(":")[0],
        "exception.message": reason,
        "index": str(index),
    }
    return [(_PREFIX + name, value.encode()) for name, value in values.items()]


def reason_of(headers: Sequence[tuple[str, bytes | None]]) -> str:
    """The reason in the headers of a dead letter, or an empty string. Of several the last is ours: the record had the
    others when it came."""
    found = [value or b"" for name, value in headers if name == _PREFIX + "exception.message"]
    return found[-1].decode(errors="backslashreplace") if found else ""


def fitting(key: bytes | None, value: bytes, headers: Headers, most: int) -> tuple[bytes | None, bytes, Headers, str]:
    """What is kept of a record, and a note for the reason. One that was compressed in its topic may be too large for
    another: of more than `most` bytes the beginning of the value is kept, and no headers."""
    size = len(key or b"") + len(value) + sum(len(name.encode()) + len(text or b"") + 2 for name, text in headers)
    if size <= most and len(headers) <= MAX_HEADERS:
        return key, value, headers, ""
    note = f" ({size} bytes with key and headers, of which the first {MAX_KEPT} of the value are kept)"
    return key if key is None else key[:MAX_REASON], value[:MAX_KEPT], (), note


def payload_of(value: bytes | None, index: int) -> bytes:
    """The bytes to keep: the record's own, or for one tick of a frame (`index` >= 0) that tick as JSON."""
    if value is None or not value or value[0] != FRAME_MAGIC or index < 0:
        return value or b""
    try:
        names, columns = decode_frame(value)
    except FrameError:
        return value
    tick = {
        "symbol": names[int(columns.symbol[index])],
        "ts": int(columns.ts[index]),
        "price": float(columns.price[index]),
        "size": float(columns.size[index]),
        "flags": int(columns.flags[index]),
    }
    return msgspec.json.encode(tick)
