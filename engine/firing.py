"""From rows where a rule is true to alerts: cooldown in event time, deterministic ids, the explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final

import numpy as np

from engine.rules.plan import Plan, PlannedRule
from engine.segments import Index
from engine.view import View
from schemas.alert import AlertBody, Leaf, alert_id
from schemas.bar import SESSIONS
from schemas.batch import F64, I64, Trades

NOT_YET: Final = np.iinfo(np.int64).min
NO_INDEX: Final = -1


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert and where its row stood in the log (`index` -1: a bar close)."""

    body: AlertBody
    offset: int
    index: int
    append_ts: int
    ts_recv: int
    rule_name: str
    rule_version: int


@dataclass(frozen=True, slots=True)
class Closings:
    """Where bar-close rows stand: each of `symbols` (ascending) had its bars closed by the trade beside it."""

    symbols: Index
    trades: Trades


@dataclass(frozen=True, slots=True)
class Moment:
    """Where bar-close rows stand: one record, a heartbeat, closed them all."""

    offset: int
    append_ts: int


Place = Trades | Closings | Moment


class FireMemory:
    """When each rule last fired for each symbol, by rule id and hash. A rule that never fired takes no room."""

    def __init__(self, capacity: int) -> None:
        """Nothing fired."""
        self._capacity = capacity
        self.fired: dict[tuple[str, str], I64] = {}

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` symbols."""
        for key, times in self.fired.items():
            self.fired[key] = np.append(times, np.full(capacity - self._capacity, NOT_YET, np.int64))
        self._capacity = capacity

    def keep(self, rules: Sequence[PlannedRule]) -> None:
        """Forget rules that are not among `rules`."""
        kept = {rule.key for rule in rules}
        self.fired = {key: times for key, times in self.fired.items() if key in kept}

    def fired_of(self, symbols: Index) -> dict[tuple[str, str], I64]:
        """The times of the rules that fired for any of `symbols`, over these."""
        times = {key: all_times[symbols] for key, all_times in self.fired.items()}
        return {key: some for key, some in times.items() if (some != NOT_YET).any()}

    def times(self, key: tuple[str, str]) -> I64:
        """Time of the last fire over symbols, `NOT_YET` where there was none."""
        found = self.fired.get(key)
        if found is None:
            found = self.fired[key] = np.full(self._capacity, NOT_YET, np.int64)
        return found

    def select(self, rule: PlannedRule, symbols: Index, row_ts: I64) -> Index:
        """Which of the rows (sorted by symbol, then log order) fire: those at least a cooldown after the fire before.
        They are remembered."""
        times = self.times(rule.key)
        going = np.arange(len(symbols))
        chosen = []
        while len(going):
            last = times[symbols[going]]
            going = going[(last == NOT_YET) | (row_ts[going] - np.maximum(last, 0) >= rule.cooldown_ns)]
            if not len(going):
                break
            if rule.cooldown_ns == 0:
                chosen.append(going)
                times[symbols[going]] = row_ts[going]
                break
            first = going[np.concatenate(([True], symbols[going][1:] != symbols[going][:-1]))]
            times[symbols[first]] = row_ts[first]
            chosen.append(first)
        return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.intp)


def fire(plan: Plan, rule: PlannedRule, rows: Index, view: View, columns: Sequence[F64], at: Place) -> list[Fired]:
    """The alerts of `rule` at `rows` of the view."""
    names, numbers, price = view.state.symbols.names, view.symbols, view.price
    session = view.member_info.session if view.of_row is None else view.member_info.session[view.of_row]
    alerts = []
    for row in rows.tolist():
        symbol, ts, ordinal = names[numbers[row]], int(view.row_ts[row]), int(view.ordinal[row])
        key = _trade_key(at, row)
        body = AlertBody(
            id=alert_id(rule.id, rule.hash, symbol, rule.trigger, ts, key, ordinal),
            rule_id=rule.id,
            rule_hash=rule.hash,
            symbol=symbol,
            ts=ts,
            ordinal=ordinal,
            trigger=rule.trigger,
            price=_or_null(price[row]),
            session=SESSIONS[session[row]],
            explanation=[_leaf(plan, leaf, columns, row) for leaf in rule.leaves],
        )
        alerts.append(Fired(body, *_place(at, row, int(numbers[row])), rule.name, rule.version))
    return alerts


def _leaf(plan: Plan, number: int, columns: Sequence[F64], row: int) -> Leaf:
    condition = plan.leaves[number]
    value = _or_null(columns[plan.leaf_metric[number]][row])
    return Leaf(condition.metric.text, value, condition.operator, condition.bound, True)


def _or_null(value: float) -> float | None:
    return None if isnan(value) else float(value)


def _trade_key(at: Place, row: int) -> bytes:
    """The 16 bytes of the (exchange, id) of a trade row, empty where there is none."""
    if not isinstance(at, Trades) or not at.id_low[row]:
        return b""
    return int(at.id_high[row]).to_bytes(8, "little") + int(at.id_low[row]).to_bytes(8, "little")


def _place(at: Place, row: int, symbol: int) -> tuple[int, int, int, int]:
    """Offset, index, append time and receive time."""
    if isinstance(at, Moment):
        return at.offset, NO_INDEX, at.append_ts, 0
    if isinstance(at, Closings):
        trade = int(np.searchsorted(at.symbols, symbol))
        return int(at.trades.offset[trade]), NO_INDEX, int(at.trades.append_ts[trade]), int(at.trades.ts_recv[trade])
    return int(at.offset[row]), int(at.index[row]), int(at.append_ts[row]), int(at.ts_recv[row])
