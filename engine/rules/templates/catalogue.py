"""All alert types by name, and the text that one stands for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from engine.indicators.declare import Kind, Parameter, argument_text
from engine.rules.arguments import argument
from engine.rules.templates import activity, averages, candles, extremes
from engine.rules.templates.declare import Template

_ALL: Final = (*candles.TEMPLATES, *extremes.TEMPLATES, *averages.TEMPLATES, *activity.TEMPLATES)
TEMPLATES: Final = {template.name: template for template in _ALL}


def condition_of(template: Template, given: list[str]) -> str:
    """Its condition with these arguments, in the order of the parameters, defaults filled in. Raises ValueError."""
    if len(given) > len(template.parameters):
        names = ", ".join(p.name for p in template.parameters) or "nothing"
        raise ValueError(f"takes {names}, not {len(given)} arguments")
    texts = [text_of(given[i : i + 1], parameter) for i, parameter in enumerate(template.parameters)]
    return _filled(template, texts)


def text_of(given: list[str], parameter: Parameter) -> str:
    """The argument for a parameter in normal form: the one text that is given, or the default. Raises ValueError."""
    if parameter.kind is Kind.LEVEL and given:
        return given[0]
    return argument_text(argument(given[0] if given else None, parameter))


def _filled(template: Template, texts: Iterable[str]) -> str:
    by_name = dict(zip((p.name for p in template.parameters), texts, strict=True))
    return template.condition.format_map(by_name)
