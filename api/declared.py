"""What rules can be made of, for those who write them elsewhere: metrics and alert types, from their declarations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from engine.indicators.catalogue import DECLARATIONS
from engine.indicators.declare import Declaration, Parameter, argument_text
from engine.rules.templates.catalogue import TEMPLATES
from engine.rules.templates.declare import Template


def router() -> APIRouter:
    """The routes."""
    found = APIRouter(default_response_class=Response)
    found.add_api_route("/metrics", _metrics, operation_id="list_metrics", summary="What rules can look at")
    found.add_api_route("/templates", _templates, operation_id="list_templates", summary="Alert types")
    return found


async def _metrics() -> Response:
    """Every metric: its parameters, unit, definition, when it has its first value and what it moves with."""
    return Response(_METRICS, media_type="application/json")


async def _templates() -> Response:
    """Every alert type: its parameters, and the condition, trigger, volume and session of a rule that says no other."""
    return Response(_TEMPLATES, media_type="application/json")


def _metric(declaration: Declaration) -> dict[str, Any]:
    return {
        "name": declaration.name,
        "parameters": _parameters(declaration.parameters),
        "unit": declaration.unit.value,
        "definition": declaration.definition,
        "first_value": declaration.warm_up,
        "moves_with": "forming bar" if declaration.moves else "closed bars",
        "source": declaration.source,
    }


def _template(template: Template) -> dict[str, Any]:
    return {
        "name": template.name,
        "description": template.description,
        "parameters": _parameters(template.parameters),
        "condition": template.condition,
        "trigger": template.trigger,
        "volume_threshold": template.volume,
        "calculated_during": template.during,
        "mirror": template.mirror or None,
    }


def _parameters(parameters: Sequence[Parameter]) -> list[dict[str, str | None]]:
    """`default`: as rules write it, null where something has to be given."""
    return [
        {"name": one.name, "wanted": one.wanted, "default": None if one.default is None else argument_text(one.default)}
        for one in parameters
    ]


_METRICS: Final = msgspec.json.encode({"metrics": [_metric(one) for one in DECLARATIONS]})
_TEMPLATES: Final = msgspec.json.encode({"templates": [_template(one) for one in TEMPLATES.values()]})
