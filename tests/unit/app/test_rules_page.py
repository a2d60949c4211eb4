"""What docs/rules.md shows can be run, and what it says is missing is."""

import re
from pathlib import Path

import pytest

from engine.rules.awaited import AWAITED
from engine.rules.body import rules_of
from engine.rules.names import NO_FORMULAS
from engine.rules.parser import parse_condition
from schemas.rule_file import load_rule_file
from tests.unit.engine.whole_rules import CATALOGUE

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "rules.md").read_text()
FILES: list[str] = re.findall(r"```json\n(.*?)```", PAGE + (ROOT / "README.md").read_text(), re.DOTALL)
TWELVE = re.findall(r"^\| (.*?) \| `(.*)` \|$", PAGE.partition("## Twelve rules")[2], re.MULTILINE)


@pytest.mark.parametrize("block", [block for block in FILES if "ts" not in block.split('"')])
def test_every_file_that_is_shown_is_rules(block: str) -> None:
    assert rules_of(load_rule_file(block.encode()))[0]


def test_the_twelve_are_those_that_are_shown_to_fire() -> None:
    shown = [parse_condition(expression, "r", NO_FORMULAS.named).text for _, expression in TWELVE]
    assert shown == [parse_condition(whole.expression, "r", NO_FORMULAS.named).text for whole in CATALOGUE]
    assert len(set(shown)) == 12


def test_what_is_missing_is_listed() -> None:
    listed = PAGE.partition("## Not there yet")[2].partition("## Twelve")[0]
    families = {"hours_since_news", "days_since_news", "bid_size", "ask_size", "spread_pct"}
    assert [name for name in AWAITED if f"`{name}`" not in listed and name not in families] == []
