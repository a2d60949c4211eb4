"""`tapewatch topics`: what is declared, what the broker has, and creating what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from app.settings import Settings
from app.topology import topics_of
from infra.kafka.topic_admin import TopicReport, apply_topics, check_topics


def show(settings: Settings) -> int:
    """Every declared topic: name, key, partitions, how long it is kept."""
    for topic in topics_of(settings.scan_app_id):
        kept = "compacted" if topic.compacted else f"kept {topic.retention_ms / 86_400_000:g} days"
        print(f"{topic.name}: {topic.partitions or settings.partitions} partitions, {kept}, key: {topic.key}")
    return 0


def check(settings: Settings) -> int:
    """Compare; 1 if anything is missing or different."""
    topics = topics_of(settings.scan_app_id)
    return _tell(asyncio.run(check_topics(settings.bootstrap, topics, None, settings.replicas)))


def apply(settings: Settings) -> int:
    """Create what is missing; 1 if anything that exists is different."""
    topics = topics_of(settings.scan_app_id)
    return _tell(asyncio.run(apply_topics(settings.bootstrap, topics, settings.partitions, settings.replicas)))


def _tell(reports: Iterable[TopicReport]) -> int:
    wrong = 0
    for report in reports:
        wrong += report.state in ("missing", "different")
        print(f"{report.topic.name}: {report.state}{''.join(f', {d}' for d in report.differences)}")
    return 1 if wrong else 0
