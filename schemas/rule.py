"""A rule as people write it (the seed format), as it is stored (one normal form, named by its hash), and sets of
them."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal

import msgspec

OPERATORS: Final = (">", "<", ">=", "<=", "==", "!=")

EACH_ROW: Final = "each_row"
BECOMES_TRUE: Final = "becomes_true"
ONCE_PER_BAR: Final = "once_per_bar"
ONCE_PER_SESSION: Final = "once_per_session"
BAR_CLOSE: Final = "bar_close"
TRIGGERS: Final = (EACH_ROW, BECOMES_TRUE, ONCE_PER_BAR, ONCE_PER_SESSION, BAR_CLOSE)


MAX_VERSION: Final = 2**31 - 1
MAX_SYMBOLS: Final = 1_000
MAX_TAGS_NAMED: Final = 100

During = Literal["premarket", "market", "postmarket", "all"]


class RuleError(ValueError):
    """A rule that cannot be accepted. `where` is a path such as `rules[2].conditions[0].metric` or a column in an
    expression."""

    def __init__(self, where: str, reason: str) -> None:
        """Shown as `where: reason`."""
        super().__init__(f"{where}: {reason}")
        self.where, self.reason = where, reason


class SeedCondition(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`metric operator value`; `op` is an older spelling of `operator`.

    `timeframe`: of the metric. `calculated_during`: the session that the rule holds in. `volume_threshold`: the day's
    volume that there must have been. `value_type`: what the value counts, to be checked.
    """

    metric: str
    operator: str | None = None
    op: str | None = None
    value: float
    timeframe: str | None = None
    calculated_during: During | None = None
    volume_threshold: float | None = None
    value_type: Literal["$", "%"] | None = None


class Runaway(msgspec.Struct, forbid_unknown_fields=True):
    """So many fires of a symbol within so many minutes mute the rule for it."""

    fires: int
    minutes: float


SymbolList = Annotated[list[str], msgspec.Meta(max_length=MAX_SYMBOLS)]
TagList = Annotated[list[str], msgspec.Meta(max_length=MAX_TAGS_NAMED)]


class SeedUniverse(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which symbols a rule is for: `symbols` and those that fit one of `patterns` (`*` any text, `?` one character),
    all of them where neither is given, but never those of `exclude`, names or patterns; of these, symbols that have at
    least one of `tags`, where any are given, and none of `exclude_tags`. And which rows: those with the price and the
    volume of the day so far within the bounds."""

    symbols: SymbolList | None = None
    patterns: SymbolList | None = None
    exclude: SymbolList = []
    tags: TagList | None = None
    exclude_tags: TagList = []
    min_price: float | None = None
    max_price: float | None = None
    min_volume: float | None = None


class SeedRule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`conditions` that must all hold, or an `expression`, or both. `cooldown` in seconds (`cooldown_sec`,
    `cooldown_s`: other spellings).

    `calculated_during` and `volume_threshold`: of the rule as a whole. `universe`: all symbols where there is none.
    `trigger`: one of `TRIGGERS`, with the `timeframe` of those that have one, and the `rearm` expression of
    `becomes_true`. `expires_at`: seconds since 1970, no fire from then on. `max_fires`: per symbol.
    """

    id: str
    name: str = ""
    description: str = ""
    conditions: list[SeedCondition] = []
    expression: str | None = None
    calculated_during: During | None = None
    volume_threshold: float | None = None
    universe: SeedUniverse | None = None
    trigger: str | None = None
    timeframe: str | None = None
    rearm: str | None = None
    expires_at: float | None = None
    max_fires: int = 0
    runaway: Runaway | None = None
    cooldown: float | None = None
    cooldown_sec: float | None = None
    cooldown_s: float | None = None
    enabled: bool = True
    version: Annotated[int, msgspec.Meta(ge=0, le=MAX_VERSION)] = 1
    created_at: str | int | float | None = None
    updated_at: str | int | float | None = None


class TemplateRule(SeedRule, kw_only=True, forbid_unknown_fields=True):
    """A rule of an alert type. In files its `parameters` stand beside the other fields, and `timeframe` is one of them
    where the alert type has one; trigger, session and volume are those of the alert type unless given."""

    template: str
    parameters: dict[str, str | int | float] = {}


def changed(rule: SeedRule, **fields: object) -> SeedRule:
    """The rule with other values of some fields."""
    return msgspec.structs.replace(rule, **fields)


class RuleFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A file of rules: the rules, and formulas by name that they may use."""

    metrics: dict[str, str] = {}
    rules: list[SeedRule]


class Universe(msgspec.Struct, frozen=True, omit_defaults=True):
    """The symbols of a rule in normal form, each list sorted: `symbols` and those that fit one of `patterns` (all where
    both are empty), but for what `exclude` names or fits; of these, those that have one of `tags` (any where it is
    empty) and none of `exclude_tags`."""

    symbols: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()

    @property
    def is_by_tags(self) -> bool:
        """Whether symbols come into it and leave it, as their tags change."""
        return bool(self.tags or self.exclude_tags)


class RuleBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The normal form of a rule: two rules that mean the same have the same body. `expression` is canonical text of
    the rule language, and so is `rearm`. All limits are per symbol and in event time; 0: none.

    `timeframe`: of `once_per_bar` and `bar_close`. `expires_ns`: no fire from then on. `max_fires`: in all.
    `runaway_fires` within `runaway_ns` mute the rule. `universe`: None is all symbols.
    """

    expression: str
    trigger: str
    cooldown_ns: int
    timeframe: str = ""
    rearm: str = ""
    expires_ns: int = 0
    max_fires: int = 0
    runaway_fires: int = 0
    runaway_ns: int = 0
    universe: Universe | None = None


class RuleEntry(msgspec.Struct, frozen=True):
    """A rule in a set: its id and the hash of its body; name and version are for people."""

    id: str
    hash: str
    name: str
    version: int


class RuleSetPart(msgspec.Struct, frozen=True):
    """One chunk of a rule set record; a set is whole when all `parts` are there."""

    part: int
    parts: int
    entries: list[RuleEntry]


MAX_ENTRIES_PER_PART: Final = 2_000
_ENCODER: Final = msgspec.json.Encoder()


def encode_rule_body(body: RuleBody) -> bytes:
    """Canonical bytes, what the rule hash is over and what stands in the rules topic."""
    return _ENCODER.encode(body)


def decode_rule_body(value: bytes) -> RuleBody:
    """Raises msgspec.MsgspecError."""
    return msgspec.json.decode(value, type=RuleBody)


def rule_hash(body: RuleBody) -> str:
    """128-bit BLAKE2b of the canonical bytes, hex."""
    return hashlib.blake2b(encode_rule_body(body), digest_size=16).hexdigest()


def rule_set_hash(entries: list[RuleEntry]) -> str:
    """128-bit BLAKE2b over (id, hash) sorted by id, hex. Names and versions do not change it."""
    lines = "\n".join(f"{e.id}\t{e.hash}" for e in sorted(entries, key=lambda e: e.id))
    return hashlib.blake2b(lines.encode(), digest_size=16).hexdigest()


def rule_set_parts(entries: list[RuleEntry]) -> list[RuleSetPart]:
    """The set in chunks of bounded size, at least one."""
    ordered = sorted(entries, key=lambda e: e.id)
    chunks = [ordered[i : i + MAX_ENTRIES_PER_PART] for i in range(0, len(ordered), MAX_ENTRIES_PER_PART)] or [[]]
    return [RuleSetPart(i, len(chunks), chunk) for i, chunk in enumerate(chunks)]


def rule_set_key(set_hash: str, part: int) -> bytes:
    """Key of a chunk in the rule sets topic."""
    return f"{set_hash}/{part}".encode()
