"""Until when cooldowns keep rules silent, as far as it has been noticed: most rows where a rule is true are let go of
here, all rules together. No part of the state; what is not known here is found out again."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.segments import Index, Mask
from schemas.batch import I64

SECOND_NS: Final = 1_000_000_000
LATEST_S: Final = np.iinfo(np.int32).max


class QuietUntil:
    """Times by rule and symbol, in whole seconds: within the last one it is found out again, too."""

    def __init__(self, rules: int, capacity: int) -> None:
        """Nothing noticed. Memory is taken only for what is noticed."""
        self._until_s = np.zeros((rules, capacity), np.int32)

    def is_open(self, rules: Index, symbols: Index, ts: I64) -> Mask:
        """Whether each rule may still fire for the symbol beside it at that time."""
        return np.asarray(ts // SECOND_NS >= self._until_s[rules, symbols])

    def note(self, rule: int, symbols: Index, until: I64) -> None:
        """The rule cannot fire for `symbols` before these times."""
        self._until_s[rule, symbols] = np.minimum(until // SECOND_NS, LATEST_S)
