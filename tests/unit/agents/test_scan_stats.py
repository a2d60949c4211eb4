"""A worker tells figures of the partitions it has, and of no others."""

import pytest
from prometheus_client import REGISTRY

from agents.scan_stats import PartitionStats, Rate, ScanStats
from infra import metrics
from schemas.topics import TICKS

NUMBER = 977


def test_what_is_told_of_a_partition_ends_when_it_is_given_up() -> None:
    stats = ScanStats(partitions={NUMBER: PartitionStats(lag=5)})
    stats.lag(NUMBER, 6)
    assert stats.summary()["lag"] == stats.partitions[NUMBER].lag == 6
    metrics.WATERMARK.labels(NUMBER).set(1)
    metrics.RESTORE.labels(NUMBER).set(1)
    stats.forget(NUMBER)
    assert stats.summary()["partitions"] == {}
    lag = {"topic": TICKS.name, "partition": str(NUMBER)}
    assert REGISTRY.get_sample_value("tapewatch_lag_records", lag) is None
    for name in ("tapewatch_watermark_seconds", "tapewatch_restore_seconds"):
        assert REGISTRY.get_sample_value(name, {"partition": str(NUMBER)}) is None


def test_a_rate_is_that_of_the_newest_seconds() -> None:
    now = [100.0]
    rate = Rate(lambda: now[0])
    assert rate.per_s() == 0
    for _ in range(60):
        now[0] += 1
        rate.add(50)
    assert rate.per_s() == pytest.approx(50, rel=0.2)
    for _ in range(30):
        now[0] += 1
        rate.add(10)
    assert rate.per_s() == pytest.approx(10, rel=0.2)
    assert rate.total == 60 * 50 + 30 * 10
