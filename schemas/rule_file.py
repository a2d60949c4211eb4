"""Reads a file of rules; says where it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from schemas.hints import nearest
from schemas.rule import RuleError, RuleFile, Runaway, SeedCondition, SeedRule, SeedUniverse, TemplateRule

MAX_RULES: Final = 100_000
MAX_NUMBER: Final = 1e300
Kind = TypeVar("Kind", bound=msgspec.Struct)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`")
_WITHIN: Final = {".conditions": SeedCondition, ".runaway": Runaway, ".universe": SeedUniverse}
_FIELDS: Final = frozenset(SeedRule.__struct_fields__)


def load_rules(document: bytes) -> list[SeedRule]:
    """The rules of a file that has no formulas of its own. RuleError says where it is wrong."""
    return load_rule_file(document).rules


def load_rule_file(document: bytes) -> RuleFile:
    """A JSON file: a list of rules, or an object with the list under `rules` and formulas by name under `metrics`.
    RuleError says where it is wrong."""
    try:
        raw = msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RuleError("file", f"not JSON: {error}") from None
    whole: Mapping[str, Any] = raw if isinstance(raw, dict) else {"rules": raw}
    listed = whole.get("rules")
    if not isinstance(listed, list) or len(listed) > MAX_RULES:
        raise RuleError("file", f"needs a list of at most {MAX_RULES} rules")
    metrics = whole.get("metrics", {})
    for name, formula in metrics.items() if isinstance(metrics, dict) else ():
        if not isinstance(formula, str):
            raise RuleError(f"metrics.{name[:80]}", "is not the text of a formula")
    found = _convert({**whole, "rules": []}, RuleFile, "")
    found.rules = [_rule(item, f"rules[{i}]") for i, item in enumerate(listed)]
    seen: set[str] = set()
    for i, rule in enumerate(found.rules):
        if not rule.id or rule.id in seen:
            raise RuleError(f"rules[{i}].id", f"{rule.id!r} is empty or used twice")
        seen.add(rule.id)
    return found


def _rule(item: object, where: str) -> SeedRule:
    if not isinstance(item, dict) or "template" not in item:
        return _convert(item, SeedRule, where)
    template = item["template"]
    parameters = {name: value for name, value in item.items() if name not in _FIELDS and name != "template"}
    shown = [str(value) for value in (template, item.get("timeframe"), *parameters.values()) if value is not None]
    fields = {name: value for name, value in item.items() if name in _FIELDS}
    named = {"id": "-".join(shown), **fields, "template": template}
    for name, value in parameters.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise RuleError(f"{where}.{name[:80]}", "is neither a number nor a text")
        if not isinstance(value, str) and abs(value) > MAX_NUMBER:
            raise RuleError(f"{where}.{name[:80]}", f"is a number beyond {MAX_NUMBER:g}")
    return _convert({**named, "parameters": parameters}, TemplateRule, where)


def _convert(item: object, kind: type[Kind], where: str) -> Kind:
    try:
        return msgspec.convert(item, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        reason, _, path = str(error).partition(" - at `$")
        unknown = _UNKNOWN.fullmatch(reason)
        if unknown is not None:
            within = next((inner for field, inner in _WITHIN.items() if field in path), kind)
            reason += nearest(unknown[1], within.__struct_fields__)
        raise RuleError(f"{where}{path.rstrip('`')}".lstrip(".") or "file", reason) from None
