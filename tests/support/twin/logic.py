"""What conditions of the twin are made of: Kleene's logic, folds over bars, and text cut at a word."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

Value = float | bool | None
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def split_text(text: str, word: str) -> list[str]:
    """The text at `word` outside of all parentheses."""
    parts, depth, begin = [], 0, 0
    separator = re.compile(rf"\s+{word}\s+" if word != "," else r",\s*")
    at = 0
    while at < len(text):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[at], 0)
        found = separator.match(text, at) if depth == 0 else None
        if found is not None:
            parts.append(text[begin:at])
            begin = at = found.end()
            continue
        at += 1
    return [*parts, text[begin:]]


def unwrapped(text: str) -> str:
    """Without parentheses that hold all of it."""
    text = text.strip()
    if not text.startswith("("):
        return text
    depth = 0
    for at, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return unwrapped(text[1:-1]) if at == len(text) - 1 else text
    return text


def finite(number: float) -> float | None:
    """Overflow is null."""
    return number if math.isfinite(number) else None


def compared(op: str, left: Value, right: Value) -> bool | None:
    """Null with null."""
    if left is None or right is None:
        return None
    return COMPARISONS[op](left, right)


def negated(given: Value) -> bool | None:
    """Kleene's not."""
    return None if given is None else not given


def all_of(parts: Sequence[Value]) -> bool | None:
    """Kleene's and."""
    if any(part is False for part in parts):
        return False
    return None if any(part is None for part in parts) else True


def at_closes(name: str, values: Sequence[Value], now: Value) -> Value:
    """`values` at the last n closes, None where there is none."""
    if name == "for_last":
        return all_of(values)
    if name == "within_last":
        return negated(all_of([negated(one) for one in (*values, now)]))
    return None if any(one is None for one in values) else float(sum(bool(one) for one in values))


def over_bars(name: str, numbers: Sequence[float]) -> float:
    """Oldest first."""
    total = numbers[0]
    for number in numbers[1:]:
        total = total + number
    if name in ("highest", "lowest"):
        return max(numbers) if name == "highest" else min(numbers)
    if name != "stdev":
        return total / len(numbers) if name == "avg" else total
    mean = total / len(numbers)
    squares = 0.0
    for number in numbers:
        squares += (number - mean) * (number - mean)
    return math.sqrt(squares / len(numbers))
