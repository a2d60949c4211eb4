"""Every topic of the program, declared once: name, what its key is, how it is kept. Topics are created from here,
never by the broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DAY_MS: Final = 86_400_000
UNLIMITED: Final = -1


@dataclass(frozen=True, slots=True)
class Topic:
    """A declaration. `partitions` None = as many as the tick topic, so that partition p of it belongs to partition p
    of the ticks."""

    name: str
    key: str
    partitions: int | None
    retention_ms: int = UNLIMITED
    compacted: bool = False
    append_time: bool = False
    segment_bytes: int | None = None
    max_message_bytes: int = 1_048_588

    def config(self) -> dict[str, str]:
        """Kafka's topic settings."""
        settings = {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(self.retention_ms),
            "message.timestamp.type": "LogAppendTime" if self.append_time else "CreateTime",
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.segment_bytes is not None:
            settings["segment.bytes"] = str(self.segment_bytes)
        if self.compacted:
            settings |= {"min.cleanable.dirty.ratio": "0.1", "max.compaction.lag.ms": str(DAY_MS)}
        return settings


TICKS: Final = Topic(
    "ticks.v1",
    key="symbol; none for frames and control records",
    partitions=None,
    retention_ms=7 * DAY_MS,
    append_time=True,
)
LATE: Final = Topic("late.v1", key="symbol", partitions=None, retention_ms=7 * DAY_MS)
BARS: Final = Topic("bars.v1", key="symbol", partitions=None, retention_ms=7 * DAY_MS, append_time=True)
METRICS: Final = Topic("metrics.v1", key="symbol", partitions=None, retention_ms=7 * DAY_MS, append_time=True)
ALERTS: Final = Topic("alerts.v1", key="symbol", partitions=None, retention_ms=30 * DAY_MS, append_time=True)
LIVE: Final = Topic("live.v1", key="none", partitions=None, retention_ms=DAY_MS // 24, append_time=True)
RULES: Final = Topic("rules.v1", key="hash of the rule body", partitions=1, compacted=True)
RULE_SETS: Final = Topic("rulesets.v1", key="hash of the set / part", partitions=1, compacted=True)


ERROR_HEADER_BYTES: Final = 16_384
"""Room for the headers of a dead letter beside a record as large as its topic takes."""


def dead_letters_of(topic: Topic) -> Topic:
    """Where records of `topic` go that cannot be processed, original bytes and key kept."""
    return Topic(
        f"{topic.name}.dlq",
        key=topic.key,
        partitions=topic.partitions,
        retention_ms=30 * DAY_MS,
        append_time=True,
        max_message_bytes=topic.max_message_bytes + ERROR_HEADER_BYTES,
    )


TICKS_DEAD: Final = dead_letters_of(TICKS)
ALERTS_DEAD: Final = dead_letters_of(ALERTS)
BARS_DEAD: Final = dead_letters_of(BARS)
METRICS_DEAD: Final = dead_letters_of(METRICS)

ALL: Final = (
    TICKS,
    TICKS_DEAD,
    LATE,
    BARS,
    BARS_DEAD,
    METRICS,
    METRICS_DEAD,
    ALERTS,
    ALERTS_DEAD,
    LIVE,
    RULES,
    RULE_SETS,
)


STATE_BATCH_BYTES: Final = 8 * 1024 * 1024
"""What belongs to one shard is written as one batch: all of it or nothing."""


def state_changelog(app_id: str, table: str) -> Topic:
    """The changelog of a state table; Faust derives the name, we create it with small segments and eager compaction."""
    return Topic(
        f"{app_id}-{table}-changelog",
        key="state key",
        partitions=None,
        compacted=True,
        segment_bytes=16 * 1024 * 1024,
        max_message_bytes=STATE_BATCH_BYTES,
    )
