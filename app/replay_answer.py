"""The words of every replay: what goes wrong, what is counted, what is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from engine.result import StepResult
from schemas.alert import AlertBody
from schemas.bar import Bar
from schemas.batch import TickBatch
from schemas.metrics import MetricLine


class ReplayError(RuntimeError):
    """The input cannot be replayed; the text says why."""


@dataclass
class Counts:
    """Of the records whose results are told. `refused` counts by reason, without figures in it."""

    records: int = 0
    ticks: int = 0
    bars: int = 0
    alerts: int = 0
    metrics: int = 0
    late: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    warmup_ticks: int = 0

    def add(self, batch: TickBatch, result: StepResult) -> None:
        """Take in a step."""
        self.ticks += result.counts.trades
        self.records += batch.records
        self.late += len(result.late)
        self.duplicates += result.counts.duplicates
        for one in (*batch.rejected, *result.rejected):
            self.refused[one.reason.partition(":")[0]] += 1

    def join(self, other: Counts) -> None:
        """Add those of another part."""
        for name in ("records", "ticks", "bars", "alerts", "metrics", "late", "duplicates", "warmup_ticks"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refused.update(other.refused)


class Taker(Protocol):
    """Where results go."""

    def take(self, bars: list[Bar], alerts: list[AlertBody], metrics: list[MetricLine]) -> None:
        """Keep them."""


@dataclass
class Answer:
    """What the engine gives over an input, in memory."""

    bars: list[Bar] = field(default_factory=list)
    alerts: list[AlertBody] = field(default_factory=list)
    metrics: list[MetricLine] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def take(self, bars: list[Bar], alerts: list[AlertBody], metrics: list[MetricLine]) -> None:
        """Keep them."""
        self.bars += bars
        self.alerts += alerts
        self.metrics += metrics

    @property
    def ticks(self) -> int:
        """Trades that stood in the input."""
        return self.counts.ticks
