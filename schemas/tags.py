"""Tags of symbols, such as the index they are in: what may be one, and the number that stands for it."""

from __future__ import annotations

import hashlib
import re
from typing import Final

MAX_TAGS: Final = 8
"""Of one symbol."""
TAG_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/&\-]{0,63}", re.ASCII)
_OTHERS: Final = re.compile(r"[^A-Za-z0-9._:+/&\-]+")


def refusal(text: str) -> str | None:
    """Why this is no tag, with one that could be meant; None for one that is."""
    if TAG_PATTERN.fullmatch(text) is not None:
        return None
    meant = _OTHERS.sub("-", text).strip("-")
    hint = f"; did you mean {meant}?" if meant != text and TAG_PATTERN.fullmatch(meant) is not None else ""
    return f"{text[:40]!r} is no tag: 1 to 64 letters, digits or ._:+/&-, a letter or digit first{hint}"


def tag_number(tag: str) -> int:
    """64-bit BLAKE2b of the tag, never 0: that is no tag."""
    return int.from_bytes(hashlib.blake2b(tag.encode(), digest_size=8).digest(), "little") or 1
