"""When a rule fires, how its cooldown counts, what an alert says, and its id."""

import hashlib
import json

import pytest

from schemas.alert import AlertBody, encode_body
from schemas.rule import RuleBody, rule_hash
from tests.support.lab import MINUTE, SECOND, SYMBOL, VOLUME_ONLY, Lab, utc

TEN = utc("2025-11-05T10:00:00")


def bodies(lab: Lab, rule_id: str = "r") -> list[AlertBody]:
    return [alert.body for alert in lab.alerts if alert.body.rule_id == rule_id]


@pytest.mark.parametrize(("after", "fires"), [(0, 1), (10 * SECOND - 1, 1), (10 * SECOND, 2), (11 * SECOND, 2)])
@pytest.mark.parametrize("together", [False, True])
def test_a_rule_fires_again_a_cooldown_after_it_fired(after: int, fires: int, together: bool) -> None:
    lab = Lab({"r": ("price > 5.0", 10 * SECOND)})
    ticks = [{"symbol": SYMBOL, "ts": TEN + since, "price": 10, "size": 1} for since in (0, after)]
    if together:
        lab.send(*ticks)
    else:
        lab.send(ticks[0])
        lab.send(ticks[1])
    assert len(lab.fired("r")) == fires


def test_a_cooldown_counts_from_the_fire_and_not_from_rows_that_would_have_fired() -> None:
    lab = Lab({"r": ("price > 5.0", 10 * SECOND)})
    for second in range(0, 31, 3):
        lab.trade(TEN + second * SECOND, 10)
    assert [(ts - TEN) // SECOND for ts in lab.fired("r")] == [0, 12, 24]


def test_without_cooldown_every_true_row_fires() -> None:
    lab = Lab({"r": ("price > 5.0", 0)})
    for price in (10, 1, 10, 10):
        lab.trade(TEN, price)
    assert [(body.ts, body.ordinal) for body in bodies(lab)] == [(TEN, 0), (TEN, 2), (TEN, 3)]


def test_cooldowns_are_kept_by_symbol_and_rule() -> None:
    lab = Lab({"r": ("price > 5.0", MINUTE), "s": ("price > 5.0", MINUTE)})
    for symbol in (SYMBOL, "B-USD", SYMBOL):
        lab.trade(TEN, 10, symbol=symbol)
    fired = [(alert.body.symbol, alert.body.rule_id) for alert in lab.alerts]
    assert sorted(fired) == [(symbol, rule) for symbol in (SYMBOL, "B-USD") for rule in "rs"]


@pytest.mark.parametrize(
    ("operator", "fires"),
    [(">", [11]), ("<", [9]), (">=", [10, 11]), ("<=", [9, 10]), ("==", [10]), ("!=", [9, 11])],
)
def test_operators(operator: str, fires: list[float]) -> None:
    lab = Lab({"r": (f"price {operator} 10.0", 0)})
    for price in (9, 10, 11):
        lab.trade(TEN, price)
    assert [body.price for body in bodies(lab)] == fires


@pytest.mark.parametrize("operator", [">", "<", ">=", "<=", "==", "!="])
def test_null_is_never_true(operator: str) -> None:
    lab = Lab({"r": (f"sma(2, 1m) {operator} 10.0", 0), "p": ("price > 0.0", 0)})
    lab.trade(TEN, 10)
    assert (len(lab.fired("r")), len(lab.fired("p"))) == (0, 1)


def test_all_conditions_must_hold() -> None:
    lab = Lab({"r": ("price > 5.0 and volume(1m) >= 3.0", 0)})
    for price, size in ((10, 2), (4, 2), (6, 1)):
        lab.trade(TEN, price, size)
    (body,) = bodies(lab)
    assert [(leaf.expression, leaf.value, leaf.operator, leaf.bound, leaf.verdict) for leaf in body.explanation] == [
        ("price", 6, ">", 5, True),
        ("volume(1m)", 5, ">=", 3, True),
    ]


def test_a_condition_says_which_bars_it_is_of() -> None:
    windowed = "for_last(1, price > 1) and not (close(5m)[1] > 99 or change_pct(60s) > 9) and trades(15m) > 0"
    lab = Lab({"r": (f"price > 5 and sma(2, 1m) < 2 * open(5m) and {windowed}", 0)})
    for minute in (0, 1, 7):
        lab.trade(TEN + minute * MINUTE, 10)
    lab.beat(TEN + 16 * MINUTE)
    found = bodies(lab)
    started = {"1m": TEN + 7 * MINUTE, "5m": TEN + 5 * MINUTE}
    price, average, windowed_leaf, negated, trades = found[0].explanation
    assert (found[0].ts, price.bars, average.bars) == (TEN + 7 * MINUTE, {}, started)
    assert (windowed_leaf.bars, trades.bars) == ({"1m": started["1m"]}, {"15m": TEN})
    assert (negated.bars, [part.bars for part in negated.parts[0].parts]) == ({}, [{"5m": started["5m"]}, {}])
    assert found[-1].ts == TEN + 15 * MINUTE - 1, "the 15m bar closes; of the others, closed ones are the newest"
    assert found[-1].explanation[1].bars == started


def test_a_condition_on_a_timeframe_without_bars_says_nothing_of_them() -> None:
    lab = Lab({"r": ("is_null(close(1d)) and is_null(rsi(2, 1m))", 0)})
    lab.trade(TEN, 10, flags=VOLUME_ONLY)
    (body,) = bodies(lab)
    assert [leaf.bars for leaf in body.explanation] == [{}, {}]


def test_a_bar_close_is_a_row_just_before_the_end_with_the_figures_before_the_close() -> None:
    lab = Lab({"r": ("trades(1m) == 2.0", 0)})
    lab.trade(TEN, 10)
    lab.trade(TEN + SECOND, 11)
    lab.trade(TEN + 5 * MINUTE, 12)
    assert [(body.ts, body.ordinal, body.price) for body in bodies(lab)] == [
        (TEN + SECOND, 0, 11),
        (TEN + MINUTE - 1, 0, 11),
        (TEN + 2 * MINUTE - 1, 0, 11),
        (TEN + 5 * MINUTE - 1, 0, 11),
    ]
    closes = [alert for alert in lab.alerts if alert.index == -1]
    assert [(alert.offset, alert.body.ts) for alert in closes] == [
        (3, TEN + minutes * MINUTE - 1) for minutes in (1, 2, 5)
    ]


def test_rows_of_one_time_are_told_apart_by_their_ordinal() -> None:
    lab = Lab({"r": ("price > 0.0", 0)})
    lab.trade(TEN + 5 * MINUTE - 1, 10)
    lab.beat(TEN + 5 * MINUTE)
    assert [(body.ts, body.ordinal) for body in bodies(lab)] == [(TEN + 5 * MINUTE - 1, i) for i in range(3)]


def test_rows_never_go_back_in_time() -> None:
    lab = Lab({"r": ("price > 0.0", 0)})
    for second in (5, 3, 4, 6):
        lab.trade(TEN + second * SECOND, 10)
    assert [((body.ts - TEN) // SECOND, body.ordinal) for body in bodies(lab)] == [(5, 0), (5, 1), (5, 2), (6, 0)]


def test_an_older_trade_sets_no_price() -> None:
    lab = Lab({"r": ("price > 0.0", 0)})
    for second, price in ((5, 10), (3, 11), (5, 12)):
        lab.trade(TEN + second * SECOND, price)
    assert [body.price for body in bodies(lab)] == [10, 10, 12]


def identity(*parts: bytes) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        hasher.update(len(part).to_bytes(4, "little") + part)
    return hasher.hexdigest()


def test_the_id_is_made_of_the_rule_the_row_and_the_trade() -> None:
    lab = Lab({"r": ("price > 0.0", 0)})
    lab.trade(TEN, 10, id="7", exchange="N")
    lab.trade(TEN, 10)
    with_id, without = bodies(lab)
    hashed = rule_hash(RuleBody("price > 0", "each_row", 0))
    common = (b"r", hashed.encode(), SYMBOL.encode(), b"each_row", str(TEN).encode())
    assert with_id.id == identity(*common, b"N|7".ljust(15, b"\0") + b"\1")
    assert without.id == identity(*common, b"1")
    assert (with_id.rule_hash, without.rule_hash) == (hashed, hashed)


def test_the_same_log_gives_the_same_ids_and_no_id_twice() -> None:
    runs = []
    for _ in range(2):
        lab = Lab({"r": ("price > 0.0", 0)})
        for minute in range(20):
            for _ in range(3):
                lab.trade(TEN + minute * MINUTE, 10)
        runs.append([body.id for body in bodies(lab)])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == len(runs[0]) == 20 * 3 + 19 + 9 + 3 + 1 + 1


def test_a_rule_set_is_in_force_from_its_record_on() -> None:
    lab = Lab()
    lab.trade(TEN, 10)
    lab.switch({"r": ("price > 0.0", 0)})
    lab.trade(TEN + 1, 10)
    lab.switch({"s": ("price > 0.0", 0)})
    lab.trade(TEN + 2, 10)
    assert [(alert.body.rule_id, alert.body.ts) for alert in lab.alerts] == [("r", TEN + 1), ("s", TEN + 2)]


def test_a_rule_that_stays_keeps_its_cooldown_and_one_that_changes_does_not() -> None:
    lab = Lab({"r": ("price > 0.0", MINUTE), "s": ("price > 0.0", MINUTE)})
    lab.trade(TEN, 10)
    lab.switch({"r": ("price > 0.0", MINUTE), "s": ("price > 1.0", MINUTE)})
    lab.trade(TEN + 1, 10)
    assert (lab.fired("r"), lab.fired("s")) == ([TEN], [TEN, TEN + 1])


def test_a_rule_that_was_away_has_forgotten_its_cooldown() -> None:
    lab = Lab({"r": ("price > 0.0", MINUTE)})
    lab.trade(TEN, 10)
    lab.switch({"s": ("price > 0.0", MINUTE)})
    lab.switch({"r": ("price > 0.0", MINUTE)})
    lab.trade(TEN + 1, 10)
    assert lab.fired("r") == [TEN, TEN + 1]


def test_an_older_switch_is_ignored() -> None:
    lab = Lab({"r": ("price > 0.0", 0)})
    other = lab.sets.add({"s": ("price > 0.0", 0)})
    lab.send({"ruleset": other, "seq": 1}, {"ruleset": other, "seq": 0})
    lab.trade(TEN, 10)
    assert [alert.body.rule_id for alert in lab.alerts] == ["r"]


def test_a_metric_new_to_the_rules_begins_with_the_bars_there_are() -> None:
    lab = Lab({"p": ("price > 0.0", 0)})
    for minute, price in enumerate((10, 20, 60)):
        lab.trade(TEN + minute * MINUTE, price)
    lab.switch({"e": ("ema(2, 1m) > 0.0", 0)})
    lab.trade(TEN + 3 * MINUTE, 1, flags=VOLUME_ONLY)
    closing, row = bodies(lab, "e")
    assert (closing.ts, closing.explanation[0].value) == (TEN + 3 * MINUTE - 1, 15 + (60 - 15) * (2 / 3))
    assert (row.ts, row.explanation[0].value) == (TEN + 3 * MINUTE, 15 + (60 - 15) * (2 / 3))


def test_past_values_of_past_values_are_recorded_at_closes_that_nothing_was_tried_at() -> None:
    lab = Lab({"r": ("price > 100.0 and avg(2, sma(1, 1m))[1] > 0.0", 0)})
    for minute, price in enumerate((1, 2, 4, 8, 200)):
        lab.trade(TEN + minute * MINUTE, price)
    assert [body.explanation[1].value for body in bodies(lab)] == [(4 + 8) / 2]


def test_an_alert_says_what_else_holds_its_rule_back() -> None:
    every = RuleBody("price > 5.0", "becomes_true", 60 * SECOND, "", "price < 4.0", TEN + 10 * MINUTE, 7, 3, MINUTE)
    lab = Lab({"all": every, "none": ("price > 5.0", 0)})
    lab.trade(TEN, 3)
    lab.trade(TEN + SECOND, 10)
    [said] = [encode_body(body) for body in bodies(lab, "all")]
    assert json.loads(said)["limits"] == {
        "cooldown_ns": 60 * SECOND,
        "rearm": "price < 4.0",
        "expires_ns": TEN + 10 * MINUTE,
        "max_fires": 7,
        "runaway_fires": 3,
        "runaway_ns": MINUTE,
    }
    [said] = [encode_body(body) for body in bodies(lab, "none")]
    assert "limits" not in json.loads(said)
