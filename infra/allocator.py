"""Keeps freed memory from staying with the process: numpy's large, short-lived columns fragment glibc's arenas."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

# malloc.h of glibc.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8


def keep_memory_small() -> bool:
    """One arena for all threads, and large blocks that go back to the system when they are freed. To be called before
    threads begin; False where the C library knows no such settings."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, 256 * 1024), (_TRIM_THRESHOLD, 1024 * 1024))
    return all(mallopt(setting, value) == 1 for setting, value in wanted)
