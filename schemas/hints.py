"""Hints for names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint naming the known name closest to `name`, whatever its capitals, or an empty string."""
    spelled = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), list(spelled), n=1, cutoff=0.4)
    return f"; did you mean {spelled[found[0]]}?" if found else ""
