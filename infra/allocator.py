"""Keeps freed memory from staying with the process: numpy's large, short-lived columns fragment glibc's arenas."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

# malloc.h of glibc.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8

LARGE_BYTES: Final = 256 * 1024
"""The columns of a step are smaller: to get each from the system anew costs twice what is done with it."""
KEPT_BYTES: Final = 16 * 1024 * 1024
"""So much stays at hand for the next step."""


def keep_memory_small() -> bool:
    """One arena for all threads, and large blocks that go back to the system when they are freed. To be called before
    threads begin; False where the C library knows no such settings."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, LARGE_BYTES), (_TRIM_THRESHOLD, KEPT_BYTES))
    return all(mallopt(setting, value) == 1 for setting, value in wanted)


def give_back_memory() -> None:
    """Free memory between what is in use goes back to the system; takes some milliseconds. What a restore or a burst
    needed for a moment is otherwise held for ever."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
