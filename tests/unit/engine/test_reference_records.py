"""What is supplied of a symbol: known from its record on, kept over restarts, replaced and cleared by name."""

import pytest

from engine.partition import Partition
from infra.calendars import load_calendars
from tests.support.lab import DAY, MINUTE, SYMBOL, Lab, utc, watch
from tests.support.markets import new_york
from tests.unit.engine_metrics.story import Story

NOON = utc("2025-11-05T12:00:00")
SUPPLIED = {
    "float": 2e7,
    "shares_outstanding": 3e7,
    "short_interest_pct": 12.5,
    "institutional_ownership_pct": 0.0,
    "short_ratio": 2.5,
}


def reference(**fields: object) -> dict[str, object]:
    """A record of the symbol; its own time is long gone, and says nothing."""
    return {"kind": "reference", "symbol": SYMBOL, "ts": NOON - 400 * DAY, **fields}


def known(lab: Lab) -> dict[str, float | None]:
    """What holds at the newest row."""
    return {name: lab.newest(name) for name in SUPPLIED}


def test_it_holds_from_its_place_in_the_log_on_and_is_no_row() -> None:
    lab = Lab(watch(*SUPPLIED))
    trade = {"symbol": SYMBOL, "ts": NOON, "price": 10, "size": 1}
    result = lab.send(trade, reference(**SUPPLIED), trade | {"ts": NOON + 1})
    assert result.counts.rows == 2
    assert {name: lab.values(name) for name in SUPPLIED} == {
        name: [(NOON + 1, 0, value)] for name, value in SUPPLIED.items()
    }


def test_a_record_changes_what_it_names_and_nothing_else() -> None:
    lab = Lab(watch(*SUPPLIED))
    lab.send(reference(**SUPPLIED), reference(float=5, short_ratio=None, market="24x7"))
    lab.trade(NOON, 10)
    assert known(lab) == SUPPLIED | {"float": 5}


def test_what_is_cleared_is_unknown_until_it_is_said_again() -> None:
    lab = Lab(watch(*SUPPLIED))
    lab.send(reference(**SUPPLIED), reference(clear=["float", "short_ratio"], short_ratio=1))
    lab.trade(NOON, 10)
    assert known(lab) == SUPPLIED | {"float": None, "short_ratio": 1}
    lab.send(reference(float=7))
    lab.trade(NOON + 1, 10)
    assert lab.newest("float") == 7


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"float": 0}, "reference: float: 0.0 is not above 0"),
        ({"shares_outstanding": 1.1e15}, "reference: shares_outstanding: 1100000000000000.0 is not above 0"),
        ({"short_interest_pct": -1}, "reference: short_interest_pct: -1.0 is not from 0"),
        ({"float": "20M"}, "json: Expected `float | null`, got `str` - at `$.float`"),
        ({"earnings": "2025-11-09"}, "json: Expected `int | null`, got `str` - at `$.earnings`"),
        ({"earnings": 1_762_700_400}, "reference: earnings: 1762700400 is no time in nanoseconds"),
        ({"clear": ["floot"]}, "reference: clear: 'floot' is none of float, shares_outstanding"),
        ({"market": "moon"}, "market: 'moon' is none of us_equity, 24x7"),
    ],
)
def test_a_record_that_is_wrong_is_a_dead_letter_as_a_whole(wrong: dict[str, object], reason: str) -> None:
    lab = Lab(watch(*SUPPLIED))
    lab.send(reference(**SUPPLIED))
    lab.send(reference(**{"institutional_ownership_pct": 70} | wrong))
    lab.trade(NOON, 10)
    assert [one.reason[: len(reason)] for one in lab.rejected] == [reason]
    assert known(lab) == SUPPLIED


@pytest.mark.parametrize("nothing", [{}, {"float": None}, {"clear": []}, {"sector": "Energy"}])
def test_a_record_that_says_nothing_is_a_dead_letter(nothing: dict[str, object]) -> None:
    lab = Lab()
    lab.send(reference(**nothing))
    assert [one.reason.partition(",")[0] for one in lab.rejected] == ["reference: needs a market"]


def test_a_trade_may_have_fields_of_these_names_that_mean_something_else() -> None:
    lab = Lab(watch(*SUPPLIED))
    lab.trade(NOON, 10, float="yes", earnings="soon", clear=1)
    assert (lab.rejected, lab.newest("float")) == ([], None)


def test_the_market_cap_moves_with_every_price() -> None:
    lab = Lab(watch("market_cap"))
    lab.send(reference(shares_outstanding=3e7))
    for number, price in enumerate((10, 10.5)):
        lab.trade(NOON + number, price)
    assert lab.values("market_cap") == [(NOON, 0, 3e8), (NOON + 1, 0, 3.15e8)]


def test_it_is_part_of_the_state() -> None:
    lab = Lab(watch(*SUPPLIED, "days_until_earnings"))
    lab.send(reference(**SUPPLIED, earnings=NOON + 2 * DAY))
    lab.restart()
    lab.trade(NOON, 10)
    assert known(lab) == SUPPLIED
    assert lab.newest("days_until_earnings") == 2


def test_state_that_was_written_before_there_was_any_of_it_knows_nothing() -> None:
    lab = Lab(watch(*SUPPLIED))
    lab.trade(NOON, 10)
    pieces = [lab.partition.export_piece(key) for key in lab.partition.all_pieces()]
    assert not any(name.startswith("reference:") for piece in pieces for name in piece.columns)
    header = lab.partition.header
    lab.partition = Partition(0, None, load_calendars())
    for piece in pieces:
        lab.partition.import_piece(piece)
    lab.partition.begin_at(header, lab.sets.plans)
    lab.trade(NOON + MINUTE, 10)
    assert known(lab) == dict.fromkeys(SUPPLIED)


@pytest.mark.parametrize(
    ("earnings", "at", "days"),
    [
        ("2025-11-05T16:05:00", "2025-11-03T09:30:00", 2),
        ("2025-11-05T00:00:00", "2025-11-03T19:59:59", 2),
        ("2025-11-04T23:59:59", "2025-11-03T04:00:00", 1),
        ("2025-11-03T06:00:00", "2025-11-03T19:00:00", 0),
        ("2025-11-02T20:00:00", "2025-11-03T04:00:00", None),
        ("2025-11-02T23:30:00", "2025-10-31T10:00:00", 2),  # a Sunday of 25 hours
        ("2025-11-03T00:30:00", "2025-10-31T10:00:00", 3),
        ("2025-03-10T00:30:00", "2025-03-07T10:00:00", 3),  # after a Sunday of 23 hours
        ("2025-11-09T08:00:00", "2025-11-08T12:00:00", 1),  # a Saturday, in the closed session
        ("2025-11-09T08:00:00", "2025-11-07T23:30:00", 2),
        ("2030-12-31T23:59:59", "2030-12-30T10:00:00", 1),
        ("2031-01-01T00:00:00", "2030-12-30T10:00:00", None),  # the calendar ends
    ],
)
def test_days_until_earnings_are_dates_of_new_york(earnings: str, at: str, days: int | None) -> None:
    story = Story("days_until_earnings")
    story.reference(earnings=new_york(earnings))
    story.trade(at, 10)
    assert story.at(at) == days


def test_days_until_earnings_are_dates_of_utc_around_the_clock() -> None:
    lab = Lab(watch("days_until_earnings"))
    lab.send(reference(earnings=utc("2025-11-07T00:00:00")))
    lab.trade(NOON, 10)
    assert lab.newest("days_until_earnings") == 2
    lab.send(reference(earnings=utc("2025-11-07T00:00:00") - 1))
    lab.trade(NOON + 1, 10)
    assert lab.newest("days_until_earnings") == 1
