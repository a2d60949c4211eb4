"""The functions of the rule language: what they take, and what they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.indicators.declare import Unit


@dataclass(frozen=True, slots=True)
class Function:
    """`counts`: its first argument is a number of bars. `takes`: how many more, at least and at most. `of_truth`: they
    are true or false, not numbers. `gives`: `same` (as its arguments), `truth` or `count`."""

    name: str
    counts: bool
    takes: tuple[int, int]
    of_truth: bool
    gives: str
    definition: str

    @property
    def unit(self) -> Unit | None:
        """Of its value, where that is not that of its arguments."""
        return Unit.COUNT if self.gives == "count" else None


_ALL: Final = (
    Function("abs", False, (1, 1), False, "same", "abs(x): without its sign"),
    Function("floor", False, (1, 1), False, "same", "floor(x): the largest whole number not above"),
    Function("min", False, (2, 16), False, "same", "min(x, y, ...): the smallest; null if any is null"),
    Function("max", False, (2, 16), False, "same", "max(x, y, ...): the largest; null if any is null"),
    Function(
        "prev", False, (1, 1), False, "same", "prev(x): x on the symbol's row before (in rules on bar close: bar)"
    ),
    Function("is_null", False, (1, 1), False, "truth", "is_null(x): whether x has no value; never null itself"),
    Function(
        "crosses_above",
        False,
        (2, 2),
        False,
        "truth",
        "crosses_above(x, y): x > y, and x <= y on the last earlier row where both had a value",
    ),
    Function(
        "crosses_below",
        False,
        (2, 2),
        False,
        "truth",
        "crosses_below(x, y): x < y, and x >= y on the last earlier row where both had a value",
    ),
    Function(
        "for_last", True, (1, 1), True, "truth", "for_last(n, c): c was true at each of the last n bar closes of c"
    ),
    Function(
        "within_last",
        True,
        (1, 1),
        True,
        "truth",
        "within_last(n, c): c is true now or was at one of the last n closes",
    ),
    Function("count", True, (1, 1), True, "count", "count(n, c): at how many of the last n bar closes c was true"),
    Function("highest", True, (1, 1), False, "same", "highest(n, x): the largest of x now and its n - 1 values before"),
    Function("lowest", True, (1, 1), False, "same", "lowest(n, x): the smallest of x now and its n - 1 values before"),
    Function("sum", True, (1, 1), False, "same", "sum(n, x): x now and its n - 1 values before, oldest first"),
    Function("avg", True, (1, 1), False, "same", "avg(n, x): sum(n, x) / n"),
    Function("stdev", True, (1, 1), False, "same", "stdev(n, x): population standard deviation of the same n values"),
)
FUNCTIONS: Final = {function.name: function for function in _ALL}
OVER_BARS: Final = frozenset({"highest", "lowest", "sum", "avg", "stdev"})
AT_CLOSES: Final = frozenset({"for_last", "within_last", "count"})
