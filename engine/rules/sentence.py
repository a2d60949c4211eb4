"""An alert in one line that people can read: "AAPL 5m RSI 28.4 < 30, volume 3.2x usual". Made of the alert's body."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from typing import Final

from engine.rules import tree
from engine.rules.parser import parse, parse_condition
from engine.rules.quantities import PLAIN, exact_text, place_text, text_against, value_text, value_texts
from engine.rules.spoken import condition_text, halt_name, place_name, spoken
from engine.rules.spoken_metrics import USUAL, Spoken
from engine.rules.templates.catalogue import TEMPLATES, condition_of
from engine.rules.tree import Node
from engine.timeframes import BY_NAME
from schemas.alert import AlertBody, Leaf
from schemas.rule import OPERATORS, RuleError

MAX_LENGTH: Final = 200
_MUTED: Final = "; muted from here on"
_NO_VALUE: Final = "no value"
_OPPOSITE: Final = dict(zip(OPERATORS, ("<=", ">=", "<", ">", "!=", "=="), strict=True))
_CROSSES: Final = ("crosses_above", "crosses_below")
_CANDLES: Final = (
    *("bullish_engulfing", "bearish_engulfing", "bullish_harami", "bearish_harami", "inside_bar", "outside_bar"),
    *("doji", "hammer", "shooting_star"),
)
"""Alert types of many conditions that a name says better."""
_SAME_DAY: Final = "time_of_day >= prev(time_of_day)"
"""Goes without saying."""


def sentence(body: AlertBody) -> str:
    """What was true, the session last; at most 200 characters. Never raises, whatever the body says."""
    leaves, found = list(body.explanation), list[str]()
    for name, parts in _named_candles(frozenset(map(_text_of, leaves))):
        leaves = [leaf for leaf in leaves if _text_of(leaf) not in parts]
        found.append(name)
    sessions = [leaf for leaf in leaves if leaf.expression == "session"]
    others = [leaf for leaf in leaves if leaf.expression != "session"]
    facts = dict.fromkeys(chain.from_iterable(_facts(leaf, True) for leaf in [*others, *sessions]))
    for subject, some in groupby(facts, key=itemgetter(0)):
        found.append(" ".join(filter(None, (subject, " and ".join(rest for _, rest in some)))))
    last = _MUTED if body.muted else ""
    return _bounded(body.symbol, found or ["fired"], MAX_LENGTH - len(last)) + last


def _bounded(symbol: str, facts: Sequence[str], length: int) -> str:
    for count in range(len(facts), 0, -1):
        text = f"{symbol} {', '.join(facts[:count])}{_more(len(facts) - count)}"
        if len(text) <= length:
            return text
    more = _more(len(facts) - 1)
    return f"{symbol} {facts[0]}"[: length - len(more) - 1].rstrip() + f"…{more}"


def _more(count: int) -> str:
    return f", … and {count} more" if count else ""


# --- candles ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4_096)
def _named_candles(texts: frozenset[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    """The candles that some conditions are, by name, and which of the conditions they take."""
    return tuple((name, parts) for name, parts in _candles() if parts <= texts)


@lru_cache(maxsize=1)
def _candles() -> tuple[tuple[str, frozenset[str]], ...]:
    found = []
    for name in _CANDLES:
        for frame in BY_NAME:
            condition = parse_condition(condition_of(TEMPLATES[name], [frame]))
            parts = frozenset(child.text for child in condition.children)
            found.append((f"{frame} {name.replace('_', ' ')}", parts))
    return tuple(found)


def _text_of(leaf: Leaf) -> str:
    """The condition as rules write it."""
    if leaf.operator not in OPERATORS:
        return leaf.expression
    return _comparison_text(leaf.expression, leaf.operator, leaf.against or repr(leaf.bound))


@lru_cache(maxsize=16_384)
def _comparison_text(left: str, op: str, right: str) -> str:
    try:
        return tree.compare(op, parse(left), parse(right)).text
    except (RuleError, tree.TreeError):
        return ""


# --- facts -----------------------------------------------------------------------------------------------------------


Fact = tuple[str, str]
"""What is told of, and what is told of it."""


def _facts(leaf: Leaf, wanted: bool, depth: int = 0) -> Iterator[Fact]:
    """What made the condition true, or false where that is `wanted`."""
    if depth > tree.MAX_DEPTH:
        yield leaf.expression, ""
    elif leaf.operator == "not":
        yield from chain.from_iterable(_facts(part, not wanted, depth + 1) for part in leaf.parts)
    elif leaf.operator in ("and", "or"):
        decided = (leaf.operator == "and") is wanted
        parts = leaf.parts if decided else [part for part in leaf.parts if part.verdict is wanted]
        yield from chain.from_iterable(_facts(part, wanted, depth + 1) for part in parts)
    elif leaf.operator in _CROSSES:
        yield _crossed(leaf, wanted), ""
    elif leaf.operator == "is_null":
        yield _missing(leaf, wanted), ""
    elif leaf.operator in OPERATORS:
        yield from _compared(leaf, wanted)
    elif leaf.expression not in ("true", "false"):
        yield _held(leaf.expression, wanted), ""


def _held(expression: str, wanted: bool) -> str:
    node = _node(expression)
    text = expression if node is None else condition_text(node)
    return text if wanted else f"not ({text})"


def _missing(leaf: Leaf, wanted: bool) -> str:
    if wanted or leaf.value is None:
        return f"{_spoken(leaf.expression).name} has {'no' if wanted else 'a'} value"
    return _with_value(_spoken(leaf.expression), _alone(leaf.expression, leaf.value))


def _compared(leaf: Leaf, wanted: bool) -> Iterable[Fact]:
    left, right = _node(leaf.expression), _node(leaf.against) if leaf.against else None
    if _text_of(leaf) == _SAME_DAY or (left is not None and left.is_literal and not leaf.against):
        return []
    special = None if left is None else _place(leaf, left) or _halt(leaf, left)
    if special:
        return [(special, "")]
    said, op = _spoken(leaf.expression), leaf.operator if wanted else _OPPOSITE[leaf.operator]
    values = _texts(leaf.value, leaf.bound, leaf, op)
    first = _with_value(said, values[0])
    if said.after and not leaf.against:
        is_plain = wanted and said.after.startswith(USUAL) and leaf.operator in (">", ">=")
        return [(first, "" if is_plain else f"({op} {values[1]})")]
    return [(first, f"{op} {_other(left, right, leaf, values[1])}")]


def _place(leaf: Leaf, left: Node) -> str:
    """A session or a weekday: where it is, whatever was asked."""
    return "" if leaf.against or leaf.value is None else place_name(leaf.value, left.unit)


def _halt(leaf: Leaf, left: Node) -> str:
    name = "" if leaf.value is None else halt_name(leaf.value, left)
    return "trading resumed" if name and leaf.against and not leaf.value else name


def _other(left: Node | None, right: Node | None, leaf: Leaf, value: str) -> str:
    """The right side of a comparison; of the same figure as the left one, only when that was."""
    if not leaf.against:
        return value
    if left is not None and right is not None and right.children == (left,):
        if right.op == "prev":
            return f"{value} before"
        if right.op == "back":
            return f"previous {value}" if right.count == 1 else f"{value} {right.count} bars ago"
    return _with_value(_spoken(leaf.against), value)


def _crossed(leaf: Leaf, wanted: bool) -> str:
    way = leaf.operator.removeprefix("crosses_")
    values = _texts(leaf.value, leaf.bound, leaf, ">" if way == "above" else "<")
    left = _with_value(_spoken(leaf.expression), values[0])
    right = values[1] if not leaf.against else _with_value(_spoken(leaf.against), values[1])
    if not wanted:
        return f"{left} does not cross {way} {right}"
    if leaf.previous is None or leaf.previous[0] is None:
        return f"{left} crosses {way} {right}"
    before = _texts(*leaf.previous, leaf, "<=" if way == "above" else ">=")
    was = before[0] if not leaf.against or before[1] == values[1] else f"{before[0]} against {before[1]}"
    return f"{left} crosses {way} {right} (was {was})"


# --- values ----------------------------------------------------------------------------------------------------------


def _texts(value: float | None, bound: float | None, leaf: Leaf, op: str) -> tuple[str, str]:
    """Both sides, with as many digits as it takes to see that `op` holds."""
    left, right = _node(leaf.expression), _node(leaf.against) if leaf.against else None
    if value is None or bound is None:
        return _alone(leaf.expression, value), _alone(leaf.against or leaf.expression, bound)
    places = [place_text(one, node.unit) if node else "" for one, node in ((value, left), (bound, right or left))]
    if all(places):
        return places[0], places[1]
    style = _spoken(leaf.expression).style
    if leaf.against:
        return value_texts((value, bound), (style, _spoken(leaf.against).style), op)
    return text_against(value, bound, style, op), exact_text(bound, style)


def _alone(expression: str, value: float | None) -> str:
    if value is None:
        return _NO_VALUE
    node = _node(expression)
    place = "" if node is None else place_text(value, node.unit)
    return place or value_text(value, _spoken(expression).style)


def _with_value(said: Spoken, value: str) -> str:
    if said.is_calculated:
        return f"{said.before} ({value})"
    return f"{said.before} {value} {said.after}".rstrip()


@lru_cache(maxsize=16_384)
def _node(expression: str) -> Node | None:
    """None for what only another version of the program can read."""
    try:
        return parse(expression)
    except RuleError:
        return None


@lru_cache(maxsize=16_384)
def _spoken(expression: str) -> Spoken:
    node = _node(expression)
    return Spoken(expression, expression, style=PLAIN, is_calculated=True) if node is None else spoken(node)
