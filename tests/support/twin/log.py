"""The twin of a partition: records of its log in, bars, alerts and dead letters out, one record after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass

from schemas.alert import AlertBody
from schemas.bar import Bar
from schemas.control import DailyBar, Heartbeat, Reference, RuleSetSwitch, SourceEnd, Status, Unapplied
from tests.support.twin.bars import Trade
from tests.support.twin.day import Row
from tests.support.twin.expressions import Memory
from tests.support.twin.records import Given, GivenTrade, RefusedError, read
from tests.support.twin.rules import Rule, activate, alerts_at
from tests.support.twin.symbol import Symbol

FUTURE_NS = 60 * 10**9
SILENCE_NS = 60 * 10**9
MARKETS = ("us_equity", "24x7")
UNKNOWN = -1


@dataclass(frozen=True)
class Record:
    """A record of the log. `append_ts` in ns, -1 where it is not known."""

    offset: int
    value: bytes | None
    append_ts: int = UNKNOWN


def everywhere(symbol: str) -> bool:
    """Any symbol belongs to this partition."""
    return bool(symbol)


class Twin:
    """What is known after the records so far. `rule_sets`: the rules of each set by the set's hash.

    `only`: look at these symbols alone; what the others give does not depend on them, nor theirs on these.
    """

    def __init__(
        self,
        rule_sets: Mapping[str, list[Rule]],
        only: Container[str] | None = None,
        belongs: Callable[[str], bool] = everywhere,
    ) -> None:
        self.alerts: list[AlertBody] = []
        self.refused: dict[tuple[int, int], str] = {}
        self.unapplied: Counter[str] = Counter()
        self.symbols: dict[str, Symbol] = {}
        self.rule_set: str | None = None
        self.watermark = 0
        self._rule_sets, self._only, self._belongs = rule_sets, only, belongs
        self._heartbeats: dict[str, int] = {}
        self._rules: list[Rule] = []
        self._seq = -1

    @property
    def bars(self) -> list[Bar]:
        """All bars so far, symbol by symbol, each in the order of publishing."""
        return [bar for symbol in self.symbols.values() for bar in symbol.bars]

    def take(self, record: Record) -> None:
        """The next record."""
        for place, given in read(record.value, self._belongs):
            try:
                if isinstance(given, RefusedError):
                    raise given
                self._apply(record, place, given)
            except RefusedError as refused:
                self.refused[record.offset, place] = str(refused)

    def _apply(self, record: Record, place: int, given: Given) -> None:
        if isinstance(given, Heartbeat | SourceEnd):
            self._time(record, given)
        elif isinstance(given, RuleSetSwitch):
            self._switch(given)
        elif self._only is not None and given.symbol not in self._only:
            return
        elif isinstance(given, GivenTrade):
            if record.append_ts != UNKNOWN and given.ts > record.append_ts + FUTURE_NS:
                raise RefusedError("ts: ahead of the append time")
            _refuse(self._symbol(given.symbol).trade(_trade(given, record, place), self.watermark))
        elif isinstance(given, Unapplied):
            self.unapplied[given.kind] += 1
        else:
            self._apply_other(record, given)

    def _apply_other(self, record: Record, given: DailyBar | Status | Reference) -> None:
        symbol = self._symbol(given.symbol)
        if isinstance(given, DailyBar):
            _refuse(symbol.daily(given.ts_ns, (given.open, given.high, given.low, given.close, given.volume)))
        elif isinstance(given, Status):
            if record.append_ts != UNKNOWN and given.ts_ns > record.append_ts + FUTURE_NS:
                raise RefusedError("ts: ahead of the append time")
            symbol.status(given.ts_ns, given.halted, self.watermark)
        elif given.market is None or given.market in MARKETS:
            symbol.market = given.market or symbol.market
            for name in given.cleared:
                symbol.supplied.pop(name, None)
            symbol.supplied |= given.values
            tags = () if given.tags is None and "tags" in given.cleared else given.tags
            symbol.tags = symbol.tags if tags is None else frozenset(tags)
        else:
            raise RefusedError(f"market: {given.market}")

    def _symbol(self, name: str) -> Symbol:
        symbol = self.symbols.get(name)
        if symbol is None:
            symbol = self.symbols[name] = Symbol(name, self._row)
            symbol.memory = Memory()
            activate(self._rules, symbol)
        return symbol

    def _row(self, symbol: Symbol, row: Row) -> None:
        self.alerts += alerts_at(self._rules, symbol, row)

    def _time(self, record: Record, given: Heartbeat | SourceEnd) -> None:
        if isinstance(given, SourceEnd):
            self._heartbeats.pop(given.source, None)
        elif record.append_ts != UNKNOWN and given.ts_ns > record.append_ts + FUTURE_NS:
            raise RefusedError("heartbeat: ahead of the append time")
        else:
            self._heartbeats[given.source] = max(given.ts_ns, self._heartbeats.get(given.source, 0))
        if self._heartbeats:
            newest = max(self._heartbeats.values())
            heard = [ts for ts in self._heartbeats.values() if newest - ts <= SILENCE_NS]
            self.watermark = max(self.watermark, min(heard))
        for symbol in self.symbols.values():
            symbol.advance(max(symbol.newest_ts, self.watermark))

    def _switch(self, given: RuleSetSwitch) -> None:
        if given.seq <= self._seq:
            return
        self.rule_set, self._seq = given.rule_set_hash, given.seq
        self._rules = self._rule_sets[given.rule_set_hash]
        for symbol in self.symbols.values():
            activate(self._rules, symbol)


def _refuse(reason: str | None) -> None:
    if reason is not None:
        raise RefusedError(reason)


def _trade(given: GivenTrade, record: Record, place: int) -> Trade:
    return Trade(given.ts, given.price, given.size, given.flags, given.key, record.offset, place)


def run_log(
    records: Iterable[Record],
    rule_sets: Mapping[str, list[Rule]],
    only: Container[str] | None = None,
    belongs: Callable[[str], bool] = everywhere,
) -> Twin:
    """A whole log of one partition: its bars, alert bodies and dead letters."""
    twin = Twin(rule_sets, only, belongs)
    for record in records:
        twin.take(record)
    return twin
