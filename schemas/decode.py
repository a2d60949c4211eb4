"""Turns a fetched chunk, JSON ticks and frames mixed, into one TickBatch. A bad record is set aside; the rest goes
on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.batch import I64, Chunk, Rejected, TickBatch, Trades, trade_keys
from schemas.control import DailyBar, Event, Heartbeat, Mark, RuleSetSwitch, SourceEnd, Status, Unapplied
from schemas.frame import FRAME_MAGIC, FrameError, decode_frame
from schemas.reference import reference_of
from schemas.symbols import REFUSALS, SymbolTable
from schemas.tick import (
    ALL_FLAGS,
    HALTED,
    KINDS,
    MAX_TS_NS,
    MIN_TS_NS,
    REGULAR_TRADE,
    STATUSES,
    LeanTick,
    TickRecord,
)
from schemas.values import Values

_LEAN = msgspec.json.Decoder(LeanTick)
_FULL = msgspec.json.Decoder(TickRecord)
FEW = 4
"""So many records are decoded one by one: heartbeats between frames."""
_OPEN, _CLOSE = ord("{"), ord("}")
# As our own encoders write them; any other spelling is understood too, on the slower path.
_CONTROLS = (b'{"hb"', b'{"end"', b'{"ruleset"')
_THIRD_BYTES = np.array([control[2] for control in _CONTROLS], np.uint8)
R = TypeVar("R", LeanTick, TickRecord)

_symbol, _ts, _price, _size = attrgetter("symbol"), attrgetter("ts"), attrgetter("price"), attrgetter("size")
_flags, _ts_recv, _kind = attrgetter("flags"), attrgetter("ts_recv"), attrgetter("kind")
_id, _exchange = attrgetter("id"), attrgetter("exchange")


def decode_chunk(chunk: Chunk, symbols: SymbolTable) -> TickBatch:
    """Decode `chunk`; new symbols are registered in `symbols`. Never raises for what a record holds."""
    decoder = _ChunkDecoder(chunk, symbols)
    for start, end in decoder.runs():
        decoder.add_json(start, end) if end > 0 else decoder.add_frame(start)
    trades = Trades.concatenate(decoder.parts)
    last = int(chunk.offsets[-1]) if len(chunk.offsets) else -1
    return TickBatch(trades, decoder.marks, decoder.rejected, len(chunk.values), last)


class _ChunkDecoder:
    """Collects the pieces of one chunk in log order."""

    def __init__(self, chunk: Chunk, symbols: SymbolTable) -> None:
        self.parts: list[Trades] = []
        self.marks: list[Mark] = []
        self.rejected: list[Rejected] = []
        self._chunk, self._symbols, self._rows = chunk, symbols, 0
        self._offsets, self._append_ts = np.asarray(chunk.offsets, np.int64), np.asarray(chunk.append_ts_ns, np.int64)

    def runs(self) -> Iterable[tuple[int, int]]:
        """(start, end) of each run of JSON records, (position, 0) for each frame."""
        values, count = self._chunk.values, len(self._chunk.values)
        start = 0
        for position in _frames(values):
            if position > start:
                yield start, position
            yield position, 0
            start = position + 1
        if start < count:
            yield start, count

    def add_frame(self, position: int) -> None:
        value, offset = self._chunk.values[position], self._chunk.offsets[position]
        assert value is not None
        try:
            names, columns = decode_frame(value)
        except FrameError as error:
            self.rejected.append(Rejected(offset, -1, f"frame: {error}"))
            return
        count = len(columns.ts)
        numbers = np.fromiter(map(self._symbols.__getitem__, names), np.int32, len(names))
        self._add(
            Trades(
                symbol=numbers[columns.symbol],
                ts=columns.ts,
                price=columns.price,
                size=columns.size,
                flags=columns.flags,
                offset=np.full(count, offset, np.int64),
                index=np.arange(count, dtype=np.int32),
                append_ts=np.full(count, self._chunk.append_ts_ns[position], np.int64),
                ts_recv=columns.ts_recv,
                id_high=columns.id_high,
                id_low=columns.id_low,
            ),
            columns.flags > ALL_FLAGS,
        )

    def add_json(self, start: int, end: int) -> None:
        values, offsets, append_ts = self._chunk.values, self._offsets[start:end], self._append_ts[start:end]
        some = values.part(start, end) if isinstance(values, Values) else Values.of(values[start:end])
        if end - start > FEW:
            self._add_many(some, offsets, append_ts)
        else:
            self._add_one_by_one(some, offsets, append_ts)

    def _add_many(self, values: Values, offsets: I64, append_ts: I64) -> None:
        if (controls := _controls(values)) is not None:
            is_tick = np.ones(len(values), np.bool_)
            is_tick[[*controls]] = False
            lean = _decode_all(_LEAN, values.only(is_tick) if controls else values)
            if lean is not None:
                self._add_lean(lean, controls, values, offsets, append_ts)
                return
        records = _decode_all(_FULL, values)
        if records is None:
            self._add_one_by_one(values, offsets, append_ts)
        else:
            self._add_records(records, values, offsets, append_ts)

    def _add_one_by_one(self, values: Values, offsets: I64, append_ts: I64) -> None:
        good = [self._decode_one(value, offset) for value, offset in zip(values, offsets.tolist(), strict=True)]
        kept = np.array([record is not None for record in good], np.bool_)
        records = [record for record in good if record is not None]
        self._add_records(records, values.only(kept), offsets[kept], append_ts[kept])

    def _decode_one(self, value: bytes, offset: int) -> TickRecord | None:
        if not value:
            self.rejected.append(Rejected(offset, -1, "record: empty"))
            return None
        try:
            return _FULL.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.rejected.append(Rejected(offset, -1, f"json: {error}"))
            return None

    def _add_lean(
        self, ticks: list[LeanTick], controls: Mapping[int, TickRecord], values: Values, offsets: I64, append_ts: I64
    ) -> None:
        """Records that are ticks but for those at the places of `controls`."""
        rows_before = self._rows
        at = np.fromiter(controls, np.intp, len(controls))
        kept = self._add_ticks(ticks, np.delete(offsets, at), np.delete(append_ts, at))
        for before, (i, record) in enumerate(controls.items()):
            row = rows_before + int(np.count_nonzero(kept[: i - before]))
            self._add_event(record, values[i], int(offsets[i]), int(append_ts[i]), row)

    def _add_ticks(self, ticks: list[LeanTick], offsets: I64, append_ts: I64) -> NDArray[np.bool_]:
        count = len(ticks)
        zeros = np.zeros(count, np.uint64)
        return self._add(
            Trades(
                symbol=np.fromiter(map(self._symbols.__getitem__, map(_symbol, ticks)), np.int32, count),
                ts=np.fromiter(map(_ts, ticks), np.int64, count),
                price=np.fromiter(map(_price, ticks), np.float64, count),
                size=np.fromiter(map(_size, ticks), np.float64, count),
                flags=np.full(count, REGULAR_TRADE, np.uint8),
                offset=offsets,
                index=np.zeros(count, np.int32),
                append_ts=append_ts,
                ts_recv=np.zeros(count, np.int64),
                id_high=zeros,
                id_low=zeros,
            )
        )

    def _add_records(self, records: list[TickRecord], values: Values, offsets: I64, append_ts: I64) -> None:
        """Records of any kind, in log order."""
        plain = [_is_trade(record) for record in records]
        if not all(plain):
            start = 0
            for i in [i for i, is_trade in enumerate(plain) if not is_trade] + [len(records)]:
                self._add_trades(records[start:i], offsets[start:i], append_ts[start:i])
                if i < len(records):
                    self._add_event(records[i], values[i], int(offsets[i]), int(append_ts[i]), self._rows)
                start = i + 1
        else:
            self._add_trades(records, offsets, append_ts)

    def _add_trades(self, ticks: list[TickRecord], offsets: I64, append_ts: I64) -> None:
        count = len(ticks)
        if not count:
            return
        flags = np.fromiter(map(_flags, ticks), np.int64, count)
        id_high, id_low = trade_keys(list(map(_exchange, ticks)), list(map(_id, ticks)))
        trades = Trades(
            symbol=np.fromiter(map(self._symbols.__getitem__, map(_symbol, ticks)), np.int32, count),
            ts=np.fromiter(map(_ts, ticks), np.int64, count),
            price=np.fromiter(map(_price, ticks), np.float64, count),
            size=np.fromiter(map(_size, ticks), np.float64, count),
            flags=(flags & 0xFF).astype(np.uint8),
            offset=offsets,
            index=np.zeros(count, np.int32),
            append_ts=append_ts,
            ts_recv=np.fromiter(map(_ts_recv, ticks), np.int64, count),
            id_high=id_high,
            id_low=id_low,
        )
        self._add(trades, (flags < 0) | (flags > ALL_FLAGS))

    def _add_event(self, record: TickRecord, value: bytes, offset: int, append_ts: int, row: int) -> None:
        try:
            event = _event(record, value, self._symbols)
        except ValueError as error:
            self.rejected.append(Rejected(offset, -1, str(error)))
        else:
            self.marks.append(Mark(row, offset, event, append_ts))

    def _add(self, trades: Trades, bad_flags: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Keep the trades whose fields are sound, set the others aside; which were kept."""
        with np.errstate(invalid="ignore"):
            bad_value = ~((trades.price > 0) & (trades.size > 0) & (trades.price < math.inf) & (trades.size < math.inf))
        bad = bad_value | (trades.symbol < 0) | (trades.ts < MIN_TS_NS) | (trades.ts >= MAX_TS_NS)
        if bad_flags is not None:
            bad |= bad_flags
        if bad.any():
            for i in np.flatnonzero(bad):
                self.rejected.append(Rejected(int(trades.offset[i]), int(trades.index[i]), _reason(trades, int(i))))
            trades = trades.take(~bad)
        self.parts.append(trades)
        self._rows += len(trades)
        return ~bad


def _frames(values: Sequence[bytes | None] | Values) -> list[int]:
    """The places of the frames."""
    if not isinstance(values, Values):
        return [i for i, value in enumerate(values) if value and value[0] == FRAME_MAGIC]
    found: list[int] = np.flatnonzero((values.byte(0) == FRAME_MAGIC) & (values.starts < values.ends)).tolist()
    return found


def _controls(values: Values) -> dict[int, TickRecord] | None:
    """The control records by their places in ascending order; None where one that looks like it is none."""
    found = {}
    try:
        for i in np.flatnonzero(np.isin(values.byte(2), _THIRD_BYTES)).tolist():
            value = values[i]
            if value.startswith(_CONTROLS):
                record = found[i] = _FULL.decode(value)
                if _is_trade(record):
                    return None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found


def _decode_all(decoder: msgspec.json.Decoder[R], values: Values) -> list[R] | None:
    """One record a value, or None where a value is not exactly one object of that shape.

    Joined by newlines: between values that each start with `{` and end with `}` no object can reach across two of them,
    so that as many records as values means one record in each.
    """
    is_object = (values.byte(0) == _OPEN) & (values.byte(-1) == _CLOSE) & (values.starts < values.ends)
    if not is_object.all():
        return None
    try:
        records = decoder.decode_lines(values.lines())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return records if len(records) == len(values) else None


def _is_trade(record: TickRecord) -> bool:
    return (
        record.kind == "trade"
        and record.hb is None
        and record.end is None
        and record.ruleset is None
        and record.symbol != ""
    )


def _reason(trades: Trades, i: int) -> str:
    symbol, ts, price, size = int(trades.symbol[i]), int(trades.ts[i]), float(trades.price[i]), float(trades.size[i])
    if symbol < 0:
        return REFUSALS[symbol]
    if not MIN_TS_NS <= ts < MAX_TS_NS:
        return f"ts: {ts} is not a time in nanoseconds since 1970 (UTC) between 1973 and 2099"
    if not (0 < price < math.inf):
        return f"price: {price} is missing or not a finite number above 0"
    if not (0 < size < math.inf):
        return f"size: {size} is missing or not a finite number above 0"
    return "flags: not a set of eligibility bits"


def _event(record: TickRecord, value: bytes, symbols: SymbolTable) -> Event:
    """The event of a record that is no trade, `value` being its bytes; ValueError says what is wrong with it."""
    if record.hb is not None:
        if record.source is None or not MIN_TS_NS <= record.hb < MAX_TS_NS:
            raise ValueError("heartbeat: needs a source and a time in nanoseconds")
        return Heartbeat(record.source, record.hb)
    if record.end is not None:
        return SourceEnd(record.end)
    if record.ruleset is not None:
        if record.seq is None:
            raise ValueError("rule set: needs a seq")
        return RuleSetSwitch(record.ruleset, record.seq)
    if record.kind not in KINDS:
        raise ValueError(f"kind: {record.kind!r} is none of {', '.join(KINDS)}")
    if record.symbol == "":
        raise ValueError("record: neither a tick (no symbol) nor a known control record")
    number = symbols[record.symbol]
    if number < 0:
        raise ValueError(REFUSALS[number])
    if not MIN_TS_NS <= record.ts < MAX_TS_NS:
        raise ValueError(f"ts: {record.ts} is not a time in nanoseconds since 1970 (UTC) between 1973 and 2099")
    return _symbol_event(record, value)


def _symbol_event(record: TickRecord, value: bytes) -> Event:
    if record.kind == "daily":
        values = (record.open, record.high, record.low, record.close, record.volume)
        if any(v is None or not 0 < v < math.inf for v in values):
            raise ValueError("daily: needs open, high, low, close and volume, finite and above 0")
        o, h, low, c, volume = (float(v) for v in values if v is not None)
        if not low <= min(o, c) <= max(o, c) <= h:
            raise ValueError("daily: open and close must lie between low and high")
        return DailyBar(record.symbol, record.ts, o, h, low, c, volume)
    if record.kind == "reference":
        return reference_of(record, value)
    if record.kind == "status" and record.status is not None:
        if record.status not in STATUSES:
            raise ValueError(f"status: {record.status[:40]!r} is none of {', '.join(STATUSES)}")
        return Status(record.symbol, record.ts, record.status == HALTED)
    return Unapplied(record.kind, record.symbol, record.ts)
