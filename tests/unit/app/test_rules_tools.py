"""`tapewatch templates`, `rules format` and `rules schema`, and the files that are written by them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import rules_schema, templates_commands
from app.cli import main
from app.demo import RULES
from engine.rules.body import rules_of
from engine.rules.templates.catalogue import TEMPLATES
from schemas.rule import rule_set_hash
from schemas.rule_file import load_rule_file

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_of_the_documentation_is_as_the_declarations_are() -> None:
    told = "write it anew: tapewatch templates page > docs/templates.md"
    assert (DOCS / "templates.md").read_text() == templates_commands.page(), told


def test_the_schema_is_as_the_types_are() -> None:
    told = "write it anew: tapewatch rules schema > docs/rules.schema.json"
    assert (DOCS / "rules.schema.json").read_text() == rules_schema.text(), told


def test_the_schema_has_every_alert_type_and_what_it_refers_to() -> None:
    schema = rules_schema.schema()
    definitions = schema["$defs"]
    assert set(TEMPLATES) < set(definitions)
    assert definitions["opening_range_breakout"]["properties"]["minutes"]["default"] == "5m"
    assert definitions["crossed_above"]["required"] == ["template", "level"]
    text = rules_schema.text()
    used = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert used <= set(definitions)


def test_every_alert_type_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.partition("(")[0].split()[0] for line in listed] == list(TEMPLATES)


def test_one_is_described_with_its_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "describe", "near_day_high"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("near_day_high(percent=0.5): The price is within")
    assert "volume_threshold: 25000\n  calculated_during: market\n  the other direction: near_day_low" in told


def test_an_unknown_one_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "describe", "inside_bra"]) == 1
    assert capsys.readouterr().err == "there is no alert type 'inside_bra'; did you mean inside_bar?\n"


def formatted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], document: bytes, *options: str
) -> tuple[int, str, str]:
    path = tmp_path / "rules.json"
    path.write_bytes(document)
    code = main(["rules", "format", str(path), *options])
    out, err = capsys.readouterr()
    return code, out, err.strip().removeprefix(f"{path}: ")


def set_of(document: bytes) -> str:
    return rule_set_hash(rules_of(load_rule_file(document))[0])


def test_the_normal_form_has_the_same_rules_and_is_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, once, _ = formatted(tmp_path, capsys, RULES.read_bytes())
    assert set_of(once.encode()) == set_of(RULES.read_bytes())
    assert formatted(tmp_path, capsys, once.encode()) == (0, once, "")


EVERYTHING = {
    "id": "r",
    "name": "n",
    "description": "d",
    "version": 3,
    "enabled": False,
    "expression": "price>2",
    "trigger": "becomes_true",
    "rearm": "price<1",
    "cooldown_s": 1.5,
    "expires_at": 1_800_000_000,
    "max_fires": 3,
    "runaway": {"fires": 5, "minutes": 1.5},
    "universe": {
        "symbols": ["X"],
        "patterns": ["A*"],
        "exclude": ["AA"],
        "tags": ["t"],
        "exclude_tags": ["e"],
        "max_price": 50,
    },
    "created_at": "2025-01-01",
}


def test_nothing_that_a_rule_says_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = formatted(tmp_path, capsys, json.dumps([EVERYTHING]).encode())
    changed = {
        "expression": "price > 2 and price <= 50",
        "rearm": "price < 1",
        "cooldown": 1.5,
        "universe": {"symbols": ["X"], "patterns": ["A*"], "exclude": ["AA"], "tags": ["t"], "exclude_tags": ["e"]},
    }
    kept = {name: value for name, value in EVERYTHING.items() if name != "cooldown_s"}
    assert json.loads(out) == [kept | changed]


def rule(**fields: Any) -> bytes:
    return msgspec.json.encode([{"id": "r", **fields}])


@pytest.mark.parametrize(
    ("expression", "conditions"),
    [
        ("rsi < 30", [("rsi_14", "<", 30)]),
        ("rsi(14, 5m) < 30 and volume > 1M", [("rsi_14_5m", "<", 30), ("volume", ">", 1_000_000)]),
        ("volume(5m) > 5 and volume_last(5m) > 5", [("volume(5m)", ">", 5), ("volume_last_5m", ">", 5)]),
        ("relative_volume > 150", [("relative_volume_1m", ">", 150)]),
        ("price - vwap > 0.5", [("price - vwap", ">", 0.5)]),
        ("change_pct(60s) >= 1.5", [("change_pct_60s", ">=", 1.5)]),
    ],
)
def test_a_list_of_comparisons_is_a_list_of_conditions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expression: str, conditions: list[tuple[str, str, float]]
) -> None:
    code, out, _ = formatted(tmp_path, capsys, rule(expression=expression), "--seed")
    expected = [dict(zip(("metric", "operator", "value"), one, strict=True)) for one in conditions]
    assert (code, json.loads(out)[0]["conditions"]) == (0, expected)
    assert set_of(out.encode()) == set_of(rule(expression=expression))


def test_a_session_is_that_of_a_condition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ('session == "pre" and price > 1', 'price > 1 and session == "pre"'):
        _, out, _ = formatted(tmp_path, capsys, rule(expression=text), "--seed")
        expected = [{"metric": "price", "operator": ">", "value": 1, "calculated_during": "premarket"}]
        assert json.loads(out)[0]["conditions"] == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("price > 1 or price < 0.5", "price > 1 or price < 0.5 is no comparison of a figure with a number"),
        ("price > vwap", "price > vwap is no comparison"),
        ("time_of_day > 09:45", "time_of_day > 09:45 is no comparison"),
        ('session == "closed"', 'session == "closed" is no comparison'),
        ('session == "pre"', "a session alone is no condition of a metric"),
        ('price > 1 and session == "pre" and session == "post"', "holds in two sessions at once"),
    ],
)
def test_what_is_no_list_of_conditions_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expression: str, reason: str
) -> None:
    code, out, err = formatted(tmp_path, capsys, rule(expression=expression), "--seed")
    assert (code, out) == (1, "")
    assert err.startswith(f"rules[0] (r): {reason}")
