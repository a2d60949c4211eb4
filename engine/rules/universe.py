"""The universe of a rule, from what people write to its normal form: which symbols, and the conditions that its bounds
are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final

from engine.rules.parser import parse
from engine.rules.tree import Node, number_text
from schemas.rule import RuleError, SeedUniverse, Universe
from schemas.tags import refusal
from schemas.tick import SYMBOL_PATTERN

ANY: Final = "*"
MAX_PATTERNS: Final = 100
MAX_NAME: Final = 32
_PATTERN: Final = re.compile(r"[A-Za-z0-9._:^=+/\-*?]{1,64}", re.ASCII)
_WILDCARDS: Final = re.compile(r"[*?]+")


def universe_of(seed: SeedUniverse | None, where: str) -> Universe | None:
    """The symbols of a rule, None for all of them. RuleError."""
    if seed is None:
        return None
    symbols = {_symbol(name, f"{where}.symbols[{i}]") for i, name in enumerate(seed.symbols or ())}
    fitting = _patterns(seed.patterns or (), f"{where}.patterns")
    exclude = _patterns(seed.exclude, f"{where}.exclude")
    is_named = seed.symbols is not None or seed.patterns is not None
    if is_named and not symbols and not fitting:
        raise RuleError(where, "names no symbol; leave symbols and patterns out for all of them")
    patterns = set(filter(is_pattern, fitting))
    symbols = (symbols | fitting - patterns) - exclude
    if ANY in exclude or (is_named and not symbols and not patterns):
        raise RuleError(f"{where}.exclude", "leaves no symbol")
    if ANY in patterns:
        symbols, patterns = set(), set()
    elif symbols and not patterns:
        exclude = set(filter(is_pattern, exclude))
    lists = (symbols, patterns, exclude, *_tag_lists(seed, where))
    found = Universe(*(tuple(sorted(names)) for names in lists))
    return None if found == Universe() else found


def bounds_of(seed: SeedUniverse | None, where: str) -> list[Node]:
    """The conditions that bounds of price and volume are. RuleError."""
    if seed is None:
        return []
    bounds = {"min_price": seed.min_price, "max_price": seed.max_price, "min_volume": seed.min_volume}
    given = {name: value for name, value in bounds.items() if value is not None}
    for name, value in given.items():
        if not (math.isfinite(value) and value >= 0):
            kind = "a number of shares" if name == "min_volume" else "a price"
            raise RuleError(f"{where}.{name}", f"{value} is not {kind}")
    if given.get("min_price", 0.0) > given.get("max_price", math.inf):
        raise RuleError(f"{where}.min_price", f"{seed.min_price} is above max_price, {seed.max_price}")
    return [parse(f"{_CONDITIONS[name]} {number_text(value)}") for name, value in given.items()]


_CONDITIONS: Final = {"min_price": "price >=", "max_price": "price <=", "min_volume": "volume_day >="}


def is_pattern(text: str) -> bool:
    """Whether it has a wildcard; else it is the name of a symbol."""
    return ANY in text or "?" in text


def _symbol(name: str, where: str) -> str:
    if is_pattern(name):
        raise RuleError(where, f"{name[:40]!r} is a pattern, and belongs under patterns")
    if SYMBOL_PATTERN.fullmatch(name) is None:
        raise RuleError(where, f"{name[:40]!r} is not the name of a symbol")
    return name


def _tag_lists(seed: SeedUniverse, where: str) -> tuple[set[str], set[str]]:
    """Those of which a symbol needs one, and those it must not have."""
    exclude = {_tag(tag, f"{where}.exclude_tags[{i}]") for i, tag in enumerate(seed.exclude_tags)}
    tags = {_tag(tag, f"{where}.tags[{i}]") for i, tag in enumerate(seed.tags or ())}
    if seed.tags is not None and not tags:
        raise RuleError(f"{where}.tags", "names no tag; leave tags out for symbols with any or none")
    if tags and tags <= exclude:
        raise RuleError(f"{where}.exclude_tags", "leaves no tag")
    return tags - exclude, exclude


def _tag(text: str, where: str) -> str:
    if is_pattern(text):
        raise RuleError(where, f"{text[:40]!r} is a pattern; tags are written out, patterns are for names of symbols")
    reason = refusal(text)
    if reason is not None:
        raise RuleError(where, reason)
    return text


def _patterns(given: Iterable[str], where: str) -> set[str]:
    """Each in its one spelling: `?` before `*`, one `*` for many."""
    found = {_pattern(text, f"{where}[{i}]") for i, text in enumerate(given)}
    if sum(map(is_pattern, found)) > MAX_PATTERNS:
        raise RuleError(where, f"has more than {MAX_PATTERNS} patterns")
    return found


def _pattern(text: str, where: str) -> str:
    if not is_pattern(text):
        return _symbol(text, where)
    if _PATTERN.fullmatch(text) is None or len(text.replace(ANY, "")) > MAX_NAME:
        raise RuleError(where, f"{text[:40]!r} fits no name of a symbol")
    return _WILDCARDS.sub(lambda run: "?" * run[0].count("?") + ANY * (ANY in run[0]), text)
