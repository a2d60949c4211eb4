"""A worker tells figures of the partitions it has, and of no others."""

from prometheus_client import REGISTRY

from agents.scan_stats import PartitionStats, ScanStats
from infra import metrics
from schemas.topics import TICKS

NUMBER = 977


def test_what_is_told_of_a_partition_ends_when_it_is_given_up() -> None:
    stats = ScanStats(partitions={NUMBER: PartitionStats(lag=5)})
    metrics.LAG.labels(TICKS.name, NUMBER).set(5)
    metrics.WATERMARK.labels(NUMBER).set(1)
    metrics.RESTORE.labels(NUMBER).set(1)
    stats.forget(NUMBER)
    assert stats.summary()["partitions"] == {}
    lag = {"topic": TICKS.name, "partition": str(NUMBER)}
    assert REGISTRY.get_sample_value("tapewatch_lag_records", lag) is None
    for name in ("tapewatch_watermark_seconds", "tapewatch_restore_seconds"):
        assert REGISTRY.get_sample_value(name, {"partition": str(NUMBER)}) is None
