"""What a scan worker says of itself: figures for /stats and for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from engine.partition import Partition
from engine.result import StepResult
from infra import metrics
from schemas.topics import TICKS

RATE_WINDOW_S: Final = 10.0


@dataclass(slots=True)
class PartitionStats:
    """Since the partition was taken over. Times are seconds, of the machine's clock (`checkpoint_at`) or lengths;
    `restore_records`: how many of the changelog were read for it."""

    ticks: int = 0
    rows: int = 0
    bars: int = 0
    metrics: int = 0
    alerts: int = 0
    duplicates: int = 0
    late: int = 0
    amended: int = 0
    dead_letters: int = 0
    lag: int = 0
    position: int = -1
    committed: int = 0
    watermark_ns: int = 0
    rule_set: str | None = None
    rule_set_seq: int = -1
    symbols: int = 0
    checkpoint_at: float = 0.0
    checkpoint_s: float = 0.0
    checkpoint_bytes: int = 0
    restore_s: float = 0.0
    restore_records: int = 0


@dataclass(slots=True)
class Rate:
    """Of the newest 5 to 10 seconds."""

    clock: Callable[[], float] = time.monotonic
    total: int = 0
    _samples: list[tuple[float, int]] = field(default_factory=list)

    def add(self, count: int) -> None:
        """So many more."""
        self._look()
        self.total += count

    def per_s(self) -> float:
        """A second."""
        now = self._look()
        then, total = self._samples[0]
        return (self.total - total) / max(now - then, 1e-3)

    def _look(self) -> float:
        now = self.clock()
        if not self._samples or now - self._samples[-1][0] >= RATE_WINDOW_S / 2:
            self._samples = [*self._samples[-1:], (now, self.total)]
        return now


@dataclass(slots=True)
class ScanStats:
    """Of one worker. `stages`: seconds spent in each so far. `restore_s`: from the newest assignment of partitions
    until all of their state was there. `ticks`: of all partitions that it has ever had."""

    started_at: float = field(default_factory=time.time)
    ticks: Rate = field(default_factory=Rate)
    restore_s: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    partitions: dict[int, PartitionStats] = field(default_factory=dict)

    def stage(self, name: str, begun: float) -> float:
        """Note that a stage took from `begun` (time.perf_counter) until now; now."""
        now = time.perf_counter()
        self.stages[name] = self.stages.get(name, 0.0) + now - begun
        metrics.STAGE.labels(name).observe(now - begun)
        return now

    def step(self, number: int, partition: Partition, result: StepResult, rejected: int) -> None:
        """Note what a step gave; `rejected` by the decoder."""
        stats, counts = self.partitions[number], result.counts
        added = {
            "ticks": counts.trades,
            "rows": counts.rows,
            "bars": len(result.bars),
            "metrics": len(result.metrics),
            "alerts": len(result.alerts),
            "duplicates": counts.duplicates,
            "late": len(result.late),
            "amended": counts.amended,
        }
        for name, count in added.items():
            if count:
                setattr(stats, name, getattr(stats, name) + count)
                _COUNTERS[name].labels(number).inc(count)
        self.ticks.add(counts.trades)
        stats.dead_letters += rejected + len(result.rejected)
        stats.symbols = len(partition.symbols.names)
        header = partition.header
        stats.position, stats.watermark_ns = header.position, header.watermark_ns
        stats.rule_set, stats.rule_set_seq = header.rule_set, header.rule_set_seq
        metrics.WATERMARK.labels(number).set(header.watermark_ns / 1e9)

    def lag(self, number: int, records: int) -> None:
        """So many records of the partition wait."""
        self.partitions[number].lag = records
        metrics.LAG.labels(TICKS.name, number).set(records)

    def forget(self, number: int) -> None:
        """The partition is another worker's now, and so is what is told of it."""
        self.partitions.pop(number, None)
        metrics.LAG.remove(TICKS.name, number)
        metrics.WATERMARK.remove(number)
        metrics.RESTORE.remove(number)

    def summary(self) -> dict[str, Any]:
        """For /stats: the newest rate, totals of the partitions that it has, slowest stages first, each partition."""
        totals = {name: sum(getattr(p, name) for p in self.partitions.values()) for name in _COUNTERS}
        return {
            "started_at": self.started_at,
            "restore_s": self.restore_s,
            "ticks_per_s": self.ticks.per_s(),
            **totals,
            "dead_letters": sum(p.dead_letters for p in self.partitions.values()),
            "lag": sum(p.lag for p in self.partitions.values()),
            "rule_sets": sorted({p.rule_set for p in self.partitions.values() if p.rule_set}),
            "stages_s": dict(sorted(self.stages.items(), key=lambda item: -item[1])),
            "partitions": self.partitions,
        }


_COUNTERS = {
    "ticks": metrics.TICKS,
    "rows": metrics.ROWS,
    "bars": metrics.BARS,
    "metrics": metrics.METRICS,
    "alerts": metrics.ALERTS,
    "duplicates": metrics.DUPLICATES,
    "late": metrics.LATE,
    "amended": metrics.AMENDED,
}
