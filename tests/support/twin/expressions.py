"""Conditions of the twin: canonical text read by Python's own parser, every part of it worked out anew on each row."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from schemas.alert import Leaf
from tests.support.twin.day import Row
from tests.support.twin.logic import (
    Value,
    all_of,
    at_closes,
    compared,
    finite,
    negated,
    over_bars,
    split_text,
    unwrapped,
)
from tests.support.twin.metrics import WITHOUT_TIMEFRAME, Call, bar0_start, running, value
from tests.support.twin.symbol import Symbol

LENGTHS = {"1m": 1, "2m": 2, "5m": 5, "10m": 10, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "1d": 1440}
BAR_FIELDS = ("open", "high", "low", "close", "volume", "trades")
SESSIONS = ("closed", "pre", "regular", "post")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FUNCTIONS = ("abs", "floor", "min", "max", "prev", "is_null", "crosses_above", "crosses_below")
OVER_BARS = ("highest", "lowest", "sum", "avg", "stdev")
AT_CLOSES = ("for_last", "within_last", "count")
OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Gt: ">",
    ast.Lt: "<",
    ast.GtE: ">=",
    ast.LtE: "<=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


@dataclass
class Memory:
    """What a symbol's conditions remember: both sides on the row before, and values at closes."""

    rows: dict[tuple[str, str], tuple[Value, Value]] = field(default_factory=dict)
    closes: dict[tuple[str, str, int], list[Value]] = field(default_factory=dict)


class Expression:
    """A condition and what it needs to remember."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(_as_python(text), mode="eval").body


# What a condition is does not change from row to row; only its values are worked out anew.
_once = lru_cache(maxsize=16_384)


@_once
def text_of(node: ast.expr) -> str:
    """A part as text."""
    return ast.unparse(node)


@_once
def constant(node: ast.Constant) -> float | bool:
    """A number, or a truth value."""
    return node.value if isinstance(node.value, bool) else float(str(node.value))


@_once
def rows_before(tree: ast.expr) -> tuple[ast.Call, ...]:
    """Parts that look at the row before, inner ones first."""
    names = ("prev", "crosses_above", "crosses_below")
    return tuple(node for node in _walk(tree) if isinstance(node, ast.Call) and _name(node) in names)


@_once
def series(tree: ast.expr) -> tuple[tuple[ast.expr, str, int], ...]:
    """What has to be recorded at closes, of which timeframe, and how much of it."""
    return tuple(_series(tree))


def _series(tree: ast.expr) -> Iterator[tuple[ast.expr, str, int]]:
    for node in _windows(tree):
        operand, count, looks_back = _windowed(node)
        if operand is not None and not _is_bar_field(operand):
            yield operand, frame_of(node), count + looks_back


def _windows(tree: ast.expr) -> Iterator[ast.expr]:
    for node in _walk(tree):
        if isinstance(node, ast.Subscript) or (isinstance(node, ast.Call) and _name(node) in OVER_BARS + AT_CLOSES):
            yield node


@_once
def frames_in(tree: ast.expr) -> tuple[str, ...]:
    """The timeframes that a condition is on, shortest first."""
    found = {timeframe_of(call) for call in calls_in(tree)} | {frame_of(node) for node in _windows(tree)}
    return tuple(frame for frame in LENGTHS if frame in found)


def _as_python(text: str) -> str:
    text = re.sub(r"\b(\d\d):(\d\d)\b", lambda found: str(int(found[1]) * 60 + int(found[2])), text)
    text = re.sub(r'"(\w+)"', lambda found: str(_place(found[1])), text)
    text = re.sub(r"\b(\d+[smhd])\b", r'"\1"', text)
    return re.sub(r"\b(true|false)\b", lambda found: found[1].capitalize(), text)


def _place(name: str) -> int:
    return SESSIONS.index(name) if name in SESSIONS else WEEKDAYS.index(name) + 1


def _walk(node: ast.expr) -> Iterator[ast.expr]:
    """All parts, inner ones first; metrics are not taken apart."""
    if not _is_metric(node):
        children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        for child in children:
            if isinstance(child, ast.expr):
                yield from _walk(child)
    yield node


def _name(node: ast.Call) -> str:
    assert isinstance(node.func, ast.Name)
    return node.func.id


@_once
def _is_metric(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return True
    if not isinstance(node, ast.Call):
        return False
    last = node.args[-1] if node.args else None
    is_of_language = _name(node) in FUNCTIONS + OVER_BARS + AT_CLOSES
    return not is_of_language or (isinstance(last, ast.Constant) and isinstance(last.value, str))


@_once
def call_of(node: ast.expr) -> Call:
    """A metric as the twin's metrics know it."""
    if isinstance(node, ast.Name):
        return Call(node.id, node.id, ("",))
    assert isinstance(node, ast.Call)
    arguments = tuple(_argument(argument) for argument in node.args)
    return Call(f"{_name(node)}({', '.join(arguments)})", _name(node), arguments or ("",))


def _argument(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant)
    return str(node.value)


@_once
def frame_of(node: ast.expr) -> str:
    """The shortest timeframe of the metrics in it; those without one are on 1m."""
    return min((_timeframe(metric) for metric in _metrics(node)), key=LENGTHS.__getitem__, default="1m")


def _metrics(node: ast.expr) -> Iterator[ast.expr]:
    if _is_metric(node):
        yield node
        return
    children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    for child in children:
        if isinstance(child, ast.expr):
            yield from _metrics(child)


def calls_in(node: ast.expr) -> list[Call]:
    """The metrics in it."""
    return [call_of(metric) for metric in _metrics(node)]


def timeframe_of(call: Call) -> str:
    """The timeframe that a metric is on, nothing: it is on none."""
    if call.name in WITHOUT_TIMEFRAME:
        return ""
    return next((one for one in reversed(call.arguments) if one in LENGTHS), "")


def _timeframe(metric: ast.expr) -> str:
    return timeframe_of(call_of(metric)) or "1m"


def _is_bar_field(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _name(node) in BAR_FIELDS


@_once
def _windowed(node: ast.expr) -> tuple[ast.expr | None, int, int]:
    """Operand, n, and 1 where it looks n further back."""
    if isinstance(node, ast.Subscript):
        assert isinstance(node.slice, ast.Constant)
        return node.value, int(str(node.slice.value)), 1
    assert isinstance(node, ast.Call)
    if _is_metric(node):
        return None, 0, 0
    count = node.args[0]
    assert isinstance(count, ast.Constant)
    return node.args[1], int(str(count.value)), 0


class At:
    """One row of a symbol, in the eyes of the rules that are tried on the same rows (`scope`: all, or closes)."""

    def __init__(self, symbol: Symbol, row: Row, memory: Memory, scope: str) -> None:
        self.symbol, self.row, self._memory, self._scope = symbol, row, memory, scope
        self._known: dict[str, Value] = {}
        self.before: dict[str, tuple[Value, Value]] = {}

    def of(self, node: ast.expr) -> Value:
        """The value of a part."""
        if isinstance(node, ast.Constant):
            return constant(node)
        text = text_of(node)
        if text not in self._known:
            self._known[text] = self._work_out(node, text)
        return self._known[text]

    def _work_out(self, node: ast.expr, text: str) -> Value:
        if _is_metric(node):
            return value(self.symbol, self.row, call_of(node))
        return self._joined(node, text)

    def _joined(self, node: ast.expr, text: str) -> Value:
        if isinstance(node, ast.Compare):
            return compared(OPERATORS[type(node.ops[0])], self.of(node.left), self.of(node.comparators[0]))
        if isinstance(node, ast.BoolOp):
            parts = [self.of(part) for part in node.values]
            return all_of(parts) if isinstance(node.op, ast.And) else negated(all_of([negated(p) for p in parts]))
        if isinstance(node, ast.BinOp | ast.UnaryOp):
            return self._calculated(node)
        if isinstance(node, ast.Call) and _name(node) in FUNCTIONS:
            return self._called(node, text)
        return self._window(node)

    def _calculated(self, node: ast.BinOp | ast.UnaryOp) -> Value:
        if isinstance(node, ast.UnaryOp):
            inner = self.of(node.operand)
            return negated(inner) if isinstance(node.op, ast.Not) else None if inner is None else -float(inner)
        left, right = self.of(node.left), self.of(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Div):
            return finite(left / right) if right else None
        if isinstance(node.op, ast.Mult):
            return finite(left * right)
        return finite(left + right) if isinstance(node.op, ast.Add) else finite(left - right)

    def _called(self, node: ast.Call, text: str) -> Value:
        name, operands = _name(node), [self.of(argument) for argument in node.args]
        if name == "is_null":
            return operands[0] is None
        if name in ("prev", "crosses_above", "crosses_below"):
            return self._row_before(name, operands, text)
        if any(operand is None for operand in operands):
            return None
        numbers = [float(operand) for operand in operands if operand is not None]
        plain: dict[str, Callable[[], float]] = {
            "abs": lambda: abs(numbers[0]),
            "floor": lambda: float(math.floor(numbers[0])),
            "min": lambda: min(numbers),
            "max": lambda: max(numbers),
        }
        return plain[name]()

    def _row_before(self, name: str, operands: Sequence[Value], text: str) -> Value:
        key = (self._scope, text)
        before = self.before[text] = self._memory.rows.get(key, (None, None))
        now = (operands[0], operands[-1])
        if name == "prev":
            self._memory.rows[key] = now
            return before[0]
        if None in now:
            return None
        self._memory.rows[key] = now
        if None in before:
            return None
        above = compared(">", *now) and compared("<=", *before)
        below = compared("<", *now) and compared(">=", *before)
        return bool(above if name == "crosses_above" else below)

    # --- over bars -----------------------------------------------------------------------------------------------

    def _window(self, node: ast.expr) -> Value:
        operand, count, _ = _windowed(node)
        assert operand is not None
        frame, now = frame_of(node), self.of(operand)
        past = self._past(operand, frame, node)
        ahead = 0 if running(self.symbol, self.row, frame) is not None else 1
        if isinstance(node, ast.Subscript):
            return past(count - 1 + ahead)
        assert isinstance(node, ast.Call)
        if _name(node) in AT_CLOSES:
            return at_closes(_name(node), [past(back) for back in range(count)], now)
        values = [past(back + ahead) for back in range(count - 2, -1, -1)] + [now]
        numbers = [float(one) for one in values if one is not None]
        return over_bars(_name(node), numbers) if len(numbers) == count else None

    def _past(self, operand: ast.expr, frame: str, node: ast.expr) -> Callable[[int], Value]:
        """The value that many closes before the newest."""
        if _is_bar_field(operand):
            name = call_of(operand).name
            values: list[Value] = [float(getattr(bar, name)) for bar in self.symbol.closed[frame]]
        else:
            _, count, looks_back = _windowed(node)
            values = self._memory.closes.get((text_of(operand), frame, count + looks_back), [])
        return lambda back: values[-1 - back] if back < len(values) else None

    # --- explanation ---------------------------------------------------------------------------------------------

    def leaves(self, expression: Expression) -> list[Leaf]:
        """The conditions that must all hold, as alerts say them."""
        tree = expression.tree
        if not (isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And)):
            return [self._leaf(tree, expression.text)]
        parts, texts = tree.values, split_text(expression.text, "and")
        return [self._leaf(part, text) for part, text in zip(parts, texts, strict=True)]

    def _leaf(self, node: ast.expr, text: str) -> Leaf:
        verdict = self.of(node)
        assert verdict is None or isinstance(verdict, bool)
        text = unwrapped(text)
        if isinstance(node, ast.Compare):
            op = OPERATORS[type(node.ops[0])]
            left, right = split_text(text, re.escape(op))
            return self._pair(node.left, node.comparators[0], (unwrapped(left), unwrapped(right)), op, verdict, None)
        if isinstance(node, ast.BoolOp):
            word = "and" if isinstance(node.op, ast.And) else "or"
            texts = split_text(text, word)
            parts = tuple(self._leaf(part, one) for part, one in zip(node.values, texts, strict=True))
            return Leaf(text, None, word, None, verdict, parts=parts)
        if isinstance(node, ast.UnaryOp):
            return Leaf(text, None, "not", None, verdict, parts=(self._leaf(node.operand, text[4:]),))
        if isinstance(node, ast.Call) and _name(node) in ("crosses_above", "crosses_below"):
            left, right = split_text(text.partition("(")[2][:-1], ",")
            before = self.before.get(text_of(node))
            return self._pair(node.args[0], node.args[1], (left, right), _name(node), verdict, before)
        if isinstance(node, ast.Call) and _name(node) == "is_null":
            value = _float(self.of(node.args[0]))
            return Leaf(text.partition("(")[2][:-1], value, "is_null", None, verdict, bars=self._bars(node))
        return Leaf(text, None, "holds", None, verdict, bars=self._bars(node))

    def _bars(self, *nodes: ast.expr) -> dict[str, int]:
        used = {frame for node in nodes for frame in frames_in(node)}
        starts = {frame: bar0_start(self.symbol, self.row, frame) for frame in LENGTHS if frame in used}
        return {frame: start for frame, start in starts.items() if start is not None}

    def _pair(
        self,
        left: ast.expr,
        right: ast.expr,
        texts: tuple[str, str],
        op: str,
        verdict: bool | None,
        before: tuple[Value, Value] | None,
    ) -> Leaf:
        literal = isinstance(right, ast.Constant) or (
            isinstance(right, ast.UnaryOp) and isinstance(right.operand, ast.Constant)
        )
        return Leaf(
            texts[0],
            _float(self.of(left)),
            op,
            _float(self.of(right)),
            verdict,
            against="" if literal else texts[1],
            previous=None if before is None else (_float(before[0]), _float(before[1])),
            bars=self._bars(left, right),
        )


def _float(given: Value) -> float | None:
    return None if given is None else float(given)
