"""`tapewatch metrics`, and the page that is written by it."""

from pathlib import Path

import pytest

from app import metrics_commands
from app.cli import main
from engine.indicators.catalogue import DECLARATIONS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


def test_the_page_of_the_documentation_is_as_the_declarations_are() -> None:
    assert PAGE.read_text() == metrics_commands.page(), "write it anew: tapewatch metrics page > docs/metrics.md"


def test_every_metric_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.partition("(")[0].split()[0] for line in listed] == [one.name for one in DECLARATIONS]


def test_one_is_described_with_its_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "describe", "rsi"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("rsi(n=14, timeframe=1m): Wilder's relative strength index")
    assert "unit: 0-100" in told
    assert "source: TA-Lib RSI" in told


def test_an_unknown_one_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "describe", "rsj"]) == 1
    assert capsys.readouterr().err == "there is no metric 'rsj'; did you mean rsi?\n"
