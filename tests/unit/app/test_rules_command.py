"""`tapewatch rules check` says what a file's rules are, or where they are wrong and what may have been meant."""

from pathlib import Path

import msgspec
import pytest

from app.cli import main
from app.settings import variable

GOOD: dict[str, object] = {"id": "a", "conditions": [{"metric": "rsi_14", "operator": "<", "value": 30}]}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own settings have no part in it."""
    monkeypatch.delenv(variable("bootstrap"), raising=False)


def told(tmp_path: Path, capsys: pytest.CaptureFixture[str], document: bytes) -> tuple[int, str, str]:
    """Exit code, output, and the one line of error without the file's name."""
    path = tmp_path / "rules.json"
    path.write_bytes(document)
    code = main(["rules", "check", str(path)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err.strip().removeprefix(f"{path}: ")


def one(**changed: object) -> bytes:
    """A file of one rule with one condition, changed."""
    return msgspec.json.encode(
        [{"id": "a", "conditions": [{"metric": "price", "operator": ">", "value": 1} | changed]}]
    )


def test_good_rules_are_counted_and_their_set_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    off: dict[str, object] = GOOD | {"id": "b", "enabled": False}
    code, out, err = told(tmp_path, capsys, msgspec.json.encode([GOOD, off]))
    assert (code, err) == (0, "")
    assert "rules.json: 1 enabled rules, set " in out


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (one(metric="prise"), "rules[0].conditions[0].metric, column 1: unknown metric 'prise'; did you mean price?"),
        (
            one(metric="rsy_14"),
            "rules[0].conditions[0].metric, column 1: unknown metric 'rsy_14'; did you mean rsi_14?",
        ),
        (one(metric="ema(0, 1m)"), "rules[0].conditions[0].metric, column 1: ema: '0' is not a number of bars"),
        (one(metric="ema(5, 7m)"), "rules[0].conditions[0].metric, column 1: ema: '7m' is not a "),
        (one(operator="=>"), "rules[0].conditions[0].operator: unknown operator '=>'; known are > < >= <= == !="),
        (one(operator=None), "rules[0].conditions[0].operator: is missing"),
        (one(value="1"), "rules[0].conditions[0].value: Expected `float`, got `str`"),
        (one(value=None), "rules[0].conditions[0].value: Expected `float`, got `null`"),
        (b'[{"id":"a",}]', "file: not JSON: JSON is malformed: trailing comma in object (byte 11)"),
        (b"", "file: not JSON: Input data was truncated"),
        (b"{}", "file: needs a list of at most"),
        (msgspec.json.encode([GOOD, GOOD]), "rules[1].id: 'a' is empty or used twice"),
        (msgspec.json.encode([GOOD | {"conditions": []}]), "rules[0].conditions: 0 conditions; a rule has 1 to 64"),
        (
            msgspec.json.encode([GOOD | {"universe": {"exlude": ["A"]}}]),
            "rules[0].universe: Object contains unknown field `exlude`; did you mean exclude?",
        ),
        (
            msgspec.json.encode([GOOD | {"universe": {"symbols": ["*-USD"]}}]),
            "rules[0].universe.symbols[0]: '*-USD' is a pattern, and belongs under patterns",
        ),
        (msgspec.json.encode([GOOD | {"cooldown": -1}]), "rules[0].cooldown: -1.0 is not a number of seconds from 0"),
        (msgspec.json.encode([GOOD | {"cooldown": 1, "cooldown_s": 1}]), "rules[0].cooldown: is given twice"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], document: bytes, message: str
) -> None:
    code, out, err = told(tmp_path, capsys, document)
    assert (code, out) == (1, "")
    assert err.startswith(message)
    assert "\n" not in err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err == f"tapewatch: {tmp_path / 'none.json'}: No such file or directory\n"


def test_config_lists_settings_and_what_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable("partitions"), "9")
    monkeypatch.setenv(variable("api_token"), "hush")
    assert main(["config"]) == 0
    out = capsys.readouterr().out
    assert f"{variable('partitions')}=9 (default '4')" in out
    assert "hush" not in out


@pytest.mark.parametrize(("name", "value"), [("partitions", "x"), ("partitoins", "4"), ("bootstrap", "host:port")])
def test_a_bad_setting_ends_any_command_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(variable(name), value)
    assert main(["config"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"tapewatch: {variable(name)}")
    assert err.count("\n") == 1
