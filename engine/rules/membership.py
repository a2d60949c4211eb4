"""Which symbols belong to which universe: a column each, from the names alone, filled in once as symbols appear."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from engine.rules.symbol_names import SymbolNames
from engine.segments import Index, Mask
from engine.view import View
from schemas.rule import Universe


class Membership:
    """The universes of the active plan, over the symbols of a partition."""

    def __init__(self, names: Sequence[str]) -> None:
        """No universes. `names`: of the symbols by number; more may come."""
        self._names = names
        self._universes: tuple[Universe, ...] = ()
        self._known = 0
        self._inside = np.zeros((0, 0), bool)

    def activate(self, universes: tuple[Universe, ...]) -> None:
        """These from now on. What is known of those that stay is kept."""
        before = dict(zip(self._universes, self._inside, strict=True))
        self._inside = np.zeros((len(universes), self._inside.shape[1]), bool)
        self._universes = universes
        new = [number for number, universe in enumerate(universes) if universe not in before]
        for number, universe in enumerate(universes):
            self._inside[number] = before.get(universe, False)
        self._fill(new, 0, self._known)

    def at(self, view: View) -> Inside:
        """At the rows of a view."""
        if self._known < len(self._names) and self._universes:
            self._extend()
        return Inside(self._inside, view)

    def _extend(self) -> None:
        first, self._known = self._known, len(self._names)
        room = self._inside.shape[1]
        if self._known > room:
            more = np.zeros((len(self._universes), max(self._known, 2 * room) - room), bool)
            self._inside = np.concatenate((self._inside, more), axis=1)
        self._fill(range(len(self._universes)), first, self._known)

    def _fill(self, numbers: Iterable[int], first: int, end: int) -> None:
        some = SymbolNames(self._names[first:end])
        for number in numbers if len(some) else ():
            self._inside[number, first:end] = some.belonging(self._universes[number])


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

    def rows(self, universes: Index) -> Mask:
        """Over these universes and the rows."""
        return np.take(self._inside[universes], self._symbols, axis=1)

    def each(self, universes: Index, rows: Index) -> Mask:
        """Whether each of these rows is inside the universe beside it; rows behind the last count as the last."""
        return np.asarray(self._inside[universes, self._symbols[np.minimum(rows, len(self._symbols) - 1)]])

    def members(self, universe: int) -> Index:
        """The symbols of the view that are inside."""
        members = self._view.members
        return members if universe < 0 else members[self._inside[universe, members]]
