"""Every metric there is, at every row of a few random markets: the engine says what its twin says."""

import msgspec
import pytest

from schemas.alert import AlertBody
from tests.support.engine_runs import RuleSets, engine_outcome, random_cuts, twin_outcome
from tests.support.markets import Market
from tests.support.random_rules import METRICS

NEVER = -123_456.5
"""A bound that no figure equals, so that a rule fires wherever its metric exists."""


def _figures(bodies: list[bytes]) -> dict[tuple[str, str, int, int], float | None]:
    """By metric, symbol and row."""
    alerts = [msgspec.json.decode(body, type=AlertBody) for body in bodies]
    leaves = [(alert, alert.explanation[0]) for alert in alerts]
    return {(leaf.expression, alert.symbol, alert.ts, alert.ordinal): leaf.value for alert, leaf in leaves}


@pytest.mark.parametrize("seed", [6, 8, 10])
def test_engine_and_twin_agree_on_every_metric(seed: int) -> None:
    sets = RuleSets()
    names = [name for name, _ in METRICS]
    chosen = (names, names[::2], names)
    keys = [sets.add({name: (f"{name} != {NEVER}", 0) for name in some}) for some in chosen]
    records = Market(seed, keys, pace=(0.3, 3.0, 40.0)[seed % 3]).records(160)
    engine = _figures(engine_outcome(records, sets, random_cuts(seed, len(records), 6)).alerts)
    twin = _figures(twin_outcome(records, sets).alerts)
    assert len({metric for metric, *_ in engine}) > len(names) / 2
    assert {key for key in engine.keys() | twin.keys() if engine.get(key) != twin.get(key)} == set()
