"""Names of symbols as bytes, so that a pattern is held against all of them at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from engine.rules.universe import ANY, is_pattern
from engine.segments import Mask
from schemas.batch import U8
from schemas.rule import Universe

_ANY_CHARACTER: Final = "?"


class SymbolNames:
    """Some names, and which of them belong to a universe."""

    def __init__(self, names: Sequence[str]) -> None:
        """All in ASCII, as names of symbols are."""
        self._names = names
        self._places = {name: place for place, name in enumerate(names)}
        self._lengths = np.array([len(name) for name in names], np.intp)
        longest = int(self._lengths.max(initial=1))
        self._left = _as_bytes(names, longest)
        self._right = _as_bytes([name.rjust(longest, "\0") for name in names], longest)
        self._fitting: dict[str, Mask] = {}

    def __len__(self) -> int:
        return len(self._names)

    def belonging(self, universe: Universe) -> Mask:
        """Which of the names are of the universe."""
        found = np.ones(len(self), bool)
        if universe.symbols or universe.patterns:
            found = self._any(universe.symbols, universe.patterns)
        if universe.exclude:
            found &= ~self._any(universe.exclude, filter(is_pattern, universe.exclude))
        return found

    def _any(self, names: Iterable[str], patterns: Iterable[str]) -> Mask:
        found = np.zeros(len(self), bool)
        for name in self._places.keys() & names:
            found[self._places[name]] = True
        for pattern in patterns:
            found |= self._that_fit(pattern)
        return found

    def _that_fit(self, pattern: str) -> Mask:
        found = self._fitting.get(pattern)
        if found is None:
            found = self._fitting[pattern] = self._held_against(pattern)
        return found

    def _held_against(self, pattern: str) -> Mask:
        first, *middle, last = pattern.split(ANY) if ANY in pattern else (pattern, "")
        needed = len(first) + len(last)
        found = self._lengths >= needed if ANY in pattern else self._lengths == needed
        if not found.any():
            return found
        begins = zip(self._left, first, strict=False)
        ends = zip(reversed(self._right), reversed(last), strict=False)
        for column, character in (*begins, *ends):
            if character != _ANY_CHARACTER:
                found &= column == ord(character)
        if middle:
            whole = _regular(pattern)
            for place in np.flatnonzero(found).tolist():
                found[place] = whole.fullmatch(self._names[place]) is not None
        return found


def _as_bytes(texts: Sequence[str], width: int) -> U8:
    """Over places and texts."""
    return np.ascontiguousarray(np.array(texts, f"S{width}").view(np.uint8).reshape(len(texts), width).T)


def _regular(pattern: str) -> re.Pattern[str]:
    """What stands between two `*` is looked for where it comes first and nowhere else. That is enough, and never takes
    long."""
    first, *middle, last = [re.escape(part).replace(r"\?", ".") for part in pattern.split(ANY)]
    return re.compile(f"{first}{''.join(f'(?>.*?{part})' for part in middle)}.*{last}")
