"""Which symbols belong to which universe: a column each, from names and tags, filled in as symbols appear and where
their tags change."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np

from engine.rules.symbol_names import SymbolNames
from engine.segments import Index, Mask
from engine.state import PartitionState
from engine.view import View
from schemas.batch import U64
from schemas.rule import Universe
from schemas.tags import tag_number


class Membership:
    """The universes of the active plan, over the symbols of a partition."""

    def __init__(self, state: PartitionState) -> None:
        """No universes. `state`: of the symbols; more may come."""
        self._state = state
        self._universes: tuple[Universe, ...] = ()
        self._known = 0
        self._inside = np.zeros((0, 0), bool)
        self._by_tags: list[int] = []
        self._retagged: set[int] = set()

    def activate(self, universes: tuple[Universe, ...]) -> None:
        """These from now on. What is known of those that stay is kept."""
        before = dict(zip(self._universes, self._inside, strict=True))
        self._inside = np.zeros((len(universes), self._inside.shape[1]), bool)
        self._universes = universes
        new = [number for number, universe in enumerate(universes) if universe not in before]
        for number, universe in enumerate(universes):
            self._inside[number] = before.get(universe, False)
        self._by_tags = [number for number, universe in enumerate(universes) if universe.is_by_tags]
        self._fill(new, slice(self._known))

    def retagged(self, symbol: int) -> None:
        """The symbol has other tags from here on."""
        if self._by_tags:
            self._retagged.add(symbol)

    def at(self, view: View) -> Inside:
        """At the rows of a view."""
        if self._known < self._state.known and self._universes:
            self._extend()
        if self._retagged:
            self._fill(self._by_tags, np.array(sorted(self._retagged), np.intp))
            self._retagged.clear()
        return Inside(self._inside, view)

    def _extend(self) -> None:
        first, self._known = self._known, self._state.known
        room = self._inside.shape[1]
        if self._known > room:
            more = np.zeros((len(self._universes), max(self._known, 2 * room) - room), bool)
            self._inside = np.concatenate((self._inside, more), axis=1)
        self._fill(range(len(self._universes)), slice(first, self._known))

    def _fill(self, numbers: Iterable[int], symbols: slice | Index) -> None:
        names = self._state.symbols.names
        some = SymbolNames(names[symbols] if isinstance(symbols, slice) else [names[s] for s in symbols.tolist()])
        for number in numbers if len(some) else ():
            universe = self._universes[number]
            found = some.belonging(universe)
            if universe.is_by_tags:
                found &= _tagged(universe, self._state.reference.tags[symbols])
            self._inside[number, symbols] = found


def _tagged(universe: Universe, tags: U64) -> Mask:
    """Which rows of `tags`, those of a symbol each, have one that the universe asks for and none that it excludes."""
    found = ~_has_any(tags, universe.exclude_tags)
    if universe.tags:
        found &= _has_any(tags, universe.tags)
    return found


def _has_any(tags: U64, wanted: Iterable[str]) -> Mask:
    return np.asarray(np.isin(tags, np.array([*map(tag_number, wanted)], np.uint64)).any(axis=1))


class Inside:
    """Universes over the rows of one view. The symbols of a row are asked for together, never one by one."""

    def __init__(self, inside: Mask, view: View) -> None:
        """`inside`: over universes and symbols."""
        self._inside, self._view = inside, view

    @cached_property
    def anywhere(self) -> Mask:
        """Over universes, and one more that is everything: whether any row is inside."""
        return np.append(np.take(self._inside, self._view.members, axis=1).any(axis=1), True)

    @cached_property
    def _symbols(self) -> Index:
        return self._view.symbols

    @property
    def all_rows(self) -> Mask:
        """Over all universes and the rows."""
        return np.take(self._inside, self._symbols, axis=1)

    def rows(self, universes: Index) -> Mask:
        """Over these universes and the rows."""
        return np.take(self._inside[universes], self._symbols, axis=1)

    def each(self, universes: Index, rows: Index) -> Mask:
        """Whether each of these rows is inside the universe beside it; rows behind the last count as the last."""
        return np.asarray(self._inside[universes, self._symbols[np.minimum(rows, len(self._symbols) - 1)]])

    def members(self, universe: int) -> Index:
        """The symbols of the view that are inside."""
        members = self._view.members
        found: Index = members[self._inside[universe, members]]
        return found
