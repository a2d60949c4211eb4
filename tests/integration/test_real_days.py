"""Six recorded sessions of an equity, minute by minute: what reaches from one day into the next."""

from datetime import date
from itertools import pairwise

import pytest

from schemas.control import encode_heartbeat
from schemas.tick import Eligibility
from tests.support.lab import DAY, MINUTE, SECOND, Lab, watch
from tests.support.lean import CLOSE_MS, MS_NS, OPEN_MS, VendorBar, midnight_ns, read_minutes
from tests.support.real_data import real_data

pytestmark = pytest.mark.real_data

SYMBOL = "AIG"
DATES = [date(2013, 10, day) for day in (4, 7, 8, 9, 10, 11)]
METRICS = (
    "prior_close",
    "change_from_close_pct",
    "change_from_open_pct",
    "day_high",
    "sma(3, 1d)",
    "avg_volume(3, 1d)",
)
PRICE = int(Eligibility.LAST | Eligibility.HIGH_LOW)
ALL = PRICE | int(Eligibility.VOLUME)
Days = dict[date, list[VendorBar]]


@pytest.fixture(scope="module")
def days() -> Days:
    folder = real_data("us_equity")
    return {day: read_minutes(folder / f"{day:%Y%m%d}_aig_minute_trade.csv.gz") for day in DATES}


def ticks_of(bar: VendorBar, start: int) -> list[dict[str, object]]:
    """Trades that make this bar: its volume is that of the last."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    made: list[dict[str, object]] = [
        {"symbol": SYMBOL, "ts": start + i * SECOND, "price": price, "size": 1.0, "flags": PRICE}
        for i, price in enumerate(prices)
    ]
    made[-1] |= {"size": float(bar.volume), "flags": ALL}
    return made


@pytest.fixture(scope="module")
def lab(days: Days) -> Lab:
    lab = Lab(watch(*METRICS))
    for day, bars in days.items():
        start = midnight_ns(day)
        lab.send(*[tick for bar in bars for tick in ticks_of(bar, start + bar.ms * MS_NS)])
        lab.send(encode_heartbeat("test", start + DAY))
    assert lab.rejected == []
    return lab


def regular(bars: list[VendorBar]) -> list[VendorBar]:
    return [bar for bar in bars if OPEN_MS <= bar.ms < CLOSE_MS]


def test_the_minutes_come_out_as_they_went_in(lab: Lab, days: Days) -> None:
    expected = [
        (midnight_ns(day) + bar.ms * MS_NS, bar.open, bar.high, bar.low, bar.close, float(bar.volume))
        for day, bars in days.items()
        for bar in bars
    ]
    bars = lab.bars_of("1m", SYMBOL)
    assert [(bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars] == expected
    assert len(expected) > 2000


def test_each_day_is_that_of_its_regular_minutes_and_all_its_volume(lab: Lab, days: Days) -> None:
    for bar, (day, minutes) in zip(lab.bars_of("1d", SYMBOL), days.items(), strict=True):
        inside = regular(minutes)
        assert bar.start == midnight_ns(day) + 4 * 60 * MINUTE
        assert (bar.open, bar.close) == (inside[0].open, inside[-1].close)
        assert (bar.high, bar.low) == (max(one.high for one in inside), min(one.low for one in inside))
        assert bar.volume == sum(one.volume for one in minutes)


def first_values(lab: Lab, metric: str) -> dict[int, float]:
    """By row time, at the first row of that time; no null."""
    return {ts: value for ts, ordinal, value in lab.values(metric) if ordinal == 0}


def test_prior_close_and_gap_at_the_open(lab: Lab, days: Days) -> None:
    prior, gap, since_open = (first_values(lab, metric) for metric in METRICS[:3])
    assert min(prior) > midnight_ns(DATES[0]) + DAY
    for before, day in pairwise(DATES):
        first = regular(days[day])[0]
        ts = midnight_ns(day) + first.ms * MS_NS
        close = regular(days[before])[-1].close
        assert prior[ts] == close
        assert gap[ts] == 100 * (first.open / close - 1)
        assert since_open[ts] == 0


def test_the_high_of_the_day_begins_anew_and_leaves_extended_hours_out(lab: Lab, days: Days) -> None:
    high = first_values(lab, "day_high")
    for day, bars in days.items():
        highest = -1.0
        for bar in bars:
            ts = midnight_ns(day) + bar.ms * MS_NS + 3 * SECOND
            highest = max(highest, bar.high) if bar in regular(bars) else highest
            assert high.get(ts) == (None if highest < 0 else highest)


def test_windows_over_days_count_finished_days(lab: Lab, days: Days) -> None:
    volumes = [float(sum(bar.volume for bar in bars)) for bars in days.values()]
    closes = [regular(bars)[-1].close for bars in days.values()]
    mean_volume, average_close = first_values(lab, "avg_volume(3, 1d)"), first_values(lab, "sma(3, 1d)")
    for number, day in enumerate(DATES):
        first = regular(days[day])[0]
        ts = midnight_ns(day) + first.ms * MS_NS
        mean = sum(volumes[number - 3 : number]) / 3 if number >= 3 else None
        assert mean_volume.get(ts) == mean
        average = (closes[number - 2] + closes[number - 1] + first.open) / 3 if number >= 2 else None
        assert average_close.get(ts) == average
