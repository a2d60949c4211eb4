"""What stands in the log, read one record at a time: checks 1 to 3 of a trade, and what the other records say."""

from __future__ import annotations

import hashlib
import math
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.control import DailyBar, Heartbeat, Reference, RuleSetSwitch, SourceEnd, Status, Unapplied

NORMAL = 7
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/&-]{0,63}")
SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:^=+/\-]{0,31}")
KINDS = ("trade", "quote", "correction", "cancel", "status", "daily", "reference")
FRAME = 0xF7
WHOLE = -1
"""Place of what is refused as a whole record."""

INTEGERS = ("ts", "flags", "ts_recv")
OPTIONAL_INTEGERS = ("seq", "hb")
NUMBERS = ("price", "size")
OPTIONAL_NUMBERS = ("open", "high", "low", "close", "volume")
ABOVE_ZERO = ("float", "shares_outstanding")
SUPPLIED = (*ABOVE_ZERO, "short_interest_pct", "institutional_ownership_pct", "short_ratio", "earnings")
TEXTS = ("symbol", "kind")
OPTIONAL_TEXTS = ("exchange", "source", "market", "status", "end", "ruleset")


@dataclass(frozen=True)
class GivenTrade:
    """A trade that passed what can be checked without knowing its symbol's past."""

    symbol: str
    ts: int
    price: float
    size: float
    flags: int
    key: bytes
    ts_recv: int


Given = GivenTrade | Heartbeat | SourceEnd | RuleSetSwitch | DailyBar | Reference | Status | Unapplied
Belongs = Callable[[str], bool]


class RefusedError(ValueError):
    """Why this is a dead letter."""


def read(value: bytes | None, belongs: Belongs) -> Iterator[tuple[int, Given | RefusedError]]:
    """What a record holds, each with its place in the frame (0: the trade of a JSON record, -1: the whole record)."""
    if value and value[0] == FRAME:
        try:
            yield from _frame(value, belongs)
        except RefusedError as error:
            yield WHOLE, error
        return
    place = WHOLE
    try:
        fields = _fields(value)
        if _is_trade(fields):
            place = 0
            yield place, _trade(fields, belongs)
        else:
            yield place, _other(fields, belongs)
    except RefusedError as error:
        yield place, error


def trade_key(exchange: str | None, trade_id: str | int | None) -> bytes:
    """16 bytes: the text itself if it has at most 15, else 15 bytes of a hash, and which of the two."""
    if trade_id is None:
        return b""
    text = f"{exchange or ''}|{trade_id}".encode()
    if len(text) <= 15:
        return text.ljust(15, b"\0") + b"\1"
    return hashlib.blake2b(text, digest_size=15).digest() + b"\2"


# --- JSON --------------------------------------------------------------------------------------------------------


def _fields(value: bytes | None) -> Mapping[str, Any]:
    if not value:
        raise RefusedError("record: empty")
    try:
        fields = msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(f"json: {error}") from None
    if not isinstance(fields, dict):
        raise RefusedError("json: not an object")
    for name, content in fields.items():
        if not _has_type(name, content):
            raise RefusedError(f"json: wrong type of {name}")
    return fields


def _has_type(name: str, content: object) -> bool:
    integer = isinstance(content, int) and not isinstance(content, bool)
    number = integer or isinstance(content, float)
    if name in INTEGERS or name in OPTIONAL_INTEGERS:
        return (integer and -(2**63) <= int(str(content)) < 2**63) or (name in OPTIONAL_INTEGERS and content is None)
    if name in NUMBERS or name in OPTIONAL_NUMBERS:
        return number or (name in OPTIONAL_NUMBERS and content is None)
    if name in TEXTS or name in OPTIONAL_TEXTS:
        return isinstance(content, str) or (name in OPTIONAL_TEXTS and content is None)
    if name == "id":
        return integer or isinstance(content, str) or content is None
    if name == "conditions":
        return content is None or (
            isinstance(content, list) and all(_has_type("id", c) and c is not None for c in content)
        )
    return True


def _is_trade(fields: Mapping[str, Any]) -> bool:
    control = any(fields.get(name) is not None for name in ("hb", "end", "ruleset"))
    return not control and fields.get("kind", "trade") == "trade" and fields.get("symbol", "") != ""


def _trade(fields: Mapping[str, Any], belongs: Belongs) -> GivenTrade:
    trade = GivenTrade(
        symbol=fields["symbol"],
        ts=fields.get("ts", 0),
        price=_float(fields.get("price", 0.0)),
        size=_float(fields.get("size", 0.0)),
        flags=fields.get("flags", NORMAL),
        key=trade_key(fields.get("exchange"), fields.get("id")),
        ts_recv=fields.get("ts_recv", 0),
    )
    return _checked(trade, belongs)


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _checked(trade: GivenTrade, belongs: Belongs) -> GivenTrade:
    _check_symbol(trade.symbol, belongs)
    _check_ts(trade.ts)
    for name, number in (("price", trade.price), ("size", trade.size)):
        if not (math.isfinite(number) and number > 0):
            raise RefusedError(f"{name}: {number}")
    if not 0 <= trade.flags <= 31:
        raise RefusedError("flags")
    return trade


def _check_symbol(symbol: str, belongs: Belongs) -> None:
    if not SYMBOL.fullmatch(symbol):
        raise RefusedError("symbol: not a name")
    if not belongs(symbol):
        raise RefusedError("partition: another's")


def _check_ts(ts: int) -> None:
    if not 10**17 <= ts < 41 * 10**17:
        raise RefusedError(f"ts: {ts}")


def _other(fields: Mapping[str, Any], belongs: Belongs) -> Given:
    if fields.get("hb") is not None:
        _check_ts(fields["hb"])
        if fields.get("source") is None:
            raise RefusedError("heartbeat: no source")
        return Heartbeat(fields["source"], fields["hb"])
    if fields.get("end") is not None:
        return SourceEnd(fields["end"])
    if fields.get("ruleset") is not None:
        if fields.get("seq") is None:
            raise RefusedError("rule set: no seq")
        return RuleSetSwitch(fields["ruleset"], fields["seq"])
    kind, symbol, ts = fields.get("kind", "trade"), fields.get("symbol", ""), fields.get("ts", 0)
    if kind not in KINDS:
        raise RefusedError(f"kind: {kind}")
    _check_symbol(symbol, belongs)
    _check_ts(ts)
    return _of_symbol(fields, kind, symbol, ts)


def _of_symbol(fields: Mapping[str, Any], kind: str, symbol: str, ts: int) -> Given:
    if kind == "daily":
        return _daily(fields, symbol, ts)
    if kind == "reference":
        return _reference(fields, symbol, ts)
    if kind == "status" and fields.get("status") is not None:
        if fields["status"] not in ("halted", "resumed"):
            raise RefusedError("status: unknown")
        return Status(symbol, ts, fields["status"] == "halted")
    return Unapplied(kind, symbol, ts)


def _daily(fields: Mapping[str, Any], symbol: str, ts: int) -> DailyBar:
    given = [fields.get(name) for name in OPTIONAL_NUMBERS]
    numbers = [_float(number) for number in given if number is not None]
    if len(numbers) < len(given) or not all(math.isfinite(number) and number > 0 for number in numbers):
        raise RefusedError("daily: a figure is missing or not above 0")
    o, high, low, close, volume = numbers
    if not (low <= o <= high and low <= close <= high):
        raise RefusedError("daily: open or close outside of low and high")
    return DailyBar(symbol, ts, o, high, low, close, volume)


def _reference(fields: Mapping[str, Any], symbol: str, ts: int) -> Reference:
    cleared = [] if fields.get("clear") is None else fields["clear"]
    if not isinstance(cleared, list) or any(name not in (*SUPPLIED, "tags") for name in cleared):
        raise RefusedError("reference: clear")
    values = {name: _supplied(name, fields[name]) for name in SUPPLIED if fields.get(name) is not None}
    tags = fields.get("tags")
    if fields.get("market") is None and not values and not cleared and tags is None:
        raise RefusedError("reference: says nothing")
    return Reference(symbol, ts, fields.get("market"), values, tuple(cleared), None if tags is None else _tags(tags))


def _tags(content: object) -> tuple[str, ...]:
    if not isinstance(content, list) or not all(isinstance(tag, str) and TAG.fullmatch(tag) for tag in content):
        raise RefusedError("reference: tags: not a list of tags")
    if len(set(content)) > 8:
        raise RefusedError("reference: tags: too many")
    return tuple(content)


def _supplied(name: str, content: object) -> float:
    if isinstance(content, bool) or not isinstance(content, int | float):
        raise RefusedError(f"reference: {name} is no number")
    if name == "earnings":
        if not isinstance(content, int):
            raise RefusedError("reference: earnings are no time")
        _check_ts(content)
        return content
    number = _float(content)
    if number > 1e15 or number < 0 or (number == 0 and name in ABOVE_ZERO):
        raise RefusedError(f"reference: {name}: {number}")
    return number


# --- frames ------------------------------------------------------------------------------------------------------


def _frame(value: bytes, belongs: Belongs) -> Iterator[tuple[int, Given | RefusedError]]:
    names, places, count, optional = _layout(value)
    if any(_item(value, places[0], "<H", i) >= len(names) for i in range(count)):
        raise RefusedError("frame: a symbol without a name")
    for i in range(count):
        trade = GivenTrade(
            names[_item(value, places[0], "<H", i)],
            _item(value, places[1], "<q", i),
            _item(value, places[2], "<d", i),
            _item(value, places[3], "<d", i),
            _item(value, places[4], "<B", i) if optional & 1 else NORMAL,
            _frame_key(value, places[6], count, i) if optional & 4 else b"",
            _item(value, places[5], "<q", i) if optional & 2 else 0,
        )
        try:
            yield i, _checked(trade, belongs)
        except RefusedError as error:
            yield i, error


def _layout(value: bytes) -> tuple[list[str], list[int], int, int]:
    """Names, where each column begins, the number of trades, and which columns there are."""
    if len(value) < 20:
        raise RefusedError("frame: no header")
    _, version, optional, count, names_count, names_size, checksum = struct.unpack("<BBHIIII", value[:20])
    widths = [2, 8, 8, 8, optional & 1, 8 * (optional >> 1 & 1), 16 * (optional >> 2 & 1)]
    if version != 1 or optional > 7 or len(value) != 20 + names_size + count * sum(widths):
        raise RefusedError("frame: version or length")
    if zlib.crc32(value[20:]) != checksum:
        raise RefusedError("frame: checksum")
    text = value[20 : 20 + names_size]
    names = text.decode("ascii").split("\n") if names_count and text.isascii() else []
    if len(names) != names_count:
        raise RefusedError("frame: names")
    return names, [20 + names_size + count * sum(widths[:column]) for column in range(7)], count, optional


def _item(value: bytes, column: int, form: str, i: int) -> Any:
    return struct.unpack_from(form, value, column + i * struct.calcsize(form))[0]


def _frame_key(value: bytes, column: int, count: int, i: int) -> bytes:
    """The column of first halves comes before that of second halves; a second half of 0: no id."""
    first, second = column + 8 * i, column + 8 * (count + i)
    return value[first : first + 8] + value[second : second + 8] if any(value[second : second + 8]) else b""
