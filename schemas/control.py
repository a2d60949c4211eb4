"""What stands in the tick log beside trades: time, rule sets, history and reference data, so that their place in the
log is fixed."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A source's promise: no tick of mine older than `ts_ns` follows."""

    source: str
    ts_ns: int


@dataclass(frozen=True, slots=True)
class SourceEnd:
    """The source has left; its last heartbeat no longer holds time back."""

    source: str


@dataclass(frozen=True, slots=True)
class RuleSetSwitch:
    """The rule set with this hash is active for the records after this one, if `seq` is above the current one."""

    rule_set_hash: str
    seq: int


@dataclass(frozen=True, slots=True)
class DailyBar:
    """One finished day of a symbol, given as history. `ts_ns` lies inside the day."""

    symbol: str
    ts_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class Reference:
    """What is supplied of a symbol: market and tags (None: as they were) and `values` by name. What is `cleared`
    is unknown, unless the record gives it anew. See `schemas.reference`."""

    symbol: str
    ts_ns: int
    market: str | None
    values: dict[str, float] = field(default_factory=dict)
    cleared: tuple[str, ...] = ()
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Trading in the symbol was halted, or resumed."""

    symbol: str
    ts_ns: int
    halted: bool


@dataclass(frozen=True, slots=True)
class Unapplied:
    """A well-formed event of a kind that no figure uses yet (quote, correction, cancel, a status without one); it is
    counted by kind."""

    kind: str
    symbol: str
    ts_ns: int


Event = Heartbeat | SourceEnd | RuleSetSwitch | DailyBar | Reference | Status | Unapplied


@dataclass(frozen=True, slots=True)
class Mark:
    """An event at its place in a batch: it comes after the first `row` trades of the batch. `append_ts` of its record
    in ns, -1 unknown."""

    row: int
    offset: int
    event: Event
    append_ts: int = -1


def encode_heartbeat(source: str, ts_ns: int) -> bytes:
    """The heartbeat control record."""
    return msgspec.json.encode({"hb": ts_ns, "source": source})


def encode_source_end(source: str) -> bytes:
    """The control record that removes a source."""
    return msgspec.json.encode({"end": source})


def encode_rule_set_switch(rule_set_hash: str, seq: int) -> bytes:
    """The control record that activates a rule set."""
    return msgspec.json.encode({"ruleset": rule_set_hash, "seq": seq})
