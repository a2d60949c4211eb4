"""Reads the text of a rule into its typed tree. Every error has a column, a reason and, for a name, the nearest that
is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Final

from engine.indicators.catalogue import CATALOGUE
from engine.indicators.declare import Declaration, Unit
from engine.rules import composed, lexer, tree
from engine.rules.arguments import check_arguments
from engine.rules.awaited import AWAITED
from engine.rules.functions import FUNCTIONS, Function
from engine.rules.lexer import Token, tokens
from engine.rules.tree import Node, TreeError
from engine.rules.units import UnitError, joined
from schemas.bar import SESSIONS
from schemas.hints import nearest
from schemas.rule import OPERATORS, RuleError

MAX_LOOK_BACK: Final = 200
MAX_NESTING: Final = 40
RESERVED: Final = frozenset({"and", "or", "not", "true", "false"})

Named = Callable[[str, "list[str]"], "Node | str | None"]
"""What a name with arguments stands for (a user's formula, an alert type) as a tree or as text, None if there is no
such. Raises ValueError for arguments that do not fit."""


def no_names(name: str, arguments: list[str]) -> Node | str | None:
    """Nothing but the catalogue and the language."""
    del name, arguments
    return None


def parse(source: str, where: str = "expression", named: Named = no_names, known: Mapping[str, object] = {}) -> Node:
    """The tree of an expression, number or truth. RuleError says where it is wrong.

    `named` says what further names stand for; `known` are these names, for hints.
    """
    parser = _Parser(source, where, named, known)
    try:
        node = parser.expression()
        parser.expect(lexer.END)
    except RecursionError:
        raise RuleError(where, "nested too deeply") from None
    return node


def parse_condition(
    source: str, where: str = "expression", named: Named = no_names, known: Mapping[str, object] = {}
) -> Node:
    """The tree of an expression that is true or false."""
    node = parse(source, where, named, known)
    if not node.truth:
        raise RuleError(where, f"{node.text[:80]} is a number, not a condition; compare it with something")
    return node


def parse_numbers(source: str, where: str = "metrics") -> tuple[Node, ...]:
    """The trees of numbers with commas between them, each once. RuleError says where it is wrong."""
    parser = _Parser(source, where, no_names, {})
    try:
        return tuple(dict.fromkeys(parser.numbers()))
    except RecursionError:
        raise RuleError(where, "nested too deeply") from None


class _Parser:
    def __init__(self, source: str, where: str, named: Named, known: Mapping[str, object]) -> None:
        self._source, self._where, self._named, self._known = source, where, named, known
        self._tokens = tokens(source, where)
        self._at, self._now = 0, self._tokens[0]
        self._depth, self._written_out_length = 0, 0

    # --- tokens --------------------------------------------------------------------------------------------------

    def _next(self) -> Token:
        """Go on to the token behind; at the end there is none."""
        token = self._now
        if token.kind != lexer.END:
            self._at += 1
            self._now = self._tokens[self._at]
        return token

    def _is(self, *texts: str) -> bool:
        return self._now.text in texts and self._now.kind in (lexer.SYMBOL, lexer.NAME)

    def expect(self, kind: str, text: str = "") -> Token:
        """The next token, which has to be this."""
        if self._now.kind != kind or (text and self._now.text != text):
            wanted = f"{text!r}" if text else {"end": "an operator or the end"}.get(kind, kind)
            shown = "the end" if self._now.kind == lexer.END else repr(self._now.text)
            hint = nearest(self._now.text, ("and", "or")) if self._now.kind == lexer.NAME and kind == lexer.END else ""
            raise self._error(self._now, f"{wanted} is expected here, not {shown}{hint}")
        return self._next()

    def _error(self, at: Token, reason: str) -> RuleError:
        return RuleError(f"{self._where}, column {at.column}", reason)

    def _made(self, at: Token, make: Callable[[], Node]) -> Node:
        try:
            return make()
        except (TreeError, UnitError) as error:
            raise self._error(at, str(error)) from None

    # --- truth ---------------------------------------------------------------------------------------------------

    def expression(self) -> Node:
        """Anything."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._error(self._now, f"nested more than {MAX_NESTING} deep")
        node = self._chain("or", lambda: self._chain("and", self._negation))
        self._depth -= 1
        return node

    def _chain(self, op: str, part: Callable[[], Node]) -> Node:
        first, begin = self._now, part()
        parts = [begin]
        while self._is(op):
            self._needs_truth(first, parts[-1])
            self._next()
            first = self._now
            parts.append(part())
        if len(parts) == 1:
            return begin
        self._needs_truth(first, parts[-1])
        return self._made(first, lambda: tree.both(op, parts))

    def _negation(self) -> Node:
        if not self._is("not"):
            return self._comparison()
        at, times = self._now, 0
        while self._is("not"):
            self._next()
            times += 1
        part = self._comparison()
        self._needs_truth(at, part)
        return self._made(at, lambda: tree.negation(part)) if times % 2 else part

    def _comparison(self) -> Node:
        first = self._now
        left = self._sum()
        if not self._is(*OPERATORS):
            return left
        op = self._next()
        right = self._sum()
        if left.truth or right.truth:
            return self._truth_against(op, first, left, right)
        if self._is(*OPERATORS):
            raise self._error(self._now, "comparisons do not chain; join them with and")

        def make() -> Node:
            joined(left.unit, right.unit, (left.is_literal, right.is_literal), "compared with")
            composed.check_order(op.text, left.unit)
            return tree.compare(op.text, left, right)

        return self._made(op, make)

    def _truth_against(self, op: Token, first: Token, left: Node, right: Node) -> Node:
        """`condition == 1`, `condition == true` and their like, as lists of conditions write them."""
        value = {"1": True, "true": True, "0": False, "false": False}.get(right.text)
        if not left.truth or value is None or op.text not in ("==", "!="):
            raise self._error(first, "what is true or false can only be compared with true or false")
        return left if value == (op.text == "==") else self._made(op, lambda: tree.negation(left))

    def _needs_truth(self, at: Token, node: Node) -> None:
        if not node.truth:
            raise self._error(at, f"{node.text[:60]} is a number; a condition is needed here")

    def _needs_number(self, at: Token, node: Node) -> None:
        if node.truth:
            raise self._error(at, f"{node.text[:60]} is true or false; a number is needed here")

    # --- numbers -------------------------------------------------------------------------------------------------

    def numbers(self) -> Iterator[Node]:
        """Numbers that change, with commas between them, to the end."""
        while True:
            at, node = self._now, self.expression()
            self._needs_number(at, node)
            if all(part.call is None for part in tree.walk(node)):
                raise self._error(at, f"{node.text[:60]} never changes; name a metric")
            yield node
            if not self._is(","):
                break
            self._next()
        self.expect(lexer.END)

    def _sum(self) -> Node:
        return self._operators(("+", "-"), self._term)

    def _term(self) -> Node:
        return self._operators(("*", "/"), self._factor)

    def _operators(self, ops: tuple[str, ...], part: Callable[[], Node]) -> Node:
        first, left = self._now, part()
        while self._is(*ops):
            self._needs_number(first, left)
            op, second = self._next(), self._now
            right = part()
            self._needs_number(second, right)
            left = self._made(op, partial(composed.calculated, op.text, left, right))
        return left

    def _factor(self) -> Node:
        at, minus = self._now, 0
        while self._is("-", "+"):
            minus += self._next().text == "-"
        node = self._postfix()
        if minus % 2:
            self._needs_number(at, node)
            return self._made(at, lambda: composed.negative(node))
        return node

    def _postfix(self) -> Node:
        node = self._primary()
        while self._is("["):
            node = self._looked_back(self._next(), node)
        return node

    def _looked_back(self, at: Token, part: Node) -> Node:
        token = self.expect(lexer.NUMBER)
        self.expect(lexer.SYMBOL, "]")
        count = self._bars(token, 0)
        if part.is_literal:
            raise self._error(at, f"{part.text} never changes, and has no bars before")
        node = self._made(at, lambda: tree.back(part, count))
        if node.count > MAX_LOOK_BACK:
            raise self._error(token, f"looks back {node.count} bars; at most {MAX_LOOK_BACK} are kept")
        return node

    def _primary(self) -> Node:
        token = self._next()
        if token.kind == lexer.NUMBER:
            return self._made(token, lambda: _number(token.text))
        if token.kind == lexer.TIME:
            return self._time(token)
        if token.kind == lexer.TEXT:
            return self._quoted(token)
        if token.kind == lexer.NAME and token.text not in RESERVED:
            return self._name(token)
        if token.text in ("true", "false"):
            return tree.constant(token.text == "true")
        if token.text == "(":
            node = self.expression()
            self.expect(lexer.SYMBOL, ")")
            return node
        shown = "the end" if token.kind == lexer.END else repr(token.text)
        raise self._error(token, f"a metric, a number or a parenthesis is expected here, not {shown}")

    def _time(self, token: Token) -> Node:
        hours, minutes = map(int, token.text.split(":"))
        if hours > 23 or minutes > 59:
            raise self._error(token, f"{token.text} is no time of day")
        return tree.number(hours * 60 + minutes, Unit.TIME)

    def _quoted(self, token: Token) -> Node:
        if token.text in SESSIONS:
            return tree.number(SESSIONS.index(token.text), Unit.SESSION)
        if token.text in tree.WEEKDAYS:
            return tree.number(tree.WEEKDAYS.index(token.text) + 1, Unit.WEEKDAY)
        known = [*SESSIONS, *tree.WEEKDAYS]
        raise self._error(token, f'"{token.text}" is no session and no weekday{nearest(token.text, known)}')

    # --- names ---------------------------------------------------------------------------------------------------

    def _name(self, token: Token) -> Node:
        arguments, texts = self._arguments() if self._is("(") else ([], [])
        function = FUNCTIONS.get(token.text)
        is_metric = (
            token.text in CATALOGUE and bool(arguments) and (len(arguments) == 1 or isinstance(arguments[-1][1], str))
        )
        if function is not None and not is_metric:
            return self._function(token, function, arguments)
        try:
            meaning = self._named(token.text, texts)
            if meaning is not None:
                return self._inlined(token, meaning) if isinstance(meaning, str) else meaning
            declaration = metric_named(token.text, texts)
            if declaration is not None and declaration.formula:
                return self._formula(token, declaration, texts)
            if declaration is not None:
                return _metric(declaration.name, tuple(texts))
        except RuleError:
            raise
        except ValueError as error:
            raise self._error(token, f"{token.text}: {error}") from None
        if token.text in AWAITED:
            raise self._error(token, f"there is no metric {token.text} yet: it {AWAITED[token.text]}")
        known = [*CATALOGUE, *FUNCTIONS, *self._known]
        raise self._error(token, f"unknown metric {token.text[:80]!r}{nearest(token.text, known)}")

    def _formula(self, token: Token, declaration: Declaration, texts: list[str]) -> Node:
        if len(texts) != 1:
            wanted = declaration.parameters[0].wanted
            raise self._error(token, f"{declaration.name}: takes 1 argument, a {wanted}, not {len(texts)}")
        node = self._inlined(token, declaration.formula.format(*texts))
        if node.unit not in (None, declaration.unit):
            raise self._error(token, f"{declaration.name}: {texts[0][:60]} is no price")
        return node

    def _inlined(self, token: Token, text: str) -> Node:
        """What a name stands for. It bounds the work, not only the result, as parts that stand twice become one."""
        self._written_out_length += len(text)
        if self._written_out_length > lexer.MAX_TEXT:
            reason = f"longer than {lexer.MAX_TEXT} characters when its names are written out"
            raise self._error(token, reason)
        inner = _Parser(text, f"{self._where}, column {token.column}, {token.text}", self._named, self._known)
        inner._depth, inner._written_out_length = self._depth, self._written_out_length
        node = inner.expression()
        inner.expect(lexer.END)
        self._written_out_length = inner._written_out_length
        return node

    def _arguments(self) -> tuple[list[tuple[Token, Node | str]], list[str]]:
        """Each argument as a node, or as the text of a duration, and the texts of all."""
        self.expect(lexer.SYMBOL, "(")
        arguments: list[tuple[Token, Node | str]] = []
        texts: list[str] = []
        while not self._is(")"):
            if arguments:
                self.expect(lexer.SYMBOL, ",")
            at, begin = self._now, self._now.column - 1
            if at.kind == lexer.DURATION:
                arguments.append((at, self._next().text))
            else:
                arguments.append((at, self.expression()))
            texts.append(self._source[begin : self._now.column - 1].strip())
        self._next()
        return arguments, texts

    def _function(self, token: Token, function: Function, arguments: list[tuple[Token, Node | str]]) -> Node:
        least, most = (n + function.counts for n in function.takes)
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise self._error(token, f"{function.name} takes {wanted} arguments: {function.definition}")
        nodes: list[Node] = []
        for at, argument in arguments:
            if isinstance(argument, str):
                raise self._error(at, f"{argument!r} has no place in {function.name}: {function.definition}")
            nodes.append(argument)
        count, parts = 0, nodes
        if function.counts:
            parts = nodes[1:]
            count = self._bars(Token(lexer.NUMBER, nodes[0].text, arguments[0][0].column), 1)
        for (at, _), part in zip(arguments[function.counts :], parts, strict=True):
            (self._needs_truth if function.of_truth else self._needs_number)(at, part)
        return self._made(token, lambda: composed.called(function, tuple(parts), count))

    def _bars(self, token: Token, least: int) -> int:
        if not token.text.isdigit() or not least <= int(token.text[:9]) <= MAX_LOOK_BACK:
            raise self._error(token, f"{token.text[:20]} is not a number of bars from {least} to {MAX_LOOK_BACK}")
        return int(token.text)


def metric_named(name: str, arguments: list[str]) -> Declaration | None:
    """The metric of that name; a mean volume over days goes by the name of that over bars, too."""
    if name == "avg_volume" and len(arguments) == 1 and arguments[0].endswith("d"):
        name = "avg_volume_day"
    return CATALOGUE.get(name)


@lru_cache(maxsize=4_096)
def _metric(name: str, arguments: tuple[str, ...]) -> Node:
    """A metric of the catalogue with its arguments. Raises ValueError. Rules of a set share most of them."""
    declaration = CATALOGUE[name]
    return tree.metric(declaration.call(*check_arguments(declaration, list(arguments))))


def _number(text: str) -> Node:
    """`75k`, `1M`; a percent sign says what is counted."""
    factor = {"k": 1e3, "M": 1e6}.get(text[-1], 1.0)
    value = float(text.rstrip("kM%")) * factor
    return tree.number(value, Unit.PERCENT if text.endswith("%") else None)
