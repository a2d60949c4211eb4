"""Named columns with one element a symbol that grow together: how all per-symbol state is kept."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

NULL = float("nan")
"""A figure that does not exist."""


@dataclass(frozen=True, slots=True)
class Column:
    """Declaration of a column: element type, what a fresh symbol has, and how many elements it has a symbol (1 = a
    plain column)."""

    dtype: str
    default: float
    width: int = 1


def column(dtype: str, default: float = 0, width: int = 1) -> Any:
    """Declare a column as a class attribute of a `Columns` class; instances hold the array under that name."""
    return Column(dtype, default, width)


class Columns:
    """Base of a group of columns; subclasses declare them with `column`."""

    def __init__(self, capacity: int) -> None:
        """All columns with `capacity` elements at their defaults."""
        self.capacity = capacity
        for name, declared in self.declared().items():
            setattr(self, name, _fresh(declared, capacity))

    _declared: ClassVar[dict[str, Column]] = {}

    def __init_subclass__(cls) -> None:
        """Note what the class declares."""
        own = {name: declared for name, declared in vars(cls).items() if isinstance(declared, Column)}
        cls._declared = {**cls._declared, **own}

    @classmethod
    def declared(cls) -> dict[str, Column]:
        """The columns in order of declaration, those of base classes first."""
        return cls._declared

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` symbols."""
        for name, declared in self.declared().items():
            grown = _fresh(declared, capacity)
            grown[: self.capacity] = getattr(self, name)
            setattr(self, name, grown)
        self.capacity = capacity

    def reset(self, symbols: NDArray[np.intp]) -> None:
        """Put `symbols` back to the defaults."""
        for name, declared in self.declared().items():
            getattr(self, name)[symbols] = declared.default

    def copy_from(self, other: Columns, symbols: NDArray[np.intp]) -> None:
        """Take over what `other` has for `symbols`, in the columns that `other` declares."""
        for name in other.declared():
            getattr(self, name)[symbols] = getattr(other, name)[symbols]

    def take(self, symbols: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """Copies of all columns at `symbols`."""
        return {name: getattr(self, name)[symbols] for name in self.declared()}

    def altered(self, symbols: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """Copies of the columns at `symbols`, without those that hold nothing but defaults there."""
        found = {}
        for name, declared in self._declared.items():
            values = getattr(self, name)[symbols]
            untouched = np.isnan(values) if isnan(declared.default) else values == declared.default
            if not untouched.all():
                found[name] = values
        return found

    def put(self, symbols: NDArray[np.intp], values: dict[str, NDArray[Any]]) -> None:
        """Write back what `take` gave."""
        for name in self.declared():
            getattr(self, name)[symbols] = values[name]


def _fresh(declared: Column, capacity: int) -> NDArray[Any]:
    shape = capacity if declared.width == 1 else (capacity, declared.width)
    if declared.default == 0:
        return np.zeros(shape, declared.dtype)
    return np.full(shape, declared.default, declared.dtype)
