"""Reads the program's own metrics, so that a test can look at what was counted."""

from prometheus_client import REGISTRY


def value_of(sample: str, **labels: str) -> float:
    """The present value of a sample, 0 if nothing was counted yet."""
    return REGISTRY.get_sample_value(sample, labels) or 0.0
