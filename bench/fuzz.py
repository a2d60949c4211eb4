"""A million files of rules, most of them wrong in some way: each is rules or an error, within a limit of time."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from engine.rules.body import rules_of
from engine.rules.plan import compile_rule_set
from schemas.rule import RuleError
from schemas.rule_file import load_rule_file
from tests.support.any_rule import document

LIMIT_MS: Final = 10.0
"""Of processor time."""
TRIES: Final = 5
"""What was slow is tried again: collected garbage and a busy machine are not the file's fault."""
TOLD_EVERY: Final = 50_000


class FuzzError(AssertionError):
    """A file that is neither rules nor an error, or takes too long."""


def fuzz(cases: int, seed: int, tell: Callable[[str], object]) -> dict[str, Any]:
    """Counts, and the slowest case. Raises FuzzError for the first that must not be."""
    rng, counts, slowest = random.Random(seed), Counter[str](), (0.0, b"")
    begun = time.process_time()
    for case in range(1, cases + 1):
        file = document(rng)
        outcome, ms = _tried(file, case)
        if ms > slowest[0]:
            ms = min(ms, *(_tried(file, case)[1] for _ in range(TRIES)))
            slowest = max(slowest, (ms, file))
        if ms > LIMIT_MS:
            raise FuzzError(f"seed {seed}, case {case}: {ms:.1f} ms: {file!r}")
        counts[outcome] += 1
        if case % TOLD_EVERY == 0:
            tell(f"{case:,} files, the slowest {slowest[0]:.2f} ms")
    spent_us = 1e6 * (time.process_time() - begun) / cases
    shown = {"slowest_ms": round(slowest[0], 3), "slowest": slowest[1].decode(errors="replace")}
    return {"cases": cases, **counts, **shown, "mean_us": round(spent_us)}


def _tried(file: bytes, case: int) -> tuple[str, float]:
    """What it was, and milliseconds of processor time."""
    begun = time.process_time()
    try:
        compile_rule_set("set", *rules_of(load_rule_file(file)))
        outcome = "rules"
    except RuleError:
        outcome = "errors"
    except Exception as error:
        raise FuzzError(f"case {case}: {file!r}") from error
    return outcome, 1e3 * (time.process_time() - begun)
