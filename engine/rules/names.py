"""Names that rules may use besides metrics and functions: alert types, and the formulas of their own file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from engine.indicators.catalogue import CATALOGUE
from engine.rules.aliases import meaning_of
from engine.rules.functions import FUNCTIONS
from engine.rules.parser import RESERVED, parse
from engine.rules.templates.catalogue import TEMPLATES, condition_of
from engine.rules.tree import Node
from schemas.rule import RuleError

MAX_FORMULAS: Final = 200
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


class Names:
    """What further names stand for. Raises RuleError for a formula that cannot be one, under `metrics.name`."""

    def __init__(self, formulas: Mapping[str, str] | None = None) -> None:
        """`formulas`: texts by name; each may use the others."""
        self._texts = dict(formulas or {})
        self._trees: dict[str, Node] = {}
        self._within: list[str] = []
        self.known: Final[Mapping[str, object]] = dict.fromkeys([*self._texts, *TEMPLATES])
        if len(self._texts) > MAX_FORMULAS:
            raise RuleError("metrics", f"{len(self._texts)} are more than the {MAX_FORMULAS} that a file may have")
        for name in self._texts:
            _check_name(name)
        for name in self._texts:
            self._tree(name)

    def named(self, name: str, arguments: list[str]) -> Node | str | None:
        """The formula or the alert type of that name. Raises ValueError for arguments that do not fit."""
        if name in self._texts:
            if arguments:
                raise ValueError("is a formula, and takes no arguments")
            return self._tree(name)
        template = TEMPLATES.get(name)
        return None if template is None else condition_of(template, arguments)

    def _tree(self, name: str) -> Node:
        found = self._trees.get(name)
        if found is not None:
            return found
        if name in self._within:
            chain = " > ".join([*self._within[self._within.index(name) :], name])
            raise RuleError(f"metrics.{name}", f"is made of itself: {chain}")
        self._within.append(name)
        found = self._trees[name] = parse(self._texts[name], f"metrics.{name}", self.named, self.known)
        self._within.pop()
        return found


NO_FORMULAS: Final = Names()


def _check_name(name: str) -> None:
    where = f"metrics.{name[:80]}"
    if _NAME.fullmatch(name) is None:
        raise RuleError(where, "a name is made of letters, digits and _, and begins with no digit")
    for kind, taken in (("a metric", CATALOGUE), ("a function", FUNCTIONS), ("an alert type", TEMPLATES)):
        if name in taken:
            raise RuleError(where, f"is {kind} already; take another name")
    if meaning_of(name)[0] != name:
        raise RuleError(where, f"means {meaning_of(name)[0]} already; take another name")
    if name in RESERVED:
        raise RuleError(where, "is a word of the language; take another name")
