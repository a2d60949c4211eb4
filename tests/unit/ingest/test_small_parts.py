"""The small steps between a provider and the log: heartbeats, checks, flags of conditions, keys of ids, pace."""

import asyncio
import math
from collections.abc import Collection

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.intake import PRICE_DECIMALS, SIZE_DECIMALS
from ingest.conditions import Tape, eligibility
from ingest.heartbeats import NOT_STARTED, heartbeats
from ingest.normalise import unfit
from ingest.pace import Pace
from ingest.trade_ids import number_keys
from schemas.batch import Trades, trade_keys
from schemas.symbols import INVALID_SYMBOL, REFUSALS
from schemas.tick import Eligibility

SECOND_NS = 10**9
T = 1_700_000_000 * SECOND_NS
ALL = Eligibility.LAST | Eligibility.HIGH_LOW | Eligibility.VOLUME


@given(st.lists(st.integers(0, 20 * SECOND_NS), max_size=30), st.data())
def test_a_heartbeat_stands_before_the_first_tick_of_each_second(times: list[int], data: st.DataObject) -> None:
    rows, beats, newest = heartbeats(np.array(times, np.int64))
    expected, reached = [], NOT_STARTED
    for row, ts in enumerate(times):
        if ts // SECOND_NS * SECOND_NS > reached:
            reached = ts // SECOND_NS * SECOND_NS
            expected.append((row, reached))
    assert list(zip(rows.tolist(), beats.tolist(), strict=True)) == expected
    cut = data.draw(st.integers(0, len(times)))
    first = heartbeats(np.array(times[:cut], np.int64))
    second = heartbeats(np.array(times[cut:], np.int64), first[2])
    assert [*first[0].tolist(), *(cut + second[0]).tolist()] == rows.tolist()
    assert second[2] == newest


def test_each_limit_of_a_tick_has_its_reason_and_the_first_counts() -> None:
    rows = [
        (0, T, 1.0, 1.0, None),
        (INVALID_SYMBOL, 5, 1.0, 1.0, REFUSALS[INVALID_SYMBOL]),
        (0, 5, -1.0, 1.0, "ts: 5 is no time in UTC nanoseconds from 1973 to 2099"),
        (0, T + 61 * SECOND_NS, 1.0, 1.0, "ts: 61.0 s ahead of the clock"),
        (0, T + 60 * SECOND_NS, 1.0, 1.0, None),
        (0, T, math.nan, 1.0, "price: nan is not a finite number above 0"),
        (0, T, math.inf, 1.0, "price: inf is not a finite number above 0"),
        (0, T, 1.0, 0.0, "size: 0.0 is not a finite number above 0"),
        (0, T, 1.0, -math.inf, "size: -inf is not a finite number above 0"),
        (0, T, 0.0000000001, 1.0, PRICE_DECIMALS),
        (0, T, 0.123456789, 0.12345678, None),
        (0, T, 1.0, 0.123456789, SIZE_DECIMALS),
        (0, T, 1e15, 1.0, PRICE_DECIMALS),
        (0, T, 123_456.789, 999_999_999_999_999.0, None),
    ]
    trades = Trades.empty()
    trades.symbol, trades.ts = np.array([r[0] for r in rows], np.int32), np.array([r[1] for r in rows], np.int64)
    trades.price, trades.size = np.array([r[2] for r in rows]), np.array([r[3] for r in rows])
    assert unfit(trades, T) == {row: values[4] for row, values in enumerate(rows) if values[4] is not None}


@pytest.mark.parametrize(
    ("conditions", "session", "tape", "first", "flags"),
    [
        ([], "regular", None, False, ALL),
        (["@"], "regular", "C", False, ALL),
        (["T"], "pre", "C", False, ALL),
        (["T"], "regular", "C", False, Eligibility.VOLUME),
        (["@", "I"], "regular", "C", False, Eligibility.VOLUME),
        (["B"], "regular", "A", False, Eligibility.VOLUME),
        (["B"], "regular", "C", False, ALL),
        (["B"], "regular", None, False, Eligibility.VOLUME),
        (["M"], "regular", "C", False, Eligibility(0)),
        (["Z"], "regular", "A", False, Eligibility.HIGH_LOW | Eligibility.VOLUME),
        (["Z"], "regular", "A", True, ALL),
        (["O"], "regular", "C", False, ALL | Eligibility.OPENING),
        (["6"], "regular", "A", False, ALL | Eligibility.CLOSING),
        (["6", "I"], "regular", "A", False, Eligibility.VOLUME),
        (["9"], "post", "A", False, Eligibility.LAST | Eligibility.HIGH_LOW),
        (["?"], "regular", "A", False, Eligibility.VOLUME),
    ],
)
def test_conditions_decide_what_a_print_may_do(
    conditions: Collection[str], session: str, tape: Tape | None, first: bool, flags: Eligibility
) -> None:
    assert eligibility(conditions, session, tape, first) == flags


@given(
    st.lists(st.sampled_from("@ABCDEFGHIKLMNOPQRSTUVWXYZ145679?"), max_size=4), st.sampled_from("ABC"), st.booleans()
)
def test_a_print_that_sets_the_price_may_set_extremes(conditions: list[str], tape: Tape, first: bool) -> None:
    flags = eligibility(conditions, "regular", tape, first)
    assert not flags & Eligibility.LAST or flags & Eligibility.HIGH_LOW
    assert flags & Eligibility.LAST or not flags & (Eligibility.OPENING | Eligibility.CLOSING)


@given(
    st.lists(st.tuples(st.integers(0, 10**12 + 5) | st.integers(0, 99_999) | st.just(2**62), st.integers(0, 2))),
    st.sampled_from([("Q", "PZ", None), ("Q", "LONG EXCHANGE", None)]),
)
def test_keys_of_numbers_in_bulk_are_those_one_by_one(
    rows: list[tuple[int, int]], exchanges: tuple[str | None, ...]
) -> None:
    ids, codes = np.array([r[0] for r in rows], np.int64), np.array([r[1] for r in rows], np.uint8)
    high, low = number_keys(codes, exchanges, ids)
    expected = trade_keys([exchanges[code] for _, code in rows], [number or None for number, _ in rows])
    assert (high.tolist(), low.tolist()) == (expected[0].tolist(), expected[1].tolist())


class Clock:
    """A clock that goes on only where a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


TIMES = np.array([0, 4, 9, 10, 10, 35, 20, 40], np.int64) * 1_000_000


@pytest.mark.parametrize(
    ("speed", "slices"),
    [
        (1, [(0, 3), (3, 5), (5, 7), (7, 8)]),
        (4, [(0, 7), (7, 8)]),
        (1_000, [(0, 8)]),
        (0.1, [(0, 1), (1, 2), (2, 3), (3, 5), (5, 7), (7, 8)]),
    ],
)
def test_rows_that_are_due_together_go_together(speed: float, slices: list[tuple[int, int]]) -> None:
    pace = Pace(speed, clock=Clock())
    steps = list(pace.steps(T + TIMES))
    assert [(part.start, part.stop) for part, _ in steps] == slices
    assert [until - T for _, until in steps] == [int(TIMES[:end].max()) for _, end in slices]
    assert list(pace.steps(TIMES[:0])) == []


@pytest.mark.parametrize(("speed", "event_s"), [(1.0, 5), (60.0, 300), (0.5, 2.5)])
def test_nothing_is_due_before_its_time_at_any_speed(speed: float, event_s: float) -> None:
    async def check() -> None:
        clock, stop = Clock(), asyncio.Event()
        pace = Pace(speed, clock=clock)
        list(pace.steps(np.array([T])))
        due = T + round(event_s * SECOND_NS)
        clock.now = 104.9
        waiting = asyncio.create_task(pace.wait(due + 3_600 * SECOND_NS, stop))
        await asyncio.sleep(0)
        assert not waiting.done()
        stop.set()
        assert not await waiting
        clock.now = 105.0
        assert await pace.wait(due, asyncio.Event())
        clock.now = 500.0
        assert await pace.wait(due, asyncio.Event()), "who is behind does not wait"

    asyncio.run(check())


def test_the_end_of_the_time_ends_the_pace() -> None:
    async def check() -> None:
        clock, stop = Clock(), asyncio.Event()
        pace = Pace(2.0, for_s=10, clock=clock)
        list(pace.steps(np.array([T])))
        clock.now = 111.0
        assert await pace.wait(T + 20 * SECOND_NS, stop)
        assert not await pace.wait(T + 20 * SECOND_NS + 1, stop)
        assert stop.is_set()

    asyncio.run(check())
