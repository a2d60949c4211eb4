"""Until when cooldowns keep rules silent, as far as it has been noticed: most rows where a rule is true are let go of here,
all rules together. No part of the state; what is not known here is found out again."""

from __future__ import annotations

import numpy as np

from engine.segments import Index, Mask
from schemas.batch import I64


class QuietUntil:
    """Times by rule and symbol."""

    def __init__(self, rules: int, capacity: int) -> None:
        """Nothing noticed. Memory is taken only for what is noticed."""
        self._until = np.zeros((rules, capacity), np.int64)

    def is_open(self, rules: Index, symbols: Index, ts: I64) -> Mask:
        """Whether each rule may still fire for the symbol beside it at that time."""
        return np.asarray(ts >= self._until[rules, symbols])

    def note(self, rule: int, symbols: Index, until: I64) -> None:
        """The rule cannot fire for `symbols` before these times."""
        self._until[rule, symbols] = until
