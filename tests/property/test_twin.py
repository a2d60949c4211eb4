"""The engine on columns gives what a plain second engine gives, trade after trade: bars, alerts, explanations."""

import pytest

from schemas.alert import body_order
from schemas.bar import bar_order
from tests.support.engine_runs import Outcome, random_split, run_engine
from tests.support.markets import Market, make_market
from tests.support.twin import Twin, run_log
from tests.support.twin.rules import rules_of


def run_twin(market: Market) -> Outcome:
    twin = run_log(market.records, Twin(lambda name: rules_of(*market.sets[name])))
    symbols = [symbol for symbol, _ in twin.symbols.values()]
    return Outcome(
        sorted(twin.bars, key=bar_order),
        sorted(twin.alerts, key=body_order),
        len(twin.refused),
        twin.late,
        sum(symbol.amended for symbol in symbols),
        sum(symbol.duplicates for symbol in symbols),
    )


@pytest.mark.parametrize("seed", range(24))
def test_engine_and_twin_agree(seed: int) -> None:
    market = make_market(seed)
    twin = run_twin(market)
    engine = run_engine(market, random_split(market, seed, 400))
    assert engine.bars == twin.bars
    assert engine.alerts == twin.alerts
    assert engine == twin
