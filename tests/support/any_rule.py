"""Files that look like rules, most of them wrong in some way: what the reader of rules is tried with."""

import random
from typing import Any

import msgspec

from app.demo import RULES
from engine.indicators.catalogue import CATALOGUE
from engine.rules.aliases import EXAMPLES
from engine.rules.functions import FUNCTIONS
from engine.rules.templates.catalogue import TEMPLATES
from tests.support.grown_rule import condition

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
    "tags": ["sp500", "tech"],
    "exclude_tags": ["etf"],
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
        expression = text(rng) if kind < 0.2 else condition(rng, rng.randint(1, 4))
        return msgspec.json.encode([{"id": "r", "expression": expression}])
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
