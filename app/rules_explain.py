"""`tapewatch rules explain`: what a file's rules make the engine compute and remember, for people or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from app.rules_commands import read
from engine.rules.cost import MetricCost, PlanCost, ScopeCost, SymbolBytes, UniverseCost, plan_cost
from engine.rules.plan import compile_rule_set
from schemas.rule import RuleError, rule_set_hash

MOST_THRESHOLDS: Final = 4
MOST_NAMES: Final = 8
Row = Sequence[object]


def explain(path: Path, as_json: bool) -> int:
    """Print the plan of a file's rules and what it costs; 1 where they cannot run."""
    try:
        entries, bodies = read(path)
    except RuleError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    cost = plan_cost(compile_rule_set(rule_set_hash(entries), entries, bodies))
    if as_json:
        print(json.dumps({"file": str(path), **asdict(cost)}, indent=2))
    else:
        print("\n".join(_lines(path, cost)))
    return 0


def _lines(path: Path, cost: PlanCost) -> Iterable[str]:
    yield f"{path}: {_counted(cost.rules, 'enabled rule')}, set {cost.set_hash}"
    yield from _section("tried at", _scope_rows(cost.scopes))
    yield "  work: passes over the rows, at most; a column that no rule can be true with is not computed"
    yield from _section("for some symbols only", [_universe_row(one) for one in cost.universes])
    yield from _section(f"{_counted(len(cost.metrics), 'metric')}", [_metric_row(one) for one in cost.metrics])
    shared = [(one.expression, _counted(one.rules, "rule")) for one in cost.shared]
    yield from _section("computed once for several rules", shared)
    windows = [
        (
            one.expression,
            f"{_counted(one.bars, 'bar')} of {one.timeframe}",
            f"{one.remembered} values recorded" if one.remembered else "from the ring",
            f"{one.state_bytes:,} bytes",
        )
        for one in cost.windows
    ]
    yield from _section("windows over the bars before", windows)
    rings = [
        (one.timeframe, f"{one.bars} bars", f"held {one.held}", f"{one.state_bytes:,} bytes") for one in cost.rings
    ]
    yield from _section("rings of closed bars", rings)
    yield from _bytes(cost.symbol_bytes)


def _scope_rows(scopes: Iterable[ScopeCost]) -> Iterable[Row]:
    for one in scopes:
        other = f", {_counted(one.other, 'other condition')}" if one.other else ""
        edges = f" ({one.edge_rules} on becoming true)" if one.edge_rules else ""
        yield (
            one.at,
            f"{_counted(one.rules, 'rule')}{edges}",
            f"{_counted(one.columns, 'column')}, {_counted(one.comparisons, 'comparison')}{other}",
            f"{one.nodes} expressions, work {one.work}",
        )


def _universe_row(one: UniverseCost) -> Row:
    without = f" but {_listed(one.without, MOST_NAMES)}" if one.without else ""
    tagged = f" tagged {_listed(one.tags, MOST_NAMES, ' or ')}" if one.tags else ""
    untagged = f" not tagged {_listed(one.without_tags, MOST_NAMES, ' or ')}" if one.without_tags else ""
    names = f"{_listed(one.symbols, MOST_NAMES) or 'all'}{without}"
    return (
        f"{names}{tagged}{' and' if tagged and untagged else ''}{untagged}",
        f"rules {_listed(one.rules, MOST_NAMES)}",
    )


def _listed(names: Sequence[str], most: int, between: str = ", ") -> str:
    return between.join([*names[:most], *(["..."] if len(names) > most else [])])


def _metric_row(one: MetricCost) -> Row:
    return (
        one.name,
        _counted(one.rules, "rule"),
        f"at {' and '.join(one.computed_at)}",
        "another at each trade" if one.moves else "another at each close",
        f"{len(one.thresholds)}: {_listed(one.thresholds, MOST_THRESHOLDS)}" if one.thresholds else "no thresholds",
        f"{one.state_bytes:,} bytes",
    )


def _bytes(size: SymbolBytes) -> Iterable[str]:
    parts = (
        ("rings", size.rings_added),
        ("metrics", size.metrics),
        ("recorded values", size.series),
        ("rows before", size.rows_before),
        ("fires", size.fires),
    )
    yield "bytes of state a symbol"
    yield f"  because of these rules: {size.of_rules:,} ({', '.join(f'{name} {count:,}' for name, count in parts)})"
    yield f"  rings that are always held: {size.rings_always:,}; slots that no bar has reached take no memory"
    yield f"  for 10,000 symbols: {size.of_rules * 10_000 / 1e6:,.1f} MB because of these rules"


def _section(title: str, rows: Iterable[Row]) -> Iterable[str]:
    texts = [[str(cell) for cell in row] for row in rows]
    if not texts:
        return
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    yield title
    for row in texts:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
