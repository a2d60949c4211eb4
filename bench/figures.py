"""What is measured, what the project aims at, and the one table that shows both."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Target:
    """`at_least` or at most that value."""

    value: float
    at_least: bool = True

    def met(self, value: float) -> bool:
        """Whether a figure is good enough."""
        return value >= self.value if self.at_least else value <= self.value


@dataclass(frozen=True)
class Figure:
    """A row of the table. `digits` behind the decimal point."""

    key: str
    label: str
    unit: str
    digits: int = 0
    target: Target | None = None


JSON_SHARE: Final = 0.35
"""Of the client ceiling, that the worker is to reach with JSON ticks."""

FIGURES: Final = (
    Figure("client", "client ceiling: getmany over JSON ticks, nothing decoded", "ticks/s"),
    Figure("faust", "idiomatic Faust, JSON ticks, same rules, same alerts", "ticks/s"),
    Figure("json", "scan worker, JSON ticks", "ticks/s"),
    Figure("frame", "scan worker, framed ticks", "ticks/s", 0, Target(1_000_000)),
    Figure("json / client", "scan worker JSON / client ceiling", "x", 2, Target(JSON_SHARE)),
    Figure("json / faust", "scan worker JSON / idiomatic Faust", "x", 1, Target(15)),
    Figure("frame / json", "scan worker framed / JSON", "x", 1, Target(3)),
    Figure("frame / json aim", "scan worker framed / what JSON is to reach (docs/adr/0011)", "x", 1, Target(3)),
    Figure("engine", "engine alone, a step", "us/tick", 3, Target(0.4, at_least=False)),
    Figure("engine small", "engine alone, chunks of a live market", "us/tick", 3),
    Figure("decode json", "decode JSON ticks", "us/tick", 3),
    Figure("decode frame", "decode framed ticks", "us/tick", 3),
    Figure("stage intake", "stage of a step: checks, sort, intake", "us/tick", 3),
    Figure("stage running", "stage of a step: running bars and day", "us/tick", 3),
    Figure("stage closing", "stage of a step: closing bars", "us/tick", 3),
    Figure("stage metrics", "stage of a step: metrics", "us/tick", 3),
    Figure("stage rules", "stage of a step: rules", "us/tick", 3),
    Figure("stage firing", "stage of a step: cooldown and alerts", "us/tick", 3),
    Figure("rules 100", "engine alone, 100 rules of 3 conditions over 30 figures", "us/tick", 3, Target(1, False)),
    Figure("rules 1000 / rules 100", "1,000 such rules against 100, a step, alerts and all", "x", 1, Target(4, False)),
    Figure("rules 10000 / rules 100", "10,000 against 100, the same", "x", 1, Target(20, False)),
    Figure("match 1000 / match 100", "1,000 against 100, only where they are true", "x", 1),
    Figure("match 10000 / match 100", "10,000 against 100, the same", "x", 1),
    Figure("sweep", "100 rules at the newest row of 10,000 symbols", "ms", 1, Target(10, at_least=False)),
    Figure("sweep anew", "the same right after a restore, every window anew", "ms", 1),
    Figure("compile", "10,000 rules, from the text of a file to the plan", "s", 2, Target(5, at_least=False)),
    Figure("switch", "switch to 1,000 other rules: compiled, in force in 4 partitions", "ms", 0, Target(200, False)),
    Figure("switch new", "the same from no rules: figures begin from the kept bars", "ms", 0),
    Figure("symbol memory", "memory a symbol: 100,000, windows of 200 bars of 1m and 5m", "kB", 1, Target(40, False)),
    Figure("many symbols", "a tick there, each closing a bar of 1m and of 5m", "us/tick", 2),
    Figure("json checkpoints", "checkpoints finished at full load, JSON; due: 2.7", "1/s", 1),
    Figure("json checkpoint", "checkpoint of a partition at full load, JSON", "ms"),
    Figure("json checkpoint MB", "its size", "MB", 2),
    Figure("frame checkpoints", "checkpoints finished at full load, framed; due: 2.7", "1/s", 1),
    Figure("frame checkpoint", "checkpoint of a partition at full load, framed", "ms"),
    Figure("frame checkpoint MB", "its size", "MB", 2),
    Figure("replay json", "replay of the topic of JSON ticks, one process", "ticks/s"),
    Figure("replay json / json", "the same / scan worker", "x", 2, Target(1)),
    Figure("replay frame", "replay of the topic of framed ticks, one process", "ticks/s", 0, Target(1_200_000)),
    Figure("replay frame / frame", "the same / scan worker", "x", 2, Target(1)),
    Figure("replay file", "replay of a file of JSON lines", "ticks/s", 0, Target(600_000)),
    Figure("memory", "worker memory, 10,000 symbols x 200 one-minute bars, after the run", "MB", 0, Target(600, False)),
    Figure("memory restored", "worker memory, the same state after a restore", "MB", 0, Target(600, False)),
    Figure("restore", "restore of that state from the changelog, empty disk: process start to ready", "s", 2),
    Figure("state", "that state in the changelog", "MB", 1),
    Figure("recovery warm", "SIGKILL of that worker to ticks worked on, same disk and name", "s", 2, Target(3, False)),
    Figure("recovery warm restore", "of which assigned to restored", "s", 2),
    Figure("recovery cold", "the same with an empty disk", "s", 2, Target(6, False)),
    Figure("recovery cold restore", "of which assigned to restored", "s", 2, Target(2, False)),
    Figure("recovery takeover", "SIGKILL to taken over by another worker; session of 10 s", "s", 2, Target(12, False)),
    Figure("overhead", "checkpoints as set, 10,000 symbols at 100,000 ticks/s", "% of a core", 1, Target(10, False)),
    Figure("overhead rate", "ticks meanwhile", "ticks/s"),
    Figure("overhead hold", "longest stall of a tick meanwhile: hold of the event loop", "ms", 1, Target(20, False)),
    Figure("overhead changelog", "changelog meanwhile", "MB/s", 2),
    Figure("live p50", "tick to alert at a WebSocket client, median", "ms", 1),
    Figure("live p99", "tick to alert at a WebSocket client, 99 %", "ms", 1, Target(100, at_least=False)),
    Figure("live rate", "ticks meanwhile", "ticks/s"),
    Figure("live checkpoint", "checkpoint of a partition meanwhile", "ms"),
)


@dataclass
class Board:
    """Samples by figure, one a run."""

    samples: dict[str, list[float]] = field(default_factory=dict)

    def add(self, key: str, value: float) -> None:
        """A run's value."""
        assert any(figure.key == key for figure in FIGURES), key
        self.samples.setdefault(key, []).append(value)

    def add_ratio(self, above: str, below: str) -> None:
        """Of the newest run of both, made under the same conditions."""
        if self.samples.get(above) and self.samples.get(below):
            self.add(f"{above} / {below}", self.samples[above][-1] / self.samples[below][-1])

    def add_against_aim(self) -> None:
        """Framed ticks of the newest run against `JSON_SHARE` of its client ceiling."""
        if self.samples.get("frame") and self.samples.get("client"):
            aim = JSON_SHARE * self.samples["client"][-1]
            self.add("frame / json aim", self.samples["frame"][-1] / aim)

    def rows(self) -> list[list[str]]:
        """The table, with its heading."""
        rows = [["figure", "median", "lowest", "highest", "unit", "runs", "target", ""]]
        for figure in FIGURES:
            values = self.samples.get(figure.key)
            if values:
                rows.append(_row(figure, values))
        return rows


def _row(figure: Figure, values: Sequence[float]) -> list[str]:
    median = statistics.median(values)
    shown = [f"{value:,.{figure.digits}f}" for value in (median, min(values), max(values))]
    aim, verdict = "", ""
    if figure.target is not None:
        aim = f"{'>=' if figure.target.at_least else '<='} {figure.target.value:,g}"
        verdict = "met" if figure.target.met(median) else "NOT MET"
    return [figure.label, *shown, figure.unit, str(len(values)), aim, verdict]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be; numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if 0 < column < 4 else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
