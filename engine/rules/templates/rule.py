"""From a rule of an alert type to one that says all of it itself."""

from __future__ import annotations

from typing import Final

from engine.indicators.declare import Kind, Parameter
from engine.rules.names import Names
from engine.rules.parser import parse, parse_condition
from engine.rules.templates.catalogue import TEMPLATES, text_of
from engine.rules.templates.declare import Template
from engine.rules.tree import Node, TreeError, number_text
from schemas.hints import nearest
from schemas.rule import BAR_CLOSE, ONCE_PER_BAR, RuleError, SeedRule, TemplateRule, changed

_FIELDS: Final = SeedRule.__struct_fields__


def settled(rule: TemplateRule, where: str, names: Names) -> tuple[SeedRule, Node]:
    """The rule with trigger, session and volume of its alert type where it has none of its own, and the condition that
    the alert type is. RuleError."""
    template = TEMPLATES.get(rule.template)
    if template is None:
        raise RuleError(
            f"{where}.template", f"unknown alert type {rule.template[:80]!r}{nearest(rule.template, TEMPLATES)}"
        )
    given = dict(rule.parameters)
    if template.timeframe is not None and rule.timeframe is not None:
        given["timeframe"] = rule.timeframe
    known = [parameter.name for parameter in template.parameters]
    for name in given:
        if name not in known:
            hint = nearest(name, [*known, *_FIELDS])
            raise RuleError(f"{where}.{name[:80]}", f"is no parameter of {template.name} and no field of a rule{hint}")
    texts = [_text(given.get(p.name), p, f"{where}.{p.name}", names) for p in template.parameters]
    condition = parse_condition(f"{template.name}({', '.join(texts)})", f"{where}.template", names.named, names.known)
    trigger = rule.trigger or template.trigger
    own = dict(zip(known, texts, strict=True)).get("timeframe") if trigger in (BAR_CLOSE, ONCE_PER_BAR) else None
    return changed(
        rule,
        trigger=trigger,
        timeframe=rule.timeframe if template.timeframe is None else own,
        calculated_during=rule.calculated_during or template.during,
        volume_threshold=_volume(rule, template),
    ), condition


def _volume(rule: SeedRule, template: Template) -> float | None:
    return (template.volume or None) if rule.volume_threshold is None else rule.volume_threshold


def _text(value: str | float | None, parameter: Parameter, where: str, names: Names) -> str:
    """An argument as the rule language writes it. Of a parameter that is counted in minutes, a number is minutes."""
    try:
        if value is None:
            return text_of([], parameter)
        text = value if isinstance(value, str) else number_text(value)
        if not isinstance(value, str) and set(parameter.durations) == {"m"}:
            text += "m"
        if parameter.kind is Kind.LEVEL:
            return parse(text, where, names.named, names.known).text
        return text_of([text.strip()], parameter)
    except RuleError:
        raise
    except (TreeError, ValueError) as error:
        raise RuleError(where, str(error)) from None
