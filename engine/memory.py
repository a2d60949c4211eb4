"""What remembers something of each symbol beside the bars: indicators, rows before, values at closes, fires. All of it
is columns, so that all of it is stored and restored in the same way."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from engine.columns import Columns, column
from engine.segments import Index


class Stateful(Protocol):
    """Something with columns over symbols."""

    def groups(self) -> dict[str, Columns]:
        """Its columns under the names they are stored by."""


def columns_of(name: str, **declared: Any) -> Columns:
    """Columns made for one purpose, with no symbols yet: their widths depend on a rule."""
    made: type[Columns] = type(name, (Columns,), dict(declared))
    return made(0)


def grow(memory: Stateful, capacity: int) -> None:
    """Make room for `capacity` symbols."""
    for group in memory.groups().values():
        if group.capacity < capacity:
            group.grow(capacity)


def take(memory: Stateful, members: Index) -> dict[str, NDArray[Any]]:
    """Copies of what it holds of `members`, without columns that hold nothing but defaults."""
    return {
        f"{group_name}.{name}": values
        for group_name, group in memory.groups().items()
        for name, values in group.altered(members).items()
    }


def put(memory: Stateful, members: Index, values: dict[str, NDArray[Any]]) -> None:
    """Write back what `take` gave, over defaults."""
    for name, column_values in values.items():
        group_name, _, column_name = name.partition(".")
        getattr(memory.groups()[group_name], column_name)[members] = column_values


__all__ = ["Stateful", "column", "columns_of", "grow", "put", "take"]
