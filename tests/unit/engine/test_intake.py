"""Which trades count: duplicates, times ahead, scales that widen, and values that do not fit."""

import pytest

from engine.partition import EngineConfig
from tests.support.lab import DAY, MINUTE, SECOND, Lab, utc, watch

TEN = utc("2025-11-05T10:00:00")


def test_the_same_id_of_the_same_exchange_counts_once() -> None:
    lab = Lab(watch("volume_day"))
    lab.trade(TEN, 10, id="1", exchange="N")
    result = lab.trade(TEN, 10, id="1", exchange="N")
    assert (result.counts.duplicates, result.counts.rows) == (1, 0)
    for trade_id, exchange in (("1", "Q"), ("1", None), ("2", "N"), (None, "N"), (None, "N")):
        assert lab.trade(TEN, 10, id=trade_id, exchange=exchange).counts.rows == 1
    assert lab.newest("volume_day") == 6


def test_an_id_may_be_a_number_or_its_text() -> None:
    lab = Lab()
    lab.trade(TEN, 10, id=17)
    assert lab.trade(TEN, 10, id="17").counts.duplicates == 1


def test_long_ids_that_differ_at_their_end_are_two() -> None:
    lab = Lab()
    lab.trade(TEN, 10, id="x" * 100 + "1")
    assert lab.trade(TEN, 10, id="x" * 100 + "2").counts.duplicates == 0
    assert lab.trade(TEN, 10, id="x" * 100 + "1").counts.duplicates == 1


@pytest.mark.parametrize(("between", "duplicates"), [(31, 1), (32, 0)])
@pytest.mark.parametrize("together", [False, True])
def test_thirty_two_ids_are_remembered(between: int, duplicates: int, together: bool) -> None:
    ticks = [{"symbol": "A-USD", "ts": TEN, "price": 10, "size": 1, "id": number} for number in range(between + 1)]
    log = [*ticks, ticks[0]]
    lab = Lab()
    results = [lab.send(*log)] if together else [lab.send(tick) for tick in log]
    assert sum(result.counts.duplicates for result in results) == duplicates


def test_a_duplicate_does_not_count_among_the_remembered() -> None:
    lab = Lab()
    for number in (0, *range(1, 32), 31, 31, 31):
        lab.trade(TEN, 10, id=number)
    assert lab.trade(TEN, 10, id=0).counts.duplicates == 1


def test_symbols_have_ids_of_their_own() -> None:
    lab = Lab()
    lab.trade(TEN, 10, id=1)
    assert lab.trade(TEN, 10, symbol="B-USD", id=1).counts.duplicates == 0


def test_a_refused_trade_leaves_its_id_free() -> None:
    lab = Lab()
    lab.trade(TEN, 10**15, 1, id="1")
    assert len(lab.rejected) == 1
    assert lab.trade(TEN, 10, 1, id="1").counts.rows == 1


def test_a_late_trade_is_a_duplicate_too_and_its_id_is_remembered() -> None:
    lab = Lab()
    lab.trade(TEN, 10, id=1)
    lab.trade(TEN + MINUTE, 10, id=2)
    assert lab.trade(TEN, 10, id=1).counts.duplicates == 1
    assert lab.trade(TEN, 10, id=3).counts.amended == 1
    assert lab.trade(TEN, 10, id=3).counts.duplicates == 1


@pytest.mark.parametrize(("ahead", "accepted"), [(60 * SECOND, True), (60 * SECOND + 1, False)])
def test_a_trade_may_be_a_minute_ahead_of_its_append_time(ahead: int, accepted: bool) -> None:
    lab = Lab()
    lab.send({"symbol": "A-USD", "ts": TEN + ahead, "price": 10, "size": 1}, append_ts=TEN)
    reason = f"ts: {TEN + ahead} is 60.0 s ahead of the record's append time"
    assert [one.reason for one in lab.rejected] == ([] if accepted else [reason])


def test_the_bound_is_a_setting_and_an_unknown_append_time_bounds_nothing() -> None:
    lab = Lab(config=EngineConfig(future_bound_ns=0))
    tick = {"symbol": "A-USD", "ts": TEN, "price": 10, "size": 1}
    lab.send(tick, append_ts=TEN - 1)
    assert len(lab.rejected) == 1
    lab.send(tick)
    lab.send(tick, append_ts=TEN)
    assert len(lab.rejected) == 1


def test_a_finer_trade_widens_what_was_summed_before() -> None:
    lab = Lab(watch("volume_day", "vwap", "volume(1m)"))
    lab.trade(TEN, 10, 3)
    lab.trade(TEN + 1, 10.123456789, 0.5)
    lab.trade(TEN + 2, 10.5, 0.00000001)
    assert (lab.newest("volume_day"), lab.newest("volume(1m)")) == (3.50000001, 3.50000001)
    notional = 10_000_000_000 * 300_000_000 + 10_123_456_789 * 50_000_000 + 10_500_000_000 * 1
    assert lab.newest("vwap") == float(notional) / float(350_000_001) / 10**9
    lab.beat(TEN + MINUTE)
    assert (lab.bars[0].volume, lab.bars[0].trades) == (3.50000001, 3)


@pytest.mark.parametrize(
    ("price", "size", "accepted"),
    [
        (999_999_999_999_999, 1, True),
        (1_000_000_000_000_000, 1, False),
        (99_999.9999999999, 1, False),
        (1.1234567891, 1, False),
        (1.123456789, 1, True),
        (1, 0.00000001, True),
        (1, 0.000000001, False),
        (1, 999_999_999_999_999, True),
        (1, 1_000_000_000_000_000, False),
        (2**31 - 1, 2**31, True),
        (2**31, 2**31, False),
    ],
)
def test_what_does_not_fit_is_refused(price: float, size: float, accepted: bool) -> None:
    lab = Lab()
    lab.trade(TEN, price, size)
    lab.beat(TEN + MINUTE)
    assert (len(lab.rejected), len(lab.bars)) == ((0, 1) if accepted else (1, 0))


def test_scales_of_earlier_trades_count_and_those_of_refused_ones_do_not() -> None:
    lab = Lab()
    lab.trade(TEN, 0.123456789, 1)
    lab.trade(TEN, 999_999, 1)
    lab.trade(TEN, 1_000_000, 1)
    assert [one.offset for one in lab.rejected] == [2]
    other = Lab()
    other.trade(TEN, 10**8 + 0.123456789, 1)
    other.trade(TEN, 1, 10**8 + 0.12345678)
    other.trade(TEN, 10**9, 10**6)
    assert [one.offset for one in other.rejected] == [0, 1]


MOST = 10**15 - 1
FITTING = (2**62 - 1) // MOST
"""So many trades of the largest size fit into a day."""


def nearly_full(*metrics: str) -> Lab:
    """A day in which one more trade of the largest size does not fit."""
    lab = Lab(watch(*metrics))
    lab.send(*[{"symbol": "A-USD", "ts": TEN, "price": 1, "size": MOST}] * (FITTING + 3))
    assert [one.offset for one in lab.rejected] == [FITTING + 1, FITTING + 2, FITTING + 3]
    return lab


def test_the_volume_of_a_day_must_fit_to_the_last_unit() -> None:
    lab = nearly_full("volume_day")
    assert lab.newest("volume_day") == float(FITTING * MOST)
    rest = 2**62 - 1 - FITTING * MOST
    lab.trade(TEN, 1, rest + 1)
    assert len(lab.rejected) == 4
    lab.trade(TEN, 1, rest)
    assert len(lab.rejected) == 4
    lab.trade(TEN, 1, 1)
    assert len(lab.rejected) == 5
    lab.trade(TEN, 2, 1, flags=1)
    lab.trade(TEN, 1, 0.5)
    assert len(lab.rejected) == 6
    lab.beat(TEN + MINUTE)
    assert lab.bars[0].trades == FITTING + 1
    assert lab.bars[0].volume == float(2**62 - 1)


def test_a_full_day_leaves_room_for_the_next() -> None:
    lab = nearly_full("volume_day")
    lab.beat(TEN + DAY)
    for size in (0.5, 10**13):
        lab.trade(TEN + DAY, 1, size)
    assert len(lab.rejected) == 3
    assert lab.newest("volume_day") == 10**13 + 0.5


def test_a_trade_refused_for_the_days_volume_leaves_the_scale_as_it_was() -> None:
    lab = Lab(watch("volume_day"))
    lab.send(*[{"symbol": "A-USD", "ts": TEN, "price": 1, "size": MOST}] * 461)
    lab.trade(TEN, 1, 10**14)
    lab.trade(TEN, 1, 99_999_999_999_999.5)
    assert [one.offset for one in lab.rejected] == [463]
    lab.trade(TEN, 1, MOST)
    assert lab.newest("volume_day") == float(462 * MOST + 10**14)


def test_the_rest_of_a_chunk_goes_on_after_a_bad_record() -> None:
    lab = Lab()
    good = {"symbol": "A-USD", "ts": TEN, "price": 10, "size": 1}
    lab.send(good, b"{", good | {"price": 0}, good | {"size": -1}, good | {"ts": 1}, good | {"symbol": "?"}, good)
    lab.beat(TEN + MINUTE)
    assert [(one.offset, one.reason.partition(":")[0]) for one in sorted(lab.rejected, key=lambda r: r.offset)] == [
        (1, "json"),
        (2, "price"),
        (3, "size"),
        (4, "ts"),
        (5, "symbol"),
    ]
    assert lab.bars[0].trades == 2
