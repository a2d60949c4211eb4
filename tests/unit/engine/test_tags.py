"""Tags of symbols: told in the log, kept with the state, and what rules that ask for them do as symbols come and go."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.body import body_of
from schemas.alert import encode_body
from schemas.rule import RuleBody
from schemas.rule_file import load_rules
from schemas.tags import MAX_TAGS, refusal, tag_number
from tests.support.lab import MINUTE, SECOND, Lab, utc

TEN = utc("2025-11-05T10:00:00")


def body(universe: dict[str, Any], **fields: Any) -> RuleBody:
    rule = {"id": "r", "expression": "price > 5", "cooldown": 0, "universe": universe, **fields}
    return body_of(load_rules(msgspec.json.encode([rule]))[0], "rules[0]")


def tagged(symbol: str, *tags: str, **more: object) -> dict[str, object]:
    """A reference record; its own time says nothing."""
    return {"kind": "reference", "symbol": symbol, "ts": TEN - MINUTE, "tags": [*tags], **more}


def trade(symbol: str, price: float = 6, second: int = 0) -> dict[str, object]:
    return {"symbol": symbol, "ts": TEN + second * SECOND, "price": price, "size": 1}


def fired(lab: Lab) -> list[str]:
    """Symbols of the alerts since it was last asked."""
    found = [alert.body.symbol for alert in lab.alerts]
    lab.alerts.clear()
    return sorted(found)


def known(lab: Lab, symbol: str) -> set[int]:
    """The numbers of its tags."""
    tags = lab.partition.state.reference.tags[lab.partition.symbols[symbol]]
    return set(tags[tags != 0].tolist())


# --- what is told ----------------------------------------------------------------------------------------------------


def test_a_record_replaces_all_tags_and_only_where_it_names_them() -> None:
    lab = Lab()
    for record, tags in (
        (tagged("A", "tech", "sp500", "tech"), {"tech", "sp500"}),
        ({"kind": "reference", "symbol": "A", "ts": TEN, "float": 5}, {"tech", "sp500"}),
        (tagged("A", "etf"), {"etf"}),
        ({"kind": "reference", "symbol": "A", "ts": TEN, "tags": None, "market": "24x7"}, {"etf"}),
        (tagged("A", "tech", clear=["tags", "float"]), {"tech"}),
        ({"kind": "reference", "symbol": "A", "ts": TEN, "clear": ["tags"]}, set()),
        (tagged("A", "x"), {"x"}),
        (tagged("A"), set()),
    ):
        lab.send(record)
        assert known(lab, "A") == set(map(tag_number, tags))
    assert lab.rejected == []


EIGHT = [f"t{number}" for number in range(MAX_TAGS)]


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ([*EIGHT, "t8"], "reference: tags: 9 are more than the 8 that a symbol may have"),
        (["etf", "S&P 500"], "reference: tags: 'S&P 500' is no tag: 1 to 64 letters, digits or ._:+/&-"),
        ([""], "reference: tags: '' is no tag"),
        (["t" * 65], f"reference: tags: '{'t' * 40}' is no tag"),
        (["é"], "reference: tags: 'é' is no tag"),
        ("etf", "json: Expected `array | null`, got `str` - at `$.tags`"),
        (["etf", 7], "json: Expected `str`, got `int` - at `$.tags[1]`"),
    ],
)
def test_tags_that_are_wrong_make_the_record_a_dead_letter_as_a_whole(tags: object, reason: str) -> None:
    lab = Lab()
    lab.send(tagged("A", *EIGHT, "t0"), {"kind": "reference", "symbol": "A", "ts": TEN, "float": 5, "tags": tags})
    assert [one.reason[: len(reason)] for one in lab.rejected] == [reason]
    assert known(lab, "A") == set(map(tag_number, EIGHT))
    assert np.isnan(lab.partition.state.reference.float[0])


def test_the_longest_tag_is_one_and_a_hint_is_one_too() -> None:
    assert refusal("t" * 64) is None
    hint = (refusal("Health Care!") or "").rpartition("did you mean ")[2].rstrip("?")
    assert (hint, refusal(hint)) == ("Health-Care", None)
    assert "did you mean" not in (refusal("-" * 65) or "")


def test_tags_take_no_place_in_checkpoints_until_there_are_any() -> None:
    lab = Lab()

    def stored() -> bool:
        pieces = [lab.partition.export_piece(key) for key in lab.partition.all_pieces()]
        return any("reference:tags" in piece.columns for piece in pieces)

    lab.send(trade("A"), tagged("A"))
    assert not stored()
    lab.send(tagged("A", "etf"))
    assert stored()
    lab.send(tagged("A"))
    assert not stored()


def test_the_state_is_the_same_in_whatever_order_tags_are_told() -> None:
    lab = Lab()
    lab.send(tagged("A", "x", "y", "z"), tagged("B", "z", "x", "y", "z"))
    first, second = lab.partition.state.reference.tags[:2].tolist()
    assert first == second


# --- who is in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("universe", "hits"),
    [
        ({"tags": ["tech"]}, "AB"),
        ({"tags": ["tech", "etf"]}, "ABC"),
        ({"tags": ["Tech"]}, ""),
        ({"exclude_tags": ["etf"]}, "AD"),
        ({"exclude_tags": ["etf", "tech"]}, "D"),
        ({"tags": ["tech"], "exclude_tags": ["etf"]}, "A"),
        ({"tags": ["tech", "etf"], "symbols": ["A", "D"]}, "A"),
        ({"tags": ["etf"], "patterns": ["*"], "exclude": ["B"]}, "C"),
    ],
)
@pytest.mark.parametrize("trigger", ["each_row", "becomes_true", "once_per_session"])
def test_a_symbol_is_in_with_any_of_the_tags_and_none_of_the_others(
    universe: dict[str, Any], hits: str, trigger: str
) -> None:
    lab = Lab({"r": body(universe, trigger=trigger)})
    lab.send(tagged("A", "x", "tech"), tagged("B", "tech", "etf"), tagged("C", "etf"))
    lab.send(*map(trade, "ABCD"))
    assert fired(lab) == sorted(hits)


SOME_TAGS = st.sets(st.sampled_from("uvwxyz"), max_size=4)


@given(st.lists(SOME_TAGS, min_size=1, max_size=8), SOME_TAGS, SOME_TAGS)
def test_any_tags_and_any_universe(symbols: list[set[str]], tags: set[str], exclude: set[str]) -> None:
    if not (tags or exclude) or (tags and tags <= exclude):
        return
    universe: dict[str, Any] = {"exclude_tags": [*exclude]} | ({"tags": [*tags]} if tags else {})
    lab = Lab({"r": body(universe)})
    lab.send(*(tagged(f"S{number}", *own) for number, own in enumerate(symbols)))
    lab.send(*(trade(f"S{number}") for number in range(len(symbols))))

    def is_in(own: Iterable[str]) -> bool:
        return not exclude & {*own} and (not tags or bool(tags & {*own}))

    assert fired(lab) == [f"S{number}" for number, own in enumerate(symbols) if is_in(own)]


def test_a_change_holds_from_its_place_in_the_middle_of_a_batch_on() -> None:
    lab = Lab({"r": body({"tags": ["tech"]}), "s": body({"exclude_tags": ["tech"]})})
    records = [
        trade("A", 10),
        tagged("A", "tech"),
        *(trade(name, 11) for name in "AB"),
        tagged("A", "etf"),
        tagged("B", "tech"),
        *(trade(name, 12) for name in "AB"),
    ]
    lab.send(*records)
    together = [(one.body.rule_id, one.body.symbol, one.body.price) for one in lab.alerts]
    assert sorted(together) == sorted([("s", "A", 10), ("r", "A", 11), ("s", "B", 11), ("s", "A", 12), ("r", "B", 12)])
    apart = Lab({"r": body({"tags": ["tech"]}), "s": body({"exclude_tags": ["tech"]})})
    for record in records:
        apart.send(record)
    assert sorted(encode_body(one.body) for one in apart.alerts) == sorted(encode_body(one.body) for one in lab.alerts)


def test_it_holds_at_closes_as_well() -> None:
    lab = Lab({"c": body({"tags": ["tech"]}, trigger="bar_close", timeframe="1m")})
    lab.send(tagged("A-USD", "tech"), *(trade(name) for name in ("A-USD", "B-USD")))
    lab.send(tagged("A-USD"), tagged("B-USD", "tech"))
    lab.beat(TEN + MINUTE)
    assert fired(lab) == ["B-USD"]


def test_symbols_that_come_later_and_room_for_more_change_nothing() -> None:
    lab = Lab({"r": body({"tags": ["tech"]})})
    for first, end in ((0, 100), (50, 300), (290, 800)):
        lab.send(*(tagged(f"S{n}", "tech") for n in range(first, end) if n % 100 == 7))
        lab.send(*(trade(f"S{n}") for n in range(first, end)))
    assert set(fired(lab)) == {f"S{n}07" for n in range(1, 8)} | {"S7"}


# --- coming and going ------------------------------------------------------------------------------------------------


def edges(lab: Lab, *records: dict[str, object]) -> int:
    """How many alerts these give, each in a batch of its own."""
    before = len(lab.alerts)
    for record in records:
        lab.send(record)
    return len(lab.alerts) - before


def test_a_rule_becomes_true_when_its_symbol_comes_in() -> None:
    lab = Lab({"r": body({"tags": ["tech"]}, trigger="becomes_true")})
    assert edges(lab, trade("A", 4), trade("A", 6)) == 0
    assert edges(lab, tagged("A", "tech"), trade("A", 6), trade("A", 6)) == 1


def test_a_row_outside_arms_it_again() -> None:
    lab = Lab({"r": body({"tags": ["tech"]}, trigger="becomes_true")})
    assert edges(lab, tagged("A", "tech"), trade("A", 6)) == 1
    assert edges(lab, tagged("A"), tagged("A", "tech"), trade("A", 6)) == 0, "there was no row outside"
    assert edges(lab, tagged("A"), trade("A", 6), tagged("A", "tech"), trade("A", 6)) == 1
    assert edges(lab, tagged("A"), trade("B", 6), tagged("A", "tech"), trade("A", 6)) == 0, (
        "another symbol's row does not"
    )


def test_with_a_bound_to_arm_it_that_is_looked_at_outside_too() -> None:
    lab = Lab({"r": body({"tags": ["tech"]}, trigger="becomes_true", rearm="price < 3")})
    assert edges(lab, tagged("A", "tech"), trade("A", 6)) == 1
    assert edges(lab, tagged("A"), trade("A", 6), tagged("A", "tech"), trade("A", 6)) == 0
    assert edges(lab, tagged("A"), trade("A", 2), tagged("A", "tech"), trade("A", 6)) == 1


def test_a_rule_that_is_new_compares_with_its_first_row_inside_or_outside() -> None:
    rules = {"r": body({"tags": ["tech"]}, trigger="becomes_true")}
    lab = Lab({"s": body({"symbols": ["Z"]})})
    lab.send(trade("A"), trade("B"), tagged("A", "tech"))
    lab.switch(rules)
    assert edges(lab, trade("A", 6)) == 0
    assert edges(lab, trade("B", 6), tagged("B", "tech"), trade("B", 6)) == 1


# --- restarts --------------------------------------------------------------------------------------------------------


def test_a_restart_changes_nothing() -> None:
    rules = {"r": body({"tags": ["tech"]}), "e": body({"exclude_tags": ["etf"]}, trigger="becomes_true")}
    lab = Lab(rules)
    lab.send(tagged("A", "tech"), tagged("B", "etf"), tagged("C", "etf", "tech"), *map(trade, "ABCD"))
    assert fired(lab) == ["A", "A", "C", "D"]
    lab.restart()
    lab.send(*map(trade, "ABCD"))
    assert fired(lab) == ["A", "C"]
    lab.send(tagged("C", "tech"), tagged("A"), *map(trade, "ABCD"))
    assert fired(lab) == ["C", "C"]


def test_another_rule_set_finds_the_tags_that_were_told_before_it() -> None:
    one, other = body({"tags": ["tech"]}), body({"tags": ["etf"]})
    lab = Lab({"r": one})
    lab.send(tagged("A", "tech"), tagged("B", "etf"), *map(trade, "AB"))
    told = [fired(lab)]
    for rules in ({"r": one, "s": other}, {"t": body({"patterns": ["Z*"]})}, {"s": other}):
        lab.switch(rules)
        lab.send(*map(trade, "AB"))
        told.append(fired(lab))
    lab.switch({"t": body({"patterns": ["Z*"]})})
    lab.send(tagged("A", "etf"), tagged("B"))
    lab.switch({"s": other})
    lab.send(*map(trade, "AB"))
    assert [*told, fired(lab)] == [["A"], ["A", "B"], [], ["B"], ["A"]]
