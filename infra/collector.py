"""When Python looks for cycles of objects: seldom, and never among what stays until the end."""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (100_000, 20, 20)
"""A fetch makes some ten thousand objects that live for a moment and hold no cycles: with Python's own 700 the
collector takes a quarter of the time."""


def collect_rarely() -> None:
    """To be called before much is imported."""
    gc.set_threshold(*THRESHOLDS)


def keep_what_is_there() -> None:
    """What lives now (modules, classes) is not looked through any more: Faust collects everything whenever partitions
    come or go."""
    gc.freeze()
