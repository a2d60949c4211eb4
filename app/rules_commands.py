"""`tapewatch rules`: what a file's rules are, and putting them into force."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from app.settings import Settings, SettingsError
from engine.rules.body import rules_of
from engine.rules.plan import compile_rule_set
from infra.kafka.rules import RuleLog
from schemas.rule import RuleBody, RuleEntry, RuleError, rule_set_hash
from schemas.rule_file import load_rule_file


def read(path: Path) -> tuple[list[RuleEntry], dict[str, RuleBody]]:
    """The entries and bodies of a file. Raises SettingsError for one that cannot be read, RuleError for its rules."""
    try:
        document = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    entries, bodies = rules_of(load_rule_file(document))
    compile_rule_set(rule_set_hash(entries), entries, bodies)
    return entries, bodies


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
