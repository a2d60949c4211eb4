"""How values are said to people: digits and units by what a number counts, and as many digits as a comparison needs."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from engine.indicators.declare import Unit
from schemas.bar import SESSIONS
from schemas.rule import OPERATORS

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT: Final = ((1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "K"))
"""From where on a letter stands for how many."""
_MORE_DIGITS: Final = 9
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = dict(
    zip(OPERATORS, (operator.gt, operator.lt, operator.ge, operator.le, operator.eq, operator.ne), strict=True)
)
_LARGE: Final = 1e15


@dataclass(frozen=True, slots=True)
class Style:
    """`factor` is what a value is multiplied with; `digits` stand behind the point at least, `most` at most as long as
    anything is left, and `significant` ones count. `short`: thousands and millions have letters."""

    digits: int = 0
    most: int = 10
    significant: int = 4
    prefix: str = ""
    suffix: str = ""
    factor: float = 1.0
    short: bool = False


PLAIN: Final = Style()
PRICE: Final = Style(digits=2, significant=3)
PERCENT: Final = Style(most=2, significant=3, suffix="%")
FRACTION: Final = Style(most=2, significant=3, suffix="%", factor=100.0)
"""A share of one, said in percent."""
RATIO: Final = Style(significant=2, suffix="x")
TIMES: Final = Style(significant=2, suffix="x", factor=0.01)
"""A percentage, said as a multiple."""
_STYLES: Final = {
    Unit.PRICE: PRICE,
    Unit.SHARES: Style(significant=3, short=True),
    Unit.DOLLARS: Style(significant=3, prefix="$", short=True),
    Unit.PERCENT: PERCENT,
    Unit.INDEX: Style(most=1, significant=3),
    Unit.RATIO: RATIO,
}


def style_of(unit: Unit | None) -> Style:
    """How a number of that unit is said."""
    return PLAIN if unit is None else _STYLES.get(unit, PLAIN)


def place_text(value: float, unit: Unit | None) -> str:
    """A session, a weekday or a time of day by its name; nothing for other units and for what is no such place."""
    number = int(value)
    if unit is Unit.SESSION and 0 <= number < len(SESSIONS):
        return SESSIONS[number]
    if unit is Unit.WEEKDAY and 1 <= number <= len(_WEEKDAYS):
        return _WEEKDAYS[number - 1]
    return f"{number // 60:02d}:{number % 60:02d}" if unit is Unit.TIME else ""


@lru_cache(maxsize=4_096)
def exact_text(value: float, style: Style) -> str:
    """A number that a rule writes out, with all its digits."""
    scaled = float(f"{value * style.factor:.12g}")
    size, letter = _shortening(scaled, style)
    if letter and len(shortened := f"{scaled / size:.12g}") <= 5:
        return _framed(shortened + letter, style)
    return _framed(f"{Decimal(repr(scaled)):,f}".removesuffix(".0") if abs(scaled) < _LARGE else f"{scaled:g}", style)


def value_text(value: float, style: Style, more: int = 0) -> str:
    """A value with the digits that matter, and `more`."""
    return _rounded(value, style, more)[0]


def value_texts(values: tuple[float, float], styles: tuple[Style, Style], op: str) -> tuple[str, str]:
    """Two values with as many digits as it takes for `op` to be as true of them as of the values."""
    found, compare = ("", ""), _COMPARE[op]
    for more in range(_MORE_DIGITS):
        (left, a), (right, b) = (_rounded(value, style, more) for value, style in zip(values, styles, strict=True))
        found = left, right
        if compare(a, b) == compare(*values):
            break
    return found


def text_against(value: float, bound: float, style: Style, op: str) -> str:
    """The same of a value and a bound that is written out."""
    found, compare = "", _COMPARE[op]
    for more in range(_MORE_DIGITS):
        found, shown = _rounded(value, style, more)
        if compare(shown, bound) == compare(value, bound):
            break
    return found


def _rounded(value: float, style: Style, more: int) -> tuple[str, float]:
    """The text, and the value that it stands for."""
    scaled = value * style.factor
    size, letter = _shortening(scaled, style)
    number = scaled / size
    if not abs(number) < _LARGE:
        return _framed(f"{number:.4g}{letter}", style), value
    digits = max(style.digits, _behind_the_point(number, style)) + more
    text = f"{number:,.{digits}f}"
    shown = float(text.replace(",", "")) * size / style.factor
    return _framed(_trimmed(text, style.digits) + letter, style), shown


def _shortening(scaled: float, style: Style) -> tuple[float, str]:
    for least, size, letter in _SHORT if style.short else ():
        if abs(scaled) >= least:
            return size, letter
    return 1.0, ""


def _behind_the_point(number: float, style: Style) -> int:
    if number == 0:
        return 0
    first = -math.floor(math.log10(abs(number)))
    return min(10, max(0, min(first - 1 + style.significant, max(style.most, first))))


def _trimmed(text: str, least: int) -> str:
    """Without zeros at the end, `least` digits behind the point kept."""
    whole, _, behind = text.partition(".")
    kept = behind[:least] + behind[least:].rstrip("0")
    text = f"{whole}.{kept}" if kept else whole
    return "0" if text == "-0" else text


def _framed(text: str, style: Style) -> str:
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    return f"{sign}{style.prefix}{text}{style.suffix}"
