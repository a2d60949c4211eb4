"""What a command was asked wrongly is said before it starts anything, and in one line."""

import os
import subprocess
import sys

import pytest

from app.cli import FAILED, WRONG_USE, main
from app.settings import variable


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--for", "0", "argument --for: 0 is not above 0 and at most 1,000,000,000"),
        ("--for", "nan", "argument --for: nan is not above 0"),
        ("--for", "soon", "argument --for: invalid float value: 'soon'"),
        ("--rate", "-5", "argument --rate: -5 is not above 0 and at most 100,000,000"),
        ("--symbols", "1000001", "argument --symbols: 1000001 is not above 0 and at most 1,000,000"),
        ("--symbols", "2.5", "argument --symbols: invalid int value: '2.5'"),
    ],
)
def test_a_demo_that_cannot_be_is_not_begun(
    capsys: pytest.CaptureFixture[str], option: str, value: str, message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", f"{option}={value}"])
    assert ended.value.code == WRONG_USE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("provider", "simm", "TAPEWATCH_PROVIDER='simm': unknown provider 'simm'; known are sim, file"),
        ("provider_options", '{"x": 1}', "TAPEWATCH_PROVIDER_OPTIONS='{\"x\": 1}': options of the provider: Object"),
    ],
)
def test_a_provider_that_cannot_be_is_said_with_the_setting_that_is_wrong(name: str, value: str, message: str) -> None:
    role = subprocess.run(
        [sys.executable, "-m", "app.cli", "ingest"],
        env=os.environ | {variable(name): value},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert role.returncode == WRONG_USE
    assert role.stderr.splitlines()[-1].startswith(f"tapewatch: {message}")


def test_a_reader_that_has_enough_is_no_fault() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "app.cli", "config"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as shown:
        assert shown.stdout is not None
        assert shown.stderr is not None
        shown.stdout.close()
        assert (shown.wait(), shown.stderr.read()) == (FAILED, b"")
