"""Sessions and days of an equity: edges, half days, holidays, auctions, and what the closed session may do."""

import pytest

from schemas.tick import REGULAR_TRADE, Eligibility
from tests.support.lab import HOUR, MINUTE, SECOND, Lab, ohlc, watch
from tests.support.markets import new_york

SYMBOL = "AAPL"
OPEN = new_york("2025-11-05T09:30:00")
CLOSE = new_york("2025-11-05T16:00:00")
NEXT_OPEN = new_york("2025-11-06T09:30:00")
OPENING = REGULAR_TRADE | int(Eligibility.OPENING)
CLOSING = REGULAR_TRADE | int(Eligibility.CLOSING)
VOLUME = int(Eligibility.VOLUME)
HIGH_LOW = int(Eligibility.HIGH_LOW)


def trade(lab: Lab, ts: int, price: float, size: float = 1, flags: int = REGULAR_TRADE) -> None:
    lab.trade(ts, price, size, SYMBOL, flags=flags)


@pytest.mark.parametrize(
    ("when", "session"),
    [
        ("2025-11-05T04:00:00", "pre"),
        ("2025-11-05T09:29:00", "pre"),
        ("2025-11-05T09:30:00", "regular"),
        ("2025-11-05T15:59:00", "regular"),
        ("2025-11-05T16:00:00", "post"),
        ("2025-11-05T19:59:00", "post"),
        ("2025-11-28T12:59:00", "regular"),
        ("2025-11-28T13:00:00", "post"),
        ("2025-11-28T16:30:00", "post"),
        ("2025-03-07T09:30:00", "regular"),
        ("2025-03-10T09:30:00", "regular"),
    ],
)
def test_a_bar_has_the_session_of_its_start(when: str, session: str) -> None:
    lab = Lab()
    trade(lab, new_york(when), 10)
    lab.beat(new_york(when) + MINUTE)
    assert [bar.session for bar in lab.bars_of("1m", SYMBOL)] == [session]


@pytest.mark.parametrize(
    "when",
    ["2025-11-05T03:59:59", "2025-11-05T20:00:00", "2025-11-01T12:00:00", "2025-11-27T12:00:00", "2025-12-25T10:00:00"],
)
def test_the_closed_session_has_rows_and_a_price_and_nothing_else(when: str) -> None:
    lab = Lab(watch("volume_day", "volume_last(5m)", "day_high"))
    trade(lab, new_york(when), 10, 5)
    lab.beat(new_york(when) + HOUR)
    assert lab.bars == []
    (body,) = [alert.body for alert in lab.alerts if alert.body.rule_id == "row"]
    assert (body.session, body.price) == ("closed", 10)
    assert (lab.newest("volume_day"), lab.newest("volume_last(5m)"), lab.newest("day_high")) == (0, None, None)


def test_no_bar_reaches_over_the_open() -> None:
    lab = Lab()
    trade(lab, OPEN - SECOND, 10, 1)
    trade(lab, OPEN, 20, 2)
    lab.beat(OPEN + HOUR)
    for timeframe in ("1m", "5m", "15m", "1h"):
        assert [(ohlc(bar)[0], bar.volume, bar.session) for bar in lab.bars_of(timeframe, SYMBOL)] == [
            (10, 1, "pre"),
            (20, 2, "regular"),
        ]


def test_hours_start_with_their_session_and_are_cut_at_its_end() -> None:
    lab = Lab()
    times = ("04:10", "09:05", "09:40", "10:29", "10:30", "15:30", "16:00", "19:30")
    for price, clock in enumerate(times, 1):
        trade(lab, new_york(f"2025-11-05T{clock}:00"), price)
    lab.beat(new_york("2025-11-05T20:00:00"))
    starts = ("04:00", "09:00", "09:30", "10:30", "15:30", "16:00", "19:00")
    assert [bar.start for bar in lab.bars_of("1h", SYMBOL)] == [new_york(f"2025-11-05T{clock}:00") for clock in starts]
    assert [bar.volume for bar in lab.bars_of("1h", SYMBOL)] == [1, 1, 2, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("last", "end"),
    [("2025-11-05T09:10:00", "2025-11-05T09:30:00"), ("2025-11-05T15:45:00", "2025-11-05T16:00:00")],
)
def test_an_hour_cut_short_closes_with_its_session(last: str, end: str) -> None:
    lab = Lab()
    trade(lab, new_york(last), 10)
    lab.beat(new_york(end) - 1)
    assert lab.bars_of("1h", SYMBOL) == []
    lab.beat(new_york(end))
    assert [bar.start for bar in lab.bars_of("1h", SYMBOL)] == [
        new_york(last[:11] + ("09:00:00" if "09" in last[11:13] else "15:30:00"))
    ]


def test_on_a_half_day_the_hours_after_the_close_begin_with_it() -> None:
    lab = Lab()
    for clock in ("12:45", "13:20", "14:10"):
        trade(lab, new_york(f"2025-11-28T{clock}:00"), 10)
    lab.beat(new_york("2025-11-28T20:00:00"))
    found = [(bar.start, bar.session) for bar in lab.bars_of("1h", SYMBOL)]
    starts = (("12:30", "regular"), ("13:00", "post"), ("14:00", "post"))
    assert found == [(new_york(f"2025-11-28T{clock}:00"), session) for clock, session in starts]


def test_the_day_counts_regular_prices_and_all_volume() -> None:
    lab = Lab()
    for ts, price, size in ((OPEN - HOUR, 99, 1), (OPEN, 10, 2), (CLOSE - 1, 12, 4), (CLOSE, 1, 8)):
        trade(lab, ts, price, size)
    lab.beat(new_york("2025-11-05T20:00:00"))
    (day,) = lab.bars_of("1d", SYMBOL)
    assert (day.start, day.session) == (new_york("2025-11-05T04:00:00"), "regular")
    assert (*ohlc(day), day.volume, day.trades) == (10, 12, 10, 12, 15, 4)
    assert day.vwap == (99 * 1 + 10 * 2 + 12 * 4 + 1 * 8) / 15


def test_a_day_without_a_regular_price_has_no_bar() -> None:
    lab = Lab()
    trade(lab, OPEN - HOUR, 99)
    trade(lab, OPEN, 10, flags=VOLUME | HIGH_LOW)
    lab.beat(new_york("2025-11-05T20:00:00"))
    assert lab.bars_of("1d", SYMBOL) == []


def test_the_opening_auction_replaces_the_first_price_once() -> None:
    lab = Lab(watch("day_open"))
    opens = []
    for i, (price, flags) in enumerate(((10, REGULAR_TRADE), (11, OPENING), (12, OPENING), (13, REGULAR_TRADE))):
        trade(lab, OPEN + i * SECOND, price, flags=flags)
        opens.append(lab.newest("day_open"))
    assert opens == [10, 11, 11, 11]


def test_the_closing_auction_replaces_the_close_and_only_another_replaces_it() -> None:
    lab = Lab()
    trade(lab, CLOSE - SECOND, 10)
    trade(lab, CLOSE + 5 * SECOND, 11, flags=CLOSING)
    trade(lab, CLOSE + 6 * SECOND, 12)
    lab.beat(new_york("2025-11-05T20:00:00"))
    trade(lab, NEXT_OPEN, 20)
    trade(lab, new_york("2025-11-06T15:00:00"), 21, flags=CLOSING)
    trade(lab, new_york("2025-11-06T15:30:00"), 22)
    trade(lab, new_york("2025-11-06T16:10:00"), 23, flags=CLOSING)
    lab.beat(new_york("2025-11-06T20:00:00"))
    assert [day.close for day in lab.bars_of("1d", SYMBOL)] == [11, 23]


def test_the_vwap_of_the_session_begins_anew_at_the_open_and_goes_on_after_the_close() -> None:
    lab = Lab(watch("vwap"))
    found = []
    for ts, price, size in ((OPEN - 1, 10, 3), (OPEN, 20, 1), (CLOSE, 40, 1), (NEXT_OPEN - HOUR, 50, 1)):
        trade(lab, ts, price, size)
        found.append(lab.newest("vwap"))
    assert found == [10, 20, 30, 50]


def test_figures_of_the_day_begin_anew_with_the_first_row_of_the_next() -> None:
    metrics = ("day_open", "day_high", "prior_close", "volume_day", "change_from_close")
    lab = Lab(watch(*metrics))
    trade(lab, OPEN, 10, 2)
    assert [lab.newest(metric) for metric in metrics] == [10, 10, None, 2, None]
    trade(lab, new_york("2025-11-05T21:00:00"), 11, 4)
    assert [lab.newest(metric) for metric in metrics] == [10, 10, None, 2, None]
    trade(lab, NEXT_OPEN - HOUR, 12, 1)
    assert [lab.newest(metric) for metric in metrics] == [None, None, 10, 1, 2]


def test_changes_over_minutes_do_not_reach_into_the_day_before() -> None:
    lab = Lab(watch("change(4h)", "volume_last(4h)"))
    trade(lab, new_york("2025-11-05T19:59:00"), 10, 5)
    trade(lab, new_york("2025-11-06T04:00:00"), 11, 7)
    assert (lab.newest("change(4h)"), lab.newest("volume_last(4h)")) == (None, 7)


@pytest.mark.parametrize(
    ("symbol", "market"),
    [
        ("BTC-USD", "24x7"),
        ("XBT/USDT", "24x7"),
        ("A-B-USD", "us_equity"),
        ("BRK-B", "us_equity"),
        ("BTC-usd", "us_equity"),
        ("X-ABCDEF", "us_equity"),
        ("-USD", "us_equity"),
        ("AAPL", "us_equity"),
    ],
)
def test_the_market_follows_from_the_name(symbol: str, market: str) -> None:
    lab = Lab()
    midnight = new_york("2025-11-05T00:00:00")
    lab.trade(midnight, 10, symbol=symbol)
    lab.beat(midnight + MINUTE)
    assert len(lab.bars_of("1m", symbol)) == (1 if market == "24x7" and not symbol.startswith("-") else 0)


def test_a_reference_record_overrides_the_market() -> None:
    lab = Lab()
    midnight = new_york("2025-11-05T00:00:00")
    lab.send({"kind": "reference", "symbol": SYMBOL, "ts": midnight, "market": "24x7"})
    trade(lab, midnight, 10)
    lab.send({"kind": "reference", "symbol": SYMBOL, "ts": midnight, "market": "moon"})
    lab.beat(midnight + MINUTE)
    assert len(lab.bars_of("1m", SYMBOL)) == 1
    assert [one.reason for one in lab.rejected] == ["market: 'moon' is none of us_equity, 24x7"]
