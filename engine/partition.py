"""One partition of the tick log: batch in, bars and alerts out, and the state in between. The engine's front door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine import history_records, intake, live, pieces, reference_records
from engine.calendar import Calendars
from engine.clock import Watermark, ahead_of_time
from engine.firing import Moment
from engine.flow import Flow, Timeline
from engine.pieces import Header, Piece
from engine.result import StepResult
from engine.rules.plan import NO_RULES, Plan
from engine.scanner import Scanner
from engine.segments import Index
from engine.state import PartitionState
from engine.timeframes import MINUTE_NS
from schemas.batch import UNKNOWN_TIME, Rejected, TickBatch, Trades
from schemas.control import DailyBar, Heartbeat, Mark, Reference, RuleSetSwitch, SourceEnd, Status, Unapplied
from schemas.live import LiveFigures, LiveQuote
from schemas.symbols import SymbolTable

STEP_TICKS: Final = 30_000
"""Of a larger batch a step takes so many at a time (`TickBatch.parts`): longer columns would be taken from
the system anew each time (`infra.allocator`), and the event loop held for longer."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """`future_bound_ns`: how far ahead of its append time a trade or a heartbeat may be; `amend_window_ns`: how long
    after its minute a late trade still amends it.

    `shards`: pieces of state are kept by shard of symbols; the number must not change while state is kept.
    """

    future_bound_ns: int = 60_000_000_000
    amend_window_ns: int = 30_000_000_000
    shards: int = 8

    def __post_init__(self) -> None:
        """ValueError for settings the engine cannot keep."""
        if not 0 <= self.amend_window_ns < MINUTE_NS:
            raise ValueError(
                "amend_window_ns: must be from 0 to below a minute, so that only the newest closed minute is amended"
            )
        if self.shards < 1:
            raise ValueError("shards: must be at least 1")


class UnknownRuleSetError(LookupError):
    """The log switches to a rule set whose plan was not given."""


DEFAULT_CONFIG = EngineConfig()


class Partition:
    """The state of one partition and the way a batch changes it. Same log, same output, however it is cut into
    batches."""

    def __init__(
        self,
        partition: int,
        partitions: int | None,
        calendars: Calendars,
        config: EngineConfig = DEFAULT_CONFIG,
        without_rules: Plan = NO_RULES,
    ) -> None:
        """`partitions` None: any symbol belongs here (offline files). `without_rules`: what is evaluated while no rule
        set is in force."""
        self.config = config
        self.symbols = SymbolTable(partition, partitions)
        self.state = PartitionState(self.symbols, config.shards, calendars)
        self.scanner = Scanner(self.state)
        self.position = -1
        self.rule_set: str | None = None
        self.rule_set_seq = -1
        self._watermark = Watermark()
        self._flow = Flow(self.state, self.scanner, config.amend_window_ns)
        self._figures = live.Figures(self.state, self.scanner)
        self._without_rules = without_rules
        self.scanner.activate(without_rules, np.arange(0))

    @property
    def header(self) -> Header:
        """Position, time and rule set after the last step."""
        watermark = self._watermark
        return Header(self.position, watermark.ts_ns, dict(watermark.heartbeats), self.rule_set, self.rule_set_seq)

    def step(self, batch: TickBatch, plans: Mapping[str, Plan]) -> StepResult:
        """Take in a batch.

        Raises UnknownRuleSetError, with nothing changed, if `plans` lacks a set that the batch switches to.
        """
        self._check_plans(batch, plans)
        if self.state.admit():
            self.scanner.grow(self.state.capacity)
        result = self._flow.result = StepResult()
        result.counts.trades = len(batch.trades)
        with np.errstate(all="ignore"):
            trades, numbers = self._admitted(batch.trades, result)
            self._walk(batch.marks, trades, numbers, plans)
        result.metrics, self.scanner.told = self.scanner.told, []
        self.position = max(self.position, batch.last_offset)
        if self.scanner.has_imports and (self.state.origin.skip_through[: self.state.known] <= self.position).all():
            self.scanner.forget_imports()
        return result

    def switches(self, batch: TickBatch) -> list[str]:
        """Hashes of the rule sets that the batch, stepped next, switches to. What it ignores need not even exist."""
        seq, hashes = self.rule_set_seq, []
        for mark in batch.marks:
            if isinstance(mark.event, RuleSetSwitch) and mark.event.seq > seq:
                seq = mark.event.seq
                hashes.append(mark.event.rule_set_hash)
        return hashes

    def live(self, most: int = 2_000) -> list[LiveQuote]:
        """The newest figures of up to `most` symbols that changed since they were last given; for screens, part of no
        result."""
        with np.errstate(all="ignore"):
            return live.changed_quotes(self.state, most)

    def live_figures(self, most_values: int) -> LiveFigures:
        """What is told at closes as it is now, of symbols that changed, at most about so many values; for screens."""
        with np.errstate(all="ignore"):
            return self._figures.changed(most_values)

    def changed_shards(self) -> list[int]:
        """Shards of symbols whose state changed since it was last exported."""
        return pieces.changed_shards(self.state)

    def export_changed(self, shard: int) -> list[Piece]:
        """Copies of all the shard's pieces that changed since they were last exported, at the same position."""
        return [self.export_piece(key) for key in pieces.changed(self.state, shard)]

    def all_pieces(self) -> list[str]:
        """Keys of all pieces that hold anything."""
        return pieces.present(self.state)

    def export_piece(self, key: str) -> Piece:
        """A copy of that piece as it is now; it counts as unchanged from here on."""
        return pieces.take(self.state, self.scanner, key, self.header)

    def expect(self, symbols: Iterable[str]) -> None:
        """Make room for all of these at once, before their pieces are put back."""
        for name in symbols:
            self.symbols[name]
        if self.state.admit():
            self.scanner.grow(self.state.capacity)

    def import_piece(self, piece: Piece) -> None:
        """Put a piece back into a fresh partition, all `live/` pieces before `bars/` pieces, before `begin_at`. Its
        symbols skip what it knows."""
        pieces.put(self.state, self.scanner, piece)

    def begin_at(self, header: Header, plans: Mapping[str, Plan]) -> None:
        """Begin reading behind `header.position`, with the time and the rule set in force there. Raises
        UnknownRuleSetError."""
        if header.rule_set is not None and header.rule_set not in plans:
            raise UnknownRuleSetError(header.rule_set)
        pieces.settle(self.state)
        self.scanner.activate(NO_RULES, np.arange(0))
        plan = self._without_rules if header.rule_set is None else plans[header.rule_set]
        self.scanner.activate(plan, np.arange(self.state.known), restoring=True)
        self.position, self.rule_set, self.rule_set_seq = header.position, header.rule_set, header.rule_set_seq
        self._watermark = Watermark(header.watermark_ns, header.heartbeats)

    def _check_plans(self, batch: TickBatch, plans: Mapping[str, Plan]) -> None:
        for name in self.switches(batch):
            if name not in plans:
                raise UnknownRuleSetError(name)

    def _admitted(self, trades: Trades, result: StepResult) -> tuple[Trades, Index]:
        """The trades that are new and not too far ahead, and their numbers in the batch."""
        new = trades.offset > self.state.origin.skip_through[trades.symbol]
        ahead = intake.too_far_ahead(trades, self.config.future_bound_ns) & new
        for row in np.flatnonzero(ahead):
            result.rejected.append(intake.rejected(trades, int(row), intake.future_reason(trades, int(row))))
        if new.all() and not ahead.any():
            return trades, np.arange(len(trades))
        numbers = np.flatnonzero(new & ~ahead)
        return trades.take(numbers), numbers

    def _walk(self, marks: list[Mark], trades: Trades, numbers: Index, plans: Mapping[str, Plan]) -> None:
        """Trades up to each event that touches symbols, then the event."""
        done = 0
        timeline = Timeline([0], [self._watermark.ts_ns])

        def catch_up(row: int) -> None:
            nonlocal done, timeline
            end = int(np.searchsorted(numbers, row))
            if end > done:
                part = slice(done, end)
                self._flow.trades(trades if end - done == len(trades) else trades.take(part), numbers[part], timeline)
            done, timeline = end, Timeline([0], [self._watermark.ts_ns])

        for mark in marks:
            event = mark.event
            if (reason := ahead_of_time(mark, self.config.future_bound_ns)) is not None:
                self._flow.result.rejected.append(Rejected(mark.offset, 0, reason))
            elif isinstance(event, Heartbeat | SourceEnd):
                minute = self._watermark.ts_ns // MINUTE_NS
                after = self._watermark.apply(event)
                if after // MINUTE_NS == minute:
                    timeline.since.append(mark.row)
                    timeline.ts_ns.append(after)
                    continue
                catch_up(mark.row)
                self._flow.close_through(after // MINUTE_NS, self._open_to(mark), Moment(mark.offset, mark.append_ts))
            else:
                catch_up(mark.row)
                self._apply(mark, plans)
        catch_up(int(numbers[-1]) + 1 if len(numbers) else 0)

    def _open_to(self, mark: Mark) -> Index:
        """The symbols that do not know this record yet."""
        return np.flatnonzero(self.state.origin.skip_through[: self.state.known] < mark.offset)

    def _apply(self, mark: Mark, plans: Mapping[str, Plan]) -> None:
        """An event other than time."""
        event = mark.event
        if isinstance(event, Unapplied):
            self._flow.result.counts.unapplied[event.kind] += 1
        elif isinstance(event, RuleSetSwitch):
            if event.seq > self.rule_set_seq:
                self.rule_set, self.rule_set_seq = event.rule_set_hash, event.seq
                self.scanner.activate(plans[event.rule_set_hash], self._open_to(mark))
        elif isinstance(event, DailyBar | Reference | Status):
            symbol = self.symbols[event.symbol]
            if mark.offset <= self.state.origin.skip_through[symbol]:
                return
            reason = self._of_symbol(symbol, event, mark)
            if reason is not None:
                self._flow.result.rejected.append(Rejected(mark.offset, 0, reason))

    def _of_symbol(self, symbol: int, event: DailyBar | Reference | Status, mark: Mark) -> str | None:
        """A reason where the event cannot be applied."""
        if isinstance(event, Status):
            if mark.append_ts != UNKNOWN_TIME and event.ts_ns - mark.append_ts > self.config.future_bound_ns:
                return f"ts: {event.ts_ns} is too far ahead of the record's append time"
            self._flow.status(symbol, event, self._watermark.ts_ns, Moment(mark.offset, mark.append_ts))
            return None
        if isinstance(event, DailyBar):
            return history_records.apply(self.state, self.scanner, self._flow.clock, symbol, event)
        return reference_records.apply(self.state, self.scanner, symbol, event)
