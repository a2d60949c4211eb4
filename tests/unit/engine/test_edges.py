"""Rules that are told when they become true: what counts as becoming, for symbols that are new and for those that a new
rule finds."""

from collections.abc import Callable

import pytest

from schemas.control import encode_rule_set_switch
from schemas.rule import BECOMES_TRUE, RuleBody
from tests.support.lab import DAY, MINUTE, SECOND, SYMBOL, Lab, utc
from tests.support.markets import new_york

TEN = utc("2025-11-05T10:00:00")
Between = Callable[[Lab], None]


def nothing(lab: Lab) -> None:
    """It goes on."""
    del lab


BETWEEN: tuple[Between, ...] = (nothing, Lab.restart)
"""What happens between two records changes nothing."""


def rule(expression: str, rearm: str = "") -> dict[str, RuleBody]:
    return {"r": RuleBody(expression, BECOMES_TRUE, 0, rearm=rearm)}


def told(lab: Lab, prices: tuple[float, ...], between: Between, start: int = TEN) -> list[int]:
    """The places of the prices, traded a second apart, that the rule fires on."""
    for place, price in enumerate(prices):
        lab.trade(start + place * SECOND, price)
        between(lab)
    return [(ts - start) // SECOND for ts in lab.fired("r") if ts >= start]


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize(
    ("prices", "places"),
    [
        ((6, 7, 6), [0]),
        ((4, 6, 7), [1]),
        ((6, 4, 6, 6, 5, 6), [0, 2, 5]),
        ((4, 4), []),
    ],
)
def test_a_new_symbol_is_untrue_before_its_first_row(
    prices: tuple[float, ...], places: list[int], between: Between
) -> None:
    assert told(Lab(rule("price > 5")), prices, between) == places


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize(
    ("before", "prices", "places"),
    [
        (6, (6, 7, 4, 6), [3]),
        (4, (6, 4, 6), [2]),
        (6, (4, 6), [1]),
    ],
)
def test_a_new_rule_takes_the_first_row_of_a_symbol_it_finds_as_what_was(
    before: float, prices: tuple[float, ...], places: list[int], between: Between
) -> None:
    lab = Lab(rule("price > 1e9"))
    lab.trade(TEN, before)
    lab.switch(rule("price > 5"))
    between(lab)
    assert told(lab, prices, between, TEN + SECOND) == places


@pytest.mark.parametrize("between", BETWEEN)
def test_a_rule_that_stays_goes_on_over_a_change_of_the_set(between: Between) -> None:
    lab = Lab(rule("price > 5"))
    assert told(lab, (4,), between) == []
    lab.switch(rule("price > 5") | {"other": RuleBody("price > 1", BECOMES_TRUE, 0)})
    between(lab)
    assert told(lab, (6, 6), between, TEN + MINUTE) == [0]


def test_a_symbol_of_the_same_chunk_is_new_where_it_stands_behind_the_rule_and_known_where_before() -> None:
    for known_before, fires in ((False, 1), (True, 0)):
        lab = Lab()
        switch = encode_rule_set_switch(lab.sets.add(rule("price > 5")), 1)
        first, second = ({"symbol": SYMBOL, "ts": TEN + n, "price": 6, "size": 1} for n in (0, 1))
        if known_before:
            lab.send(first, switch, second)
        else:
            lab.send(switch, first, second)
        assert len(lab.fired("r")) == fires


@pytest.mark.parametrize("between", BETWEEN)
def test_a_gap_at_the_first_trade_of_a_symbol_is_told(between: Between) -> None:
    lab = Lab(rule("gap_pct >= 3"))
    day = {"open": 100, "high": 100, "low": 100, "close": 100, "volume": 1}
    lab.send({"symbol": SYMBOL, "kind": "daily", "ts": TEN - DAY, **day})
    between(lab)
    assert told(lab, (104, 105), between) == [0]


@pytest.mark.parametrize("between", BETWEEN)
def test_what_was_true_is_told_again_when_it_has_had_no_value_between(between: Between) -> None:
    """Each day's opening range is a new one; yesterday ended above its own."""
    lab = Lab(rule("price > opening_range_high(5m)"))
    fired = []
    for day in ("2025-11-03", "2025-11-04"):
        for at, price in (("09:31:00", 100), ("09:35:00", 101), ("09:36:00", 102), ("15:59:00", 103)):
            ts = new_york(f"{day}T{at}")
            lab.trade(ts, price, symbol="AAA")
            between(lab)
            fired += [at for one in lab.fired("r") if one == ts]
    assert fired == ["09:35:00", "09:35:00"]


@pytest.mark.parametrize("between", BETWEEN)
def test_a_first_value_after_a_warm_up_is_news_of_a_new_symbol_alone(between: Between) -> None:
    """The rule needs two closes that it has seen; they are above 5 all along."""
    held = rule("for_last(2, close(1m) + 0 * vwap > 5)")
    for is_new in (True, False):
        lab = Lab(held if is_new else rule("price > 1e9"))
        if not is_new:
            lab.trade(TEN - MINUTE, 6)
            lab.switch(held)
        for minute in range(4):
            lab.trade(TEN + minute * MINUTE, 6)
            between(lab)
        assert len(lab.fired("r")) == is_new


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize(
    ("prices", "places"),
    [((6, 4, 6, 2, 6), [0, 4]), ((4, 6, 4, 6), [1]), ((2, 6, 6), [1])],
)
def test_a_rule_with_a_rearm_condition_waits_for_it(
    prices: tuple[float, ...], places: list[int], between: Between
) -> None:
    assert told(Lab(rule("price > 5", rearm="price < 3")), prices, between) == places


@pytest.mark.parametrize("between", BETWEEN)
def test_no_value_rearms_nothing_where_there_is_a_rearm_condition(between: Between) -> None:
    lab = Lab(rule("price > 5 and trade_size > 0", rearm="price < 3"))
    assert told(lab, (6,), between) == [0]
    lab.beat(TEN + 10 * MINUTE)
    assert told(lab, (6,), between, TEN + 11 * MINUTE) == []
