"""Which of the rows where a rule is true fire: triggers, cooldowns and limits, in event time, for each symbol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engine.columns import Columns, column
from engine.memory import columns_of
from engine.rules.evaluate import Truth
from engine.rules.triggers import Trigger
from engine.segments import Index, Mask, starts_of_runs
from engine.view import View
from schemas.batch import I64
from schemas.rule import BECOMES_TRUE, ONCE_PER_BAR, ONCE_PER_SESSION

NOT_YET: Final = np.iinfo(np.int64).min
_ALL: Final = slice(None)
ARMED, SPENT, UNKNOWN = 0, 1, 2
"""Of a rule that fires when it becomes true: it may fire, it has been true, it is not known which."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows that fire, ascending, and whether the fire mutes the rule for its symbol."""

    rows: Index
    mutes: Mask


class FireMemory:
    """What is remembered of a rule's fires. Columns come into being with the first of them."""

    def __init__(self, trigger: Trigger) -> None:
        """Nothing fired."""
        declared = {"fired": column("i8", NOT_YET)}
        if trigger.kind == BECOMES_TRUE:
            declared["edge"] = column("u1", ARMED)
        if trigger.kind in (ONCE_PER_BAR, ONCE_PER_SESSION):
            declared["period"] = column("i8", NOT_YET)
        if trigger.max_fires or trigger.runaway_fires:
            declared["fires"] = column("i8")
        if trigger.runaway_fires:
            declared["recent"] = column("i8", NOT_YET, trigger.runaway_fires)
            declared["muted"] = column("?")
        self._trigger, self._now = trigger, columns_of("_Fires", **declared)
        self._periodic = trigger.kind in (ONCE_PER_BAR, ONCE_PER_SESSION)
        self._limited = bool(trigger.max_fires or trigger.runaway_fires)
        self.now: Any = self._now

    def groups(self) -> dict[str, Columns]:
        """Its columns."""
        return {"now": self._now}

    def begin_unknown(self, symbols: Index) -> None:
        """The rule comes to symbols that have had rows without it: whether it was true then is not known."""
        self.now.edge[symbols] = UNKNOWN

    def is_waiting(self, members: Index) -> bool:
        """Whether a rule on edges is armed for all of `members`: then nothing but true changes it."""
        return self._now.capacity > 0 and bool((self.now.edge[members] == ARMED).all())

    def quiet_until(self, symbols: Index) -> I64:
        """Until when the cooldown keeps the rule silent, 0 where it has not fired."""
        last = self.now.fired[symbols]
        return np.where(last == NOT_YET, 0, last + self._trigger.cooldown_ns)

    # --- which rows ----------------------------------------------------------------------------------------------

    def select(self, rows: Index, view: View) -> Chosen:
        """Of the rows where the rule is true (sorted by symbol, then log order), those that fire. Remembered."""
        chosen, mutes = [], []
        going, symbols = rows, view.symbols_of(rows)
        while len(going):
            allowed = self._allowed(going, symbols, view)
            if not allowed.all():
                going, symbols = going[allowed], symbols[allowed]
            if not len(going):
                break
            first = _ALL if self._is_free else starts_of_runs(symbols)
            chosen.append(going[first])
            mutes.append(self._fire(going[first], symbols[first], view))
            if self._is_free or len(chosen[-1]) == len(going):
                break
            later = np.ones(len(going), bool)
            later[first] = False
            going, symbols = going[later], symbols[later]
        if not chosen:
            return Chosen(np.empty(0, np.intp), np.empty(0, bool))
        if len(chosen) == 1:
            return Chosen(chosen[0], mutes[0])
        all_rows = np.concatenate(chosen)
        order = np.argsort(all_rows)
        return Chosen(all_rows[order], np.concatenate(mutes)[order])

    @property
    def _is_free(self) -> bool:
        """Whether one fire never keeps another back."""
        return not (self._trigger.cooldown_ns or self._periodic or self._limited)

    def _allowed(self, rows: Index, symbols: Index, view: View) -> Mask:
        """Whether nothing keeps each of `rows` back, given the fires so far."""
        trigger, now = self._trigger, self.now
        row_ts = view.row_ts[rows]
        allowed = row_ts - trigger.cooldown_ns >= now.fired[symbols]  # `NOT_YET` is before everything
        if trigger.expires_ns:
            allowed &= row_ts < trigger.expires_ns
        if trigger.max_fires:
            allowed &= now.fires[symbols] < trigger.max_fires
        if trigger.runaway_fires:
            allowed &= ~now.muted[symbols]
        if self._periodic:
            period = self._periods(view)[view.places(rows)]
            allowed &= (period != NOT_YET) & (period != now.period[symbols])
        return np.asarray(allowed)

    def _fire(self, rows: Index, symbols: Index, view: View) -> Mask:
        """Remember fires; whether each mutes the rule. Unless `_is_free`, one row a symbol."""
        trigger, now, row_ts = self._trigger, self.now, view.row_ts[rows]
        now.fired[symbols] = row_ts
        if self._periodic:
            now.period[symbols] = self._periods(view)[view.places(rows)]
        if not self._limited:
            return np.zeros(len(rows), bool)
        slot = now.fires[symbols]
        now.fires[symbols] = slot + 1
        if not trigger.runaway_fires:
            return np.zeros(len(rows), bool)
        now.recent[symbols, slot % trigger.runaway_fires] = row_ts
        oldest = now.recent[symbols, (slot + 1) % trigger.runaway_fires]
        mutes = (oldest != NOT_YET) & (row_ts - np.maximum(oldest, 0) <= trigger.runaway_ns)
        now.muted[symbols] = mutes
        return np.asarray(mutes)

    def _periods(self, view: View) -> I64:
        """Over members: the start of their bar or session; `NOT_YET`: in none."""
        closed = view.closed_session()
        if self._trigger.kind == ONCE_PER_SESSION:
            return np.where(closed, NOT_YET, view.member_info.session_start)
        assert self._trigger.frame is not None, "checked when the rule was compiled"
        start, _ = self._trigger.frame.bounds(view.member_minute, view.member_info)
        return np.where(closed, NOT_YET, start)

    def edges(self, truth: Truth, rearm: Truth | None, view: View) -> Index:
        """Rows where the rule becomes true, given its truth on all rows. Remembered."""
        rises = truth.true
        resets = ~rises if rearm is None else rearm.true & ~rises
        members, segments, edge = view.members, view.segments, self.now.edge
        before = edge[members]
        if (before == UNKNOWN).any():
            unknown = view.spread_any(before == UNKNOWN)
            if segments is not None:
                unknown = unknown & (segments.count_before(truth.true | truth.false) == 0)
            resets = np.where(unknown, truth.false if rearm is None else resets | truth.false, resets)
        if segments is None:
            edge[members] = np.where(rises, SPENT, np.where(resets, ARMED, before))
            return np.flatnonzero(rises & (before == ARMED))
        newest = segments.newest(rises | resets)
        at = np.concatenate(([-1], newest[:-1]))
        at[segments.starts] = -1
        state = np.where(rises, SPENT, ARMED)
        previous = np.where(at >= 0, state[at], segments.spread(before))
        last = newest[segments.last]
        edge[members] = np.where(last >= 0, state[last], before)
        return np.flatnonzero(rises & (previous == ARMED))
