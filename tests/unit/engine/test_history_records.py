"""Finished days given as history: windows over days, the prior close, and which records are refused."""

import pytest

from tests.support.lab import DAY, SYMBOL, Lab, utc, watch
from tests.support.markets import new_york

MONDAY = utc("2025-11-03T12:00:00")


def daily(ts: int, close: float, symbol: str = SYMBOL, **more: object) -> dict[str, object]:
    """A day between 1 and 100 that closes there."""
    figures = {"open": 5, "high": 100, "low": 1, "close": close, "volume": 1000}
    return {"kind": "daily", "symbol": symbol, "ts": ts, **figures, **more}


def test_days_of_history_count_as_closed_bars_and_are_not_published() -> None:
    metrics = ("prior_close", "sma(3, 1d)", "avg_volume(2, 1d)", "ema(2, 1d)", "change_from_close_pct", "close(1d)")
    lab = Lab(watch(*metrics))
    result = lab.send(daily(MONDAY, 10), daily(MONDAY + DAY, 20, volume=3000))
    assert (result.bars, result.counts.rows, lab.rejected) == ([], 0, [])
    lab.trade(MONDAY + 2 * DAY, 30)
    assert lab.newest("prior_close") == 20
    assert lab.newest("sma(3, 1d)") == (10 + 20 + 30) / 3
    assert lab.newest("avg_volume(2, 1d)") == 2000
    assert lab.newest("ema(2, 1d)") == 15 + (30 - 15) * (2 / 3)
    assert lab.newest("change_from_close_pct") == 100 * (30 / 20 - 1)
    assert lab.newest("close(1d)") == 30


def test_before_the_first_trade_bar_0_is_the_newest_day_of_history() -> None:
    lab = Lab(watch("close(1d)", "high(1d)", "prior_close"))
    open_ = new_york("2025-11-05T09:30:00")
    lab.send(daily(open_ - DAY, 20, "AAPL"))
    lab.trade(open_ - 1, 30, symbol="AAPL")
    assert (lab.newest("close(1d)"), lab.newest("high(1d)"), lab.newest("prior_close")) == (20, 100, 20)


@pytest.mark.parametrize(
    ("before", "ts", "reason"),
    [
        ([daily(MONDAY, 10)], MONDAY, "daily: the day is not after the symbol's newest one"),
        ([daily(MONDAY, 10)], MONDAY - DAY, "daily: the day is not after the symbol's newest one"),
        (
            [{"symbol": SYMBOL, "ts": MONDAY, "price": 1, "size": 1}],
            MONDAY,
            "daily: the day is not before the symbol's current day",
        ),
        (
            [{"symbol": SYMBOL, "ts": MONDAY, "price": 1, "size": 1}],
            MONDAY + DAY,
            "daily: the day is not before the symbol's current day",
        ),
    ],
)
def test_a_day_must_lie_between_the_newest_and_the_current(
    before: list[dict[str, object]], ts: int, reason: str
) -> None:
    lab = Lab(watch("prior_close"))
    lab.send(*before)
    lab.send(daily(ts, 50))
    assert [one.reason for one in lab.rejected] == [reason]
    lab.trade(MONDAY + 2 * DAY, 30)
    assert lab.newest("prior_close") == before[0].get("close", 1)


def test_history_of_earlier_days_may_come_after_the_first_trade() -> None:
    lab = Lab(watch("prior_close"))
    lab.trade(MONDAY + DAY, 1)
    lab.send(daily(MONDAY, 50))
    lab.trade(MONDAY + DAY, 1)
    assert lab.newest("prior_close") == 50


def test_a_day_that_the_market_does_not_have_is_refused() -> None:
    lab = Lab()
    for text in ("2025-11-01T12:00:00", "2025-11-27T12:00:00", "2025-11-05T20:00:00", "2025-11-05T12:00:00"):
        lab.send(daily(new_york(text), 10, "AAPL"))
    assert [one.reason.rpartition(" lies ")[2] for one in lab.rejected] == ["in no day of the symbol's market"] * 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"open": None},
        {"volume": None},
        {"close": 0},
        {"volume": -1},
        {"close": 101},
        {"open": 0.5},
        {"low": 50},
        {"high": 9},
    ],
)
def test_a_day_whose_figures_do_not_agree_is_refused(wrong: dict[str, object]) -> None:
    lab = Lab(watch("prior_close"))
    lab.send(daily(MONDAY, 10) | wrong)
    lab.trade(MONDAY + DAY, 1)
    assert len(lab.rejected) == 1
    assert lab.newest("prior_close") is None


def test_a_day_that_the_engine_saw_itself_follows_history() -> None:
    lab = Lab(watch("sma(2, 1d)", "prior_close"))
    lab.send(daily(MONDAY, 10))
    lab.trade(MONDAY + DAY, 20)
    lab.trade(MONDAY + 2 * DAY, 40)
    assert (lab.newest("sma(2, 1d)"), lab.newest("prior_close")) == (30, 20)
    assert [bar.close for bar in lab.bars_of("1d")] == [20]


def test_other_kinds_are_counted_and_change_nothing() -> None:
    lab = Lab()
    kinds = ("quote", "correction", "cancel", "status", "quote")
    result = lab.send(*[{"kind": kind, "symbol": SYMBOL, "ts": MONDAY} for kind in kinds])
    assert result.counts.unapplied == {"quote": 2, "correction": 1, "cancel": 1, "status": 1}
    assert (lab.bars, lab.rejected) == ([], [])
