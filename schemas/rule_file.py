"""Reads a file of rules in the seed format; says where it is wrong."""

from __future__ import annotations

from typing import Final

import msgspec

from schemas.rule import RuleError, SeedRule

MAX_RULES: Final = 100_000


def load_rules(document: bytes) -> list[SeedRule]:
    """The rules of a JSON file: a list of rules, or an object with the list under `rules`. RuleError says where it is
    wrong."""
    try:
        raw = msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RuleError("file", f"not JSON: {error}") from None
    listed = raw.get("rules") if isinstance(raw, dict) else raw
    if not isinstance(listed, list) or len(listed) > MAX_RULES:
        raise RuleError("file", f"needs a list of at most {MAX_RULES} rules")
    rules = [_convert(item, i) for i, item in enumerate(listed)]
    seen: set[str] = set()
    for i, rule in enumerate(rules):
        if not rule.id or rule.id in seen:
            raise RuleError(f"rules[{i}].id", f"{rule.id!r} is empty or used twice")
        seen.add(rule.id)
    return rules


def _convert(item: object, i: int) -> SeedRule:
    try:
        return msgspec.convert(item, SeedRule)
    except (msgspec.ValidationError, RecursionError) as error:
        reason, _, path = str(error).partition(" - at `$")
        raise RuleError(f"rules[{i}]{path.rstrip('`')}", reason) from None
