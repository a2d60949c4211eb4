"""What a step gives: bars, figures at their closes, alerts, what was refused or too late, and counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from engine.firing import Fired
from engine.late import LateTrade
from schemas.bar import Bar
from schemas.batch import Rejected
from schemas.metrics import MetricValues


@dataclass(slots=True)
class StepCounts:
    """`trades` that stood in the batch, `rows` evaluated, trades dropped as `duplicates`, trades that `amended`; other
    events by kind."""

    trades: int = 0
    rows: int = 0
    duplicates: int = 0
    amended: int = 0
    unapplied: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class StepResult:
    """In publishing order. `rejected` holds the engine's own refusals; the decoder's stand in the batch."""

    bars: list[Bar] = field(default_factory=list)
    alerts: list[Fired] = field(default_factory=list)
    metrics: list[MetricValues] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    late: list[LateTrade] = field(default_factory=list)
    counts: StepCounts = field(default_factory=StepCounts)
