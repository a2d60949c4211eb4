"""How declarations of metrics and alert types are shown: one way to write their parameters."""

from __future__ import annotations

from typing import Protocol

from engine.indicators.declare import Parameter, argument_text


class Declared(Protocol):
    """What metrics and alert types have in common."""

    @property
    def name(self) -> str:
        """What rules call it by."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its arguments, in order."""


def signature(declared: Declared) -> str:
    """As rules call it: parameters with their defaults."""
    shown = [p.name if p.default is None else f"{p.name}={argument_text(p.default)}" for p in declared.parameters]
    return f"{declared.name}({', '.join(shown)})" if shown else declared.name


def parameter_lines(declared: Declared) -> list[str]:
    """A line each: what may stand there, and what stands there unless something is given."""
    return [
        f"  {p.name}: {p.wanted}{'' if p.default is None else f', {argument_text(p.default)} unless given'}"
        for p in declared.parameters
    ]
