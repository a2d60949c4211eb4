"""`tapewatch rules`: what a file's rules are, and putting them into force."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from app.settings import Settings, SettingsError
from engine.rules.body import rules_of
from engine.rules.plan import compile_rule_set
from engine.rules.spelling import normal_file
from infra.kafka.rules import RuleLog
from schemas.rule import RuleBody, RuleEntry, RuleError, RuleFile, rule_set_hash
from schemas.rule_file import load_rule_file


def read(path: Path) -> tuple[list[RuleEntry], dict[str, RuleBody]]:
    """The entries and bodies of a file. Raises SettingsError for one that cannot be read, RuleError for its rules."""
    entries, bodies = rules_of(_file(path))
    compile_rule_set(rule_set_hash(entries), entries, bodies)
    return entries, bodies


def _file(path: Path) -> RuleFile:
    try:
        document = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    return load_rule_file(document)


def show_normal(path: Path, as_conditions: bool) -> int:
    """Print the file in normal form, which has the same rules to the last hash."""
    try:
        rules = normal_file(_file(path), as_conditions)
    except RuleError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(rules, indent=2, ensure_ascii=False))
    return 0


def check(path: Path) -> int:
    """Say what the file holds, or what is wrong with it."""
    try:
        entries, _ = read(path)
    except RuleError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    print(f"{path}: {len(entries)} enabled rules, set {rule_set_hash(entries)}")
    return 0


def apply(path: Path, settings: Settings) -> int:
    """Write the rules into the log and put them into force in every partition."""
    try:
        entries, bodies = read(path)
    except RuleError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    name, seq = asyncio.run(RuleLog(settings.bootstrap).apply(entries, bodies))
    print(f"{len(entries)} rules are in force: set {name}, seq {seq}")
    return 0
