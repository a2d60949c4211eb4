"""One plan for all rules of a set: every metric once, every comparison once, rules as lists of comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.indicators.declare import MetricCall
from engine.rules.language import Condition, parse_expression
from engine.segments import Index
from schemas.batch import F64
from schemas.rule import EACH_ROW, OPERATORS, RuleBody, RuleEntry, RuleError


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """A rule: `leaves` count into the plan's comparisons, in the order the rule has them."""

    id: str
    hash: str
    name: str
    version: int
    trigger: str
    cooldown_ns: int
    leaves: tuple[int, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What its memory goes by."""
        return self.id, self.hash


@dataclass(frozen=True, slots=True)
class Plan:
    """Comparison i is `metrics[leaf_metric[i]] OPERATORS[leaf_operator[i]] leaf_bound[i]`; the leaves of rule r are
    `rule_leaves[rule_start[r]:]`."""

    set_hash: str
    metrics: tuple[MetricCall, ...]
    leaves: tuple[Condition, ...]
    leaf_metric: Index
    leaf_operator: Index
    leaf_bound: F64
    rules: tuple[PlannedRule, ...]
    rule_leaves: Index
    rule_start: Index


def compile_rule_set(set_hash: str, entries: Sequence[RuleEntry], bodies: Mapping[str, RuleBody]) -> Plan:
    """The plan of a set. RuleError for a body that is missing or that this version cannot run."""
    leaves: dict[Condition, int] = {}
    rules = []
    for entry in sorted(entries, key=lambda e: e.id):
        body = bodies.get(entry.hash)
        if body is None:
            raise RuleError(entry.id, f"the body {entry.hash} is missing")
        if body.trigger != EACH_ROW:
            raise RuleError(entry.id, f"unknown trigger {body.trigger!r}")
        conditions = parse_expression(body.expression, entry.id)
        numbers = tuple(leaves.setdefault(c, len(leaves)) for c in conditions)
        rules.append(
            PlannedRule(entry.id, entry.hash, entry.name, entry.version, body.trigger, body.cooldown_ns, numbers)
        )
    metrics = {call: i for i, call in enumerate(dict.fromkeys(leaf.metric for leaf in leaves))}
    lengths = [len(rule.leaves) for rule in rules]
    return Plan(
        set_hash=set_hash,
        metrics=tuple(metrics),
        leaves=tuple(leaves),
        leaf_metric=np.array([metrics[leaf.metric] for leaf in leaves], np.intp),
        leaf_operator=np.array([OPERATORS.index(leaf.operator) for leaf in leaves], np.intp),
        leaf_bound=np.array([leaf.bound for leaf in leaves], np.float64),
        rules=tuple(rules),
        rule_leaves=np.array([leaf for rule in rules for leaf in rule.leaves], np.intp),
        rule_start=np.cumsum([0, *lengths])[:-1].astype(np.intp) if rules else np.empty(0, np.intp),
    )


NO_RULES = compile_rule_set("", (), {})
