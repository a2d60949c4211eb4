"""Which rules a replay obeys: those of files, of sets named by their hash, several versions of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from app.rules_commands import read
from app.settings import SettingsError
from engine.rules.plan import NOTHING_ASKED, Asked, Plan, compile_rule_set
from infra.kafka.rules import RuleLog
from schemas.rule import RuleBody, RuleEntry, RuleError, rule_hash, rule_set_hash

LOAD_LIMIT_S = 5.0
SHORT = 8
"""Characters of a set's hash that its rules are prefixed with."""


@dataclass(frozen=True)
class Rules:
    """Rules that hold all the way, instead of those in the log."""

    entries: list[RuleEntry]
    bodies: dict[str, RuleBody]

    @property
    def set_hash(self) -> str:
        """Their hash as a set."""
        return rule_set_hash(self.entries)

    def plan(self, asked: Asked = NOTHING_ASKED) -> Plan:
        """Compiled, with what is told at closes. Raises RuleError."""
        return compile_rule_set(self.set_hash, self.entries, self.bodies, asked)


NO_RULES = Rules([], {})


def of_files(paths: Sequence[Path]) -> list[tuple[str, Rules]]:
    """The rules of each file, under the file's name without its ending. Raises SettingsError."""
    found = []
    for path in paths:
        try:
            found.append((path.stem, Rules(*read(path))))
        except RuleError as error:
            raise SettingsError(f"{path}: {error}") from None
    return found


async def of_sets(bootstrap: str, hashes: Sequence[str]) -> list[tuple[str, Rules]]:
    """The sets as they stand in the log, each under the beginning of its hash. Raises RuleSetMissingError."""
    log = RuleLog(bootstrap)
    return [(name[:SHORT], Rules(*await log.load(name, LOAD_LIMIT_S))) for name in hashes]


def combined(versions: Sequence[tuple[str, Rules]]) -> Rules:
    """One set for one pass. Of several versions each rule's id is prefixed by its version's name, as in
    `today/momentum`. Raises SettingsError where two have one name."""
    if len(versions) == 1:
        return versions[0][1]
    names = [name for name, _ in versions]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise SettingsError(f"two rule versions are called {', '.join(sorted(twice))}; their files need other names")
    entries = [
        msgspec.structs.replace(entry, id=f"{name}/{entry.id}") for name, rules in versions for entry in rules.entries
    ]
    return Rules(entries, {key: body for _, rules in versions for key, body in rules.bodies.items()})


def to_json(rules: Rules) -> Mapping[str, Any]:
    """For the manifest: all that is needed to have them again."""
    return {
        "set": rules.set_hash,
        "entries": [msgspec.to_builtins(entry) for entry in sorted(rules.entries, key=lambda e: e.id)],
        "bodies": {key: msgspec.to_builtins(body) for key, body in sorted(rules.bodies.items())},
    }


def from_json(found: Mapping[str, Any]) -> Rules:
    """The rules of a manifest. Raises msgspec.ValidationError; ValueError where a body is not what its hash says."""
    bodies = msgspec.convert(found["bodies"], dict[str, RuleBody])
    if any(rule_hash(body) != key for key, body in bodies.items()):
        raise ValueError("a rule in it is not the one that its hash names")
    return Rules(msgspec.convert(found["entries"], list[RuleEntry]), bodies)
