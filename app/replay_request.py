"""What somebody wants replayed: the seam between those who ask (command line, REST) and what does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from app.replay_rules import Rules
from engine.partition import EngineConfig
from engine.rules.parser import parse_numbers
from engine.rules.plan import Asked


@dataclass(frozen=True)
class Span:
    """Which part of the input, by one of: event time in UTC ns, offsets, the last so many ns. Ends that are None are
    those of the input.

    A time stands behind the record that takes the partition's watermark to it, so that spans that touch share nothing.
    `offsets`: (begin, end) by partition, of those that are wanted.
    """

    from_ns: int | None = None
    to_ns: int | None = None
    last_ns: int | None = None
    offsets: dict[int, tuple[int | None, int | None]] | None = None


@dataclass(frozen=True)
class Request:
    """One of `file` and `topic`. `rules` None: those in force in the log. `warmup_ns`: so much before the span is read
    and not told. `speed` None: as fast as it goes. `state`: a file that `tapewatch state export` wrote. `metrics`:
    numbers of the rule language that are told at closes."""

    file: Path | None = None
    topic: str | None = None
    span: Span = field(default_factory=Span)
    rules: Rules | None = None
    symbols: tuple[str, ...] | None = None
    warmup_ns: int = 0
    state: Path | None = None
    speed: float | None = None
    parallel: int = 1
    engine: EngineConfig = field(default_factory=EngineConfig)
    metrics: tuple[str, ...] = ()

    @property
    def asked(self) -> Asked:
        """What is told at closes. Raises RuleError."""
        return Asked(tuple(node for text in self.metrics for node in parse_numbers(text)))
