"""Whatever stands in a file of rules, the answer is rules or a RuleError, and never anything else."""

import random
from typing import Any

import msgspec
import pytest

from app.demo import RULES
from engine.indicators.catalogue import CATALOGUE
from engine.rules.aliases import EXAMPLES
from engine.rules.body import rules_of
from engine.rules.functions import FUNCTIONS
from engine.rules.plan import compile_rule_set
from engine.rules.spelling import normal_file
from engine.rules.templates.catalogue import TEMPLATES
from schemas.rule import RuleError
from schemas.rule_file import load_rule_file

SEEDS, CASES = 20, 1_000
"""20,000 files."""

NAMES = [*CATALOGUE, *FUNCTIONS, *TEMPLATES, *EXAMPLES, "my_formula", "x"]
WORDS = ["and", "or", "not", "true", "(", ")", "[", "]", ",", "+", "-", "*", "/", ">", "<", ">=", "==", "!=", "%", "\n"]
VALUES = [
    "1",
    "0",
    "20",
    "5m",
    "1d",
    "60s",
    "10d",
    "0.5%",
    "75k",
    "1e400",
    "09:45",
    '"regular"',
    '"mon"',
    "99999999999",
    "é",
]
SCALARS: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    2.5,
    1e308,
    -1e308,
    10**30,
    "",
    "5m",
    "price",
    "market",
    "{x}",
    [],
    {},
    [[]],
]
DEMO: dict[str, Any] = msgspec.json.decode(RULES.read_bytes())


def text(rng: random.Random) -> str:
    """Words of the language, sometimes in an order that means something."""
    if rng.random() < 0.4:
        call = f"{rng.choice(NAMES)}({', '.join(rng.choice(VALUES) for _ in range(rng.randint(0, 3)))})"
        return f"{call} {rng.choice(WORDS)} {rng.choice([*NAMES, *VALUES])}"
    return " ".join(rng.choice(rng.choice((NAMES, WORDS, VALUES))) for _ in range(rng.randint(0, 12)))


def cut(rng: random.Random, whole: str) -> str:
    """A text with a piece of it gone, or another in its place."""
    at, length = rng.randint(0, len(whole)), rng.randint(0, 6)
    return whole[:at] + rng.choice(("", "(", ")", " or ", "[3]", "{}", "1", text(rng))) + whole[at + length :]


def changed(rng: random.Random, value: Any) -> Any:
    """The same with one thing in it changed."""
    if isinstance(value, dict) and value:
        key = rng.choice(list(value))
        kind = rng.random()
        if kind < 0.15:
            return {k: v for k, v in value.items() if k != key}
        if kind < 0.3:
            return value | {rng.choice([*value, *PARAMETERS]): rng.choice(SCALARS)}
        return value | {key: changed(rng, value[key])}
    if isinstance(value, list) and value:
        at = rng.randrange(len(value))
        return [*value[:at], changed(rng, value[at]), *value[at + 1 :]]
    if isinstance(value, str) and rng.random() < 0.7:
        return cut(rng, value)
    return rng.choice([*SCALARS, text(rng)])


PARAMETERS = [
    "template",
    "timeframe",
    "level",
    "minutes",
    "percent",
    "bars",
    "value_type",
    "rearm",
    "runaway",
    "expires_at",
    "universe",
]
UNIVERSE: dict[str, Any] = {
    "symbols": ["AAPL", "BRK.B"],
    "patterns": ["*-USD", "A?*"],
    "exclude": ["AAPL", "X*"],
    "min_price": 1,
    "max_price": 500.5,
    "min_volume": 1e5,
}


def document(rng: random.Random) -> bytes:
    """A file of up to three rules."""
    kind = rng.random()
    if kind < 0.05:
        universe = changed(rng, changed(rng, UNIVERSE))
        return msgspec.json.encode([{"id": "r", "expression": "price > 1", "universe": universe}])
    if kind < 0.3:
        return msgspec.json.encode([{"id": "r", "expression": text(rng)}])
    if kind < 0.4:
        return msgspec.json.encode(
            [{"id": "r", "template": rng.choice(list(TEMPLATES)), rng.choice(PARAMETERS): rng.choice(SCALARS)}]
        )
    if kind < 0.5:
        formulas = {rng.choice(("a", "b", "c")): text(rng) for _ in range(3)}
        return msgspec.json.encode(
            {"metrics": formulas | {"a": "b + c"}, "rules": [{"id": "r", "expression": "a > 1"}]}
        )
    rules = rng.sample(DEMO["rules"], rng.randint(1, 3))
    whole: Any = {"metrics": DEMO["metrics"], "rules": rules} if rng.random() < 0.8 else rules
    encoded = bytearray(msgspec.json.encode(changed(rng, whole)))
    if rng.random() < 0.1:
        encoded[rng.randrange(len(encoded))] = rng.randrange(256)
    return bytes(encoded)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_file_is_rules_or_an_error(seed: int) -> None:
    rng, accepted = random.Random(seed), 0
    for case in range(CASES):
        whole = document(rng)
        try:
            file = load_rule_file(whole)
            entries, bodies = rules_of(file)
            compile_rule_set("set", entries, bodies)
        except RuleError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}, case {case}: {whole!r}") from error
        accepted += 1
        again = load_rule_file(msgspec.json.encode(normal_file(file)))
        assert rules_of(again) == (entries, bodies), (seed, case, whole)
    assert accepted > CASES // 20


HUGE = b"1" + b"0" * 400


@pytest.mark.parametrize(
    "whole",
    [
        b"[" * 100_000,
        b'[{"template": "crossed_above", "level": ' + HUGE + b"}]",
        b'[{"template": "opening_range_breakout", "minutes": ' + HUGE * 20 + b"}]",
        b'[{"id": "r", "expression": "price > 1", "max_fires": ' + HUGE + b"}]",
        b'[{"id": "r", "expression": "price > 1", "version": ' + HUGE + b"}]",
        b'[{"id": "r", "conditions": [{"metric": "price", "op": ">", "value": ' + HUGE + b"}]}]",
        b'[{"id": "r", "expression": "price > 1", "runaway": {"fires": 5, "minutes": 1e308}}]',
        b'{"metrics": {"a": 5}, "rules": []}',
        b'{"metrics": [], "rules": []}',
        msgspec.json.encode({"metrics": {f"m_{i}x": f"m_{i + 1}x + m_{i + 1}x" for i in range(150)}, "rules": []}),
        msgspec.json.encode(
            {"metrics": {"m_99x": "price"} | {f"m_{i}x": f"m_{i + 1}x * m_{i + 1}x" for i in range(99)}, "rules": []}
        ),
    ],
    ids=range(11),
)
def test_what_is_too_large_is_an_error(whole: bytes) -> None:
    with pytest.raises(RuleError):
        rules_of(load_rule_file(whole))
