"""The JSON Schema of a file of rules, from the types that read it and the declarations of alert types."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from engine.indicators.declare import Argument, Kind, Parameter, argument_text
from engine.rules.arguments import TIMEFRAME_ALIASES
from engine.rules.templates.catalogue import TEMPLATES
from engine.rules.templates.declare import Template
from engine.timeframes import BY_NAME
from schemas.rule import OPERATORS, TRIGGERS, Runaway, SeedCondition, SeedRule, SeedUniverse

_REF: Final = "#/$defs/{name}"


def schema() -> dict[str, Any]:
    """Draft 2020-12. What it lets through can still be refused: it knows nothing of the rule language."""
    _, components = msgspec.json.schema_components([SeedRule, SeedCondition, SeedUniverse, Runaway], ref_template=_REF)
    fields = components.pop("SeedRule")
    required, properties = fields["required"], fields["properties"]
    properties["trigger"] = {"enum": [*TRIGGERS, None], "default": None}
    condition = components["SeedCondition"]["properties"]
    condition["operator"] = condition["op"] = {"enum": [*OPERATORS, None], "default": None}
    rule: dict[str, Any] = {"$ref": "#/$defs/Fields", "required": required, "unevaluatedProperties": False}
    definitions = {
        **components,
        "Fields": {"type": "object", "description": fields["description"], "properties": properties},
        "Rule": {"anyOf": [rule, *({"$ref": f"#/$defs/{name}"} for name in TEMPLATES)]},
        "Rules": {"type": "array", "items": {"$ref": "#/$defs/Rule"}},
        **{name: _of_template(template) for name, template in TEMPLATES.items()},
    }
    whole = {
        "type": "object",
        "properties": {
            "metrics": {"type": "object", "additionalProperties": {"type": "string"}},
            "rules": {"$ref": "#/$defs/Rules"},
        },
        "required": ["rules"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of tapewatch",
        "anyOf": [{"$ref": "#/$defs/Rules"}, whole],
        "$defs": definitions,
    }


def text() -> str:
    """As it stands in docs/rules.schema.json."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


def _of_template(template: Template) -> dict[str, Any]:
    parameters = {p.name: _of_parameter(p) for p in template.parameters}
    needed = [p.name for p in template.parameters if p.default is None]
    return {
        "$ref": "#/$defs/Fields",
        "description": template.description,
        "properties": {"template": {"const": template.name}, **parameters},
        "required": ["template", *needed],
        "unevaluatedProperties": False,
    }


def _of_parameter(parameter: Parameter) -> dict[str, Any]:
    default = {} if parameter.default is None else {"default": _plain(parameter.default)}
    least, most = parameter.bounds
    if parameter.kind is Kind.TIMEFRAME:
        return {"enum": [*BY_NAME, *TIMEFRAME_ALIASES], **default}
    if parameter.kind is Kind.BARS:
        return {"type": "integer", "minimum": least, "maximum": most, **default}
    if parameter.kind is Kind.NUMBER:
        return {"type": ["number", "string"], "minimum": least, "maximum": most, **default}
    if parameter.kind is Kind.LEVEL:
        return {"type": ["string", "number"], "description": parameter.wanted}
    kinds = ["string", "integer"] if set(parameter.durations) == {"m"} else "string"
    return {"type": kinds, "pattern": "^[0-9]{1,6}[smhd]$", "description": parameter.wanted, **default}


def _plain(default: Argument) -> float | str:
    return default if isinstance(default, int | float) else argument_text(default)
