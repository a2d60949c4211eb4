"""From rows where a rule fires to alerts: deterministic ids, places in the log."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Final

import numpy as np

from engine.rules.evaluate import Evaluation
from engine.rules.explain import explanation
from engine.rules.fires import Chosen
from engine.rules.plan import PlannedRule
from engine.segments import Index
from engine.view import View
from schemas.alert import AlertBody, alert_id
from schemas.bar import SESSIONS
from schemas.batch import Trades

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


def fire(rule: PlannedRule, chosen: Chosen, view: View, evaluation: Evaluation, at: Place) -> list[Fired]:
    """The alerts of `rule` at the chosen rows of the view."""
    names, rows, trigger = view.state.symbols.names, chosen.rows, rule.trigger.text
    places = view.places(rows)
    columns = (
        rows.tolist(),
        view.members[places].tolist(),
        view.member_info.session[places].tolist(),
        view.row_ts[rows].tolist(),
        view.ordinal[rows].tolist(),
        view.price[rows].tolist(),
        chosen.mutes.tolist(),
    )
    alerts = []
    for row, number, session, ts, ordinal, price, mutes in zip(*columns, strict=True):
        symbol = names[number]
        key = _trade_key(at, row)
        body = AlertBody(
            id=alert_id(rule.id, rule.hash, symbol, trigger, ts, key, ordinal),
            rule_id=rule.id,
            rule_hash=rule.hash,
            symbol=symbol,
            ts=ts,
            ordinal=ordinal,
            trigger=trigger,
            price=_or_null(price),
            session=SESSIONS[session],
            explanation=explanation(rule.tree, evaluation, row),
            muted=mutes,
            limits=rule.trigger.limits,
        )
        alerts.append(Fired(body, *_place(at, row, number), rule.name, rule.version))
    return alerts


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
