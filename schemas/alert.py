"""An alert in two parts: the body is what was found and is digested; the delivery says how it travelled and never
is."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec


class Leaf(msgspec.Struct, frozen=True, omit_defaults=True):
    """One condition of the rule as it stood when the rule fired; null means that there was no value.

    `against`: what the bound is, where it is no number of the rule's. `previous`: both sides on the row before, of
    crosses. `parts`: of `and`, `or`, `not`, which have neither value nor bound. `bars`: the start (UTC ns) of bar 0 of
    each timeframe that the condition is on, shortest first; `x[n]` is of n bars before it.
    """

    expression: str
    value: float | None
    operator: str
    bound: float | None
    verdict: bool | None
    against: str = ""
    previous: tuple[float | None, float | None] | None = None
    parts: tuple[Leaf, ...] = ()
    bars: dict[str, int] = {}


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What holds the rule back besides its trigger, as in its body; 0 and "": nothing does."""

    cooldown_ns: int = 0
    rearm: str = ""
    expires_ns: int = 0
    max_fires: int = 0
    runaway_fires: int = 0
    runaway_ns: int = 0


NO_LIMITS: Final = Limits()


class AlertBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """`ts` is the row's event time in UTC ns, `ordinal` its place among the symbol's rows of that time. `muted`: the
    rule is silent for the symbol from here on, as it fired too often."""

    id: str
    rule_id: str
    rule_hash: str
    symbol: str
    ts: int
    ordinal: int
    trigger: str
    price: float | None
    session: str
    explanation: list[Leaf]
    muted: bool = False
    limits: Limits = NO_LIMITS


class Delivery(msgspec.Struct, frozen=True):
    """Where the row stood in the log (`index` in a frame; -1 for a bar close), and names for people."""

    topic: str
    partition: int
    offset: int
    index: int
    ts_recv: int
    append_ts: int
    run_id: str
    rule_name: str
    rule_version: int


class Alert(msgspec.Struct, frozen=True):
    """What stands in the alerts topic."""

    body: AlertBody
    delivery: Delivery


class _RawAlert(msgspec.Struct):
    body: msgspec.Raw
    delivery: Delivery


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Alert)
_RAW_DECODER: Final = msgspec.json.Decoder(_RawAlert)


def encode_body(body: AlertBody) -> bytes:
    """Canonical bytes, the unit of the alert digest."""
    return _ENCODER.encode(body)


def encode_alert(alert: Alert) -> bytes:
    """The record's value; it holds the body's canonical bytes as they are."""
    return _ENCODER.encode(alert)


def decode_alert(value: bytes) -> Alert:
    """Raises msgspec.MsgspecError."""
    return _DECODER.decode(value)


def body_bytes(value: bytes) -> bytes:
    """The canonical body inside an encoded alert."""
    return bytes(_RAW_DECODER.decode(value).body)


def body_order(body: AlertBody) -> tuple[str, int, int, str]:
    """Sort key of digests and result files."""
    return body.symbol, body.ts, body.ordinal, body.rule_id


def alert_id(
    rule_id: str, rule_hash: str, symbol: str, trigger: str, ts_ns: int, trade_key: bytes, ordinal: int
) -> str:
    """128-bit BLAKE2b, hex. `trade_key` are the 16 bytes of (exchange, id), or empty: then `ordinal` tells equal times
    apart."""
    parts = (
        rule_id.encode(),
        rule_hash.encode(),
        symbol.encode(),
        trigger.encode(),
        str(ts_ns).encode(),
        trade_key or str(ordinal).encode(),
    )
    told = b"".join([len(part).to_bytes(4, "little") + part for part in parts])
    return hashlib.blake2b(told, digest_size=16).hexdigest()
