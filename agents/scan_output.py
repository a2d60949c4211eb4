"""What a step gives, as records: bars, figures, alerts, late trades, dead letters, each into the same partition of its
topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from engine.firing import Fired
from engine.late import LateTrade
from engine.partition import Partition
from engine.result import StepResult
from infra import metrics
from infra.kafka.chunk import Chunk
from infra.kafka.outbox import Encode, Outbox, Record
from schemas.alert import Alert, Delivery, encode_alert
from schemas.bar import Bar, encode_bar
from schemas.batch import Rejected
from schemas.control import encode_heartbeat
from schemas.dead_letter import MAX_REASON, error_headers, fitting, payload_of
from schemas.live import LiveBatch, encode_live
from schemas.metrics import MetricValues, encode_metrics
from schemas.topics import ALERTS, BARS, LATE, LIVE, METRICS, TICKS, TICKS_DEAD

STAGE: Final = "scan"
SOURCE: Final = "scan"
"""The source of heartbeats that workers write; the same for all, so that one takes up where another left."""


def _bar(bar: Bar) -> Record:
    return bar.symbol.encode(), encode_bar(bar), []


def _metrics(record: MetricValues) -> Record:
    return record.symbol.encode(), encode_metrics(record), []


def _alert(alert: Alert) -> Record:
    return alert.body.symbol.encode(), encode_alert(alert), []


def _late(trade: LateTrade) -> Record:
    return trade.symbol.encode(), msgspec.json.encode(trade), []


def _live(batch: LiveBatch) -> Record:
    return None, encode_live(batch), []


def _as_it_is(record: Record) -> Record:
    return record


ENCODERS: Final[Mapping[str, Encode]] = {
    BARS.name: _bar,
    METRICS.name: _metrics,
    ALERTS.name: _alert,
    LATE.name: _late,
    LIVE.name: _live,
    TICKS_DEAD.name: _as_it_is,
    TICKS.name: _as_it_is,
}


class Output:
    """The way out of a worker. Nothing here waits; see `Outbox`."""

    def __init__(self, outbox: Outbox, run_id: str) -> None:
        """`run_id` names this run in the delivery of its alerts."""
        self._outbox, self._run_id = outbox, run_id

    def put(self, chunk: Chunk, rejected: Iterable[Rejected], result: StepResult) -> None:
        """Queue what a step over `chunk` gave; `rejected` are those of the decoder."""
        partition = chunk.tp.partition
        if result.alerts:
            self._outbox.put(ALERTS.name, partition, [self._delivered(fired, partition) for fired in result.alerts])
        if result.bars:
            self._outbox.put(BARS.name, partition, result.bars)
        if result.metrics:
            self._outbox.put(METRICS.name, partition, result.metrics)
        if result.late:
            self._outbox.put(LATE.name, partition, result.late)
        refused = [*rejected, *result.rejected]
        if refused:
            self._outbox.put(TICKS_DEAD.name, partition, dead_letters(chunk, refused))
            metrics.DEAD_LETTERS.labels(TICKS.name).inc(len(refused))

    def put_live(self, number: int, partition: Partition, most_values: int) -> None:
        """Queue running prices and figures for screens, unless those before are still waiting."""
        if self._outbox.backlog(number, LIVE.name):
            return
        quotes, figures = partition.live(), partition.live_figures(most_values)
        if quotes or figures.metrics:
            batch = LiveBatch(number, quotes, figures if figures.metrics else None)
            self._outbox.put(LIVE.name, number, [batch])

    def put_heartbeat(self, partition: int, ts_ns: int) -> None:
        """Queue a heartbeat, unless the one before is still waiting."""
        if not self._outbox.backlog(partition, TICKS.name):
            self._outbox.put(TICKS.name, partition, [(None, encode_heartbeat(SOURCE, ts_ns), [])])

    def _delivered(self, fired: Fired, partition: int) -> Alert:
        return Alert(
            fired.body,
            Delivery(
                topic=TICKS.name,
                partition=partition,
                offset=fired.offset,
                index=fired.index,
                ts_recv=fired.ts_recv,
                append_ts=fired.append_ts,
                run_id=self._run_id,
                rule_name=fired.rule_name,
                rule_version=fired.rule_version,
            ),
        )


def dead_letters(chunk: Chunk, rejected: Iterable[Rejected]) -> list[Record]:
    """The records, or single ticks of frames, with what is wrong in their headers."""
    letters: list[Record] = []
    for one in rejected:
        record = chunk.at(one.offset)
        payload = payload_of(record.value, one.index)
        key, value, kept, note = fitting(record.key, payload, record.headers, TICKS.max_message_bytes)
        reason = one.reason[: MAX_REASON - len(note)] + note
        headers = error_headers(TICKS.name, chunk.tp.partition, one.offset, one.index, reason, STAGE)
        letters.append((key, value, [*kept, *headers]))
    return letters
