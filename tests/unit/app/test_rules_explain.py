"""`tapewatch rules explain` says what a plan computes and keeps: held against what a worker with these rules holds."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from app.cli import main
from app.rules_commands import read
from engine.memory import Stateful
from engine.partition import Partition
from engine.rules.plan import compile_rule_set
from infra.calendars import load_calendars
from schemas.batch import TickBatch, Trades
from schemas.control import Mark, RuleSetSwitch
from schemas.rule import rule_set_hash

RULES = [
    {"id": "a", "expression": "rsi(14, 5m) < 30 and close(5m) > 1.02 * ema(20, 5m) and relative_volume(2m) > 200"},
    {
        "id": "b",
        "trigger": "becomes_true",
        "rearm": "price < ema(20, 5m)",
        "expression": "rsi(14, 5m) < 25 and within_last(10, for_last(3, close(5m) > 1.02 * ema(20, 5m)))",
    },
    {
        "id": "c",
        "trigger": "bar_close",
        "timeframe": "5m",
        "expression": "crosses_above(close(5m), ema(20, 5m)) and sma(3, 1m) > highest(20, 5m)[1]",
    },
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The rules."""
    path = tmp_path / "rules.json"
    path.write_bytes(msgspec.json.encode(RULES))
    return path


@pytest.fixture
def found(file: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Their cost as JSON."""
    assert main(["rules", "explain", str(file), "--json"]) == 0
    cost: dict[str, Any] = json.loads(capsys.readouterr().out)
    return cost


def test_where_rules_are_tried(found: dict[str, Any]) -> None:
    rows, closes = found["scopes"]
    assert (rows["at"], rows["rules"], rows["edge_rules"]) == ("every row", 2, 1)
    assert (rows["columns"], rows["comparisons"], rows["other"]) == (2, 3, 2)
    assert (closes["at"], closes["rules"], closes["comparisons"], closes["other"]) == ("closes of 5m", 1, 0, 2)


def test_metrics_with_thresholds_and_what_is_shared(found: dict[str, Any]) -> None:
    metrics = {one["name"]: one for one in found["metrics"]}
    assert metrics["rsi(14, 5m)"]["thresholds"] == ["< 25", "< 30"]
    assert metrics["rsi(14, 5m)"]["computed_at"] == ["every row"]
    assert metrics["sma(3, 1m)"]["computed_at"] == ["closes of 5m"]
    assert metrics["ema(20, 5m)"]["rules"] == 3
    assert [one["expression"] for one in found["shared"]] == ["1.02 * ema(20, 5m)", "close(5m) > 1.02 * ema(20, 5m)"]
    windows = {one["expression"].partition("(")[0]: one for one in found["windows"]}
    assert (windows["within_last"]["bars"], windows["within_last"]["remembered"]) == (10, 10)
    rings = {one["timeframe"]: one["held"] for one in found["rings"]}
    assert rings == dict.fromkeys(("1m", "5m", "15m", "1h", "1d"), "always") | {"2m": "for these rules"}


def test_the_bytes_are_those_that_a_partition_holds(file: Path, found: dict[str, Any]) -> None:
    entries, bodies = read(file)
    key = rule_set_hash(entries)
    partition = Partition(0, None, load_calendars())
    switch = Mark(0, 0, RuleSetSwitch(key, 1))
    partition.step(TickBatch(Trades.empty(), [switch], [], 1, 0), {key: compile_rule_set(key, entries, bodies)})

    def held(one: Stateful) -> int:
        arrays = [getattr(group, name) for group in one.groups().values() for name in group.declared()]
        assert all(isinstance(array, np.ndarray) for array in arrays)
        return sum(array.nbytes // len(array) for array in arrays)

    sizes = {text: held(one) for text, one in partition.scanner.stateful().items()}
    said, metrics = found["symbol_bytes"], partition.scanner.metrics
    assert said["metrics"] == sum(size for text, size in sizes.items() if text in metrics)
    fires = sum(size for text, size in sizes.items() if text.startswith("fires of"))
    assert said["fires"] == fires + 2 * 8, "what rules on no edge remember comes with their first fire"
    assert said["series"] == sum(size for text, size in sizes.items() if " at 5m x " in text)
    assert said["rows_before"] == sum(size for text, size in sizes.items() if text.endswith((" on rows", " on 5m")))
    ring = next(one for one in found["rings"] if one["timeframe"] == "2m")
    assert said["rings_added"] == ring["state_bytes"]
    history = partition.state.history["2m"]
    assert ring["state_bytes"] == sum(field.nbytes // field.shape[1] for field in history._fields.values())


def test_people_can_read_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "explain", str(file)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{file}: 3 enabled rules, set ")
    assert "closes of 5m  1 rule" in out
    assert "2: < 25, < 30" in out
    assert "for 10,000 symbols: 12" in out


def test_what_is_for_some_symbols_only_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    some = {"symbols": [f"S{number}" for number in range(10)], "min_price": 5}
    rules = [{**RULES[0], "universe": some}, {**RULES[1], "universe": {"exclude": ["*-USD"]}}, RULES[2]]
    path = tmp_path / "rules.json"
    path.write_bytes(msgspec.json.encode([*rules, {**RULES[0], "id": "d", "universe": some}]))
    assert main(["rules", "explain", str(path)]) == 0
    out = capsys.readouterr().out
    assert "for some symbols only\n  S0, S1, S2, S3, S4, S5, S6, S7, ...  rules a, d\n  all but *-USD" in out
    assert main(["rules", "explain", str(path), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["universes"]
    tags: dict[str, list[str]] = {"tags": [], "without_tags": []}
    assert first == {"symbols": some["symbols"], "without": [], "rules": ["a", "d"]} | tags
    assert second == {"symbols": [], "without": ["*-USD"], "rules": ["b"]} | tags


@pytest.mark.parametrize(
    ("universe", "shown"),
    [
        ({"tags": ["tech", "sp500"]}, "all tagged sp500 or tech  rules a\n"),
        ({"exclude_tags": ["etf"]}, "all not tagged etf  rules a\n"),
        (
            {"patterns": ["A*"], "exclude": ["AA"], "tags": ["tech"], "exclude_tags": ["etf", "x"]},
            "A* but AA tagged tech and not tagged etf or x  rules a\n",
        ),
    ],
)
def test_tags_are_told_beside_the_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], universe: dict[str, list[str]], shown: str
) -> None:
    path = tmp_path / "rules.json"
    path.write_bytes(msgspec.json.encode([{**RULES[0], "universe": universe}]))
    assert main(["rules", "explain", str(path)]) == 0
    assert f"for some symbols only\n  {shown}" in capsys.readouterr().out
    assert main(["rules", "explain", str(path), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["universes"]
    assert (found["tags"], found["without_tags"]) == (
        sorted(universe.get("tags", [])),
        sorted(universe.get("exclude_tags", [])),
    )


def test_rules_that_cannot_run_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.json").write_text('[{"id": "a", "expression": "prise > 3"}]')
    assert main(["rules", "explain", str(tmp_path / "bad.json")]) == 1
    assert "did you mean price?" in capsys.readouterr().err
    (tmp_path / "none.json").write_text("[]")
    assert main(["rules", "explain", str(tmp_path / "none.json")]) == 0
    assert "0 enabled rules" in capsys.readouterr().out
