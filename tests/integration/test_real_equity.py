"""A recorded day of consolidated prints gives the vendor's minutes, and the day's figures as counted one by one."""

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from schemas.bar import Bar
from schemas.control import encode_heartbeat
from schemas.partitioning import partition_of
from schemas.tick import Eligibility, encode_tick
from tests.support.lab import DAY, MINUTE, Lab, watch
from tests.support.lean import (
    CLOSE_MS,
    MS_NS,
    OPEN_MS,
    Print,
    VendorBar,
    closing_print_inside,
    flags,
    midnight_ns,
    read_minutes,
    read_prints,
    ticks,
)
from tests.support.real_data import real_data
from tests.support.scanning import all_committed, make_topics, role, running_worker, told
from tests.support.tick_log import PARTITIONS, write

pytestmark = pytest.mark.real_data

SYMBOL = "AIG"
TODAY = date(2013, 10, 7)
START = midnight_ns(TODAY)
OPEN, CLOSE = START + OPEN_MS * MS_NS, START + CLOSE_MS * MS_NS
METRICS = ("day_open", "day_high", "day_low", "volume_day", "vwap")
LAST, HIGH_LOW, VOLUME = Eligibility.LAST, Eligibility.HIGH_LOW, Eligibility.VOLUME


@pytest.fixture(scope="module")
def folder() -> Path:
    return real_data("us_equity")


@pytest.fixture(scope="module")
def prints(folder: Path) -> list[Print]:
    return read_prints(folder / "20131007_aig_tick_trade.csv.gz")


@pytest.fixture(scope="module")
def theirs(folder: Path) -> dict[int, VendorBar]:
    """The vendor's minutes of the regular session, by start."""
    bars = read_minutes(folder / "20131007_aig_minute_trade.csv.gz")
    return {START + bar.ms * MS_NS: bar for bar in bars if OPEN_MS <= bar.ms < CLOSE_MS}


def values_of(prints: list[Print]) -> list[bytes]:
    """The prints as records, and time that ends the day."""
    return [*map(encode_tick, ticks(prints, SYMBOL, TODAY)), encode_heartbeat("test", START + DAY)]


@pytest.fixture(scope="module")
def day(prints: list[Print]) -> Lab:
    """The engine after the day as it was."""
    lab = Lab(watch(*METRICS))
    lab.send(*values_of(prints))
    assert lab.rejected == []
    return lab


def assert_volume_and_envelope(ours: dict[int, Bar], theirs: dict[int, VendorBar]) -> None:
    """The vendor leaves out some prints as outliers, by rules it does not tell; what it keeps lies within ours."""
    assert len(theirs) == 389
    assert sum(ours[start].volume == bar.volume for start, bar in theirs.items()) >= 386
    assert [
        start for start, bar in theirs.items() if not ours[start].low <= bar.low <= bar.high <= ours[start].high
    ] == []


def test_prints_give_the_vendors_minutes(prints: list[Print], theirs: dict[int, VendorBar]) -> None:
    lab = Lab()
    result = lab.send(*values_of(closing_print_inside(prints)))
    assert (lab.rejected, result.late, result.counts.duplicates) == ([], [], 0)
    assert_volume_and_envelope({bar.start: bar for bar in lab.bars_of("1m", SYMBOL)}, theirs)


def test_the_closing_print_belongs_to_the_minute_of_its_time_and_sets_the_close(day: Lab) -> None:
    by_start = {bar.start: bar for bar in day.bars_of("1m", SYMBOL)}
    assert by_start[CLOSE].volume > 253_146
    assert by_start[CLOSE].session == "post"
    (whole,) = day.bars_of("1d", SYMBOL)
    assert whole.close == 48.73


@pytest.mark.parametrize(
    ("timeframe", "length"), [("1m", MINUTE), ("5m", 5 * MINUTE), ("15m", 15 * MINUTE), ("1h", 60 * MINUTE)]
)
def test_every_bar_holds_what_was_printed_in_it(day: Lab, prints: list[Print], timeframe: str, length: int) -> None:
    def start_of(one: Print) -> int:
        ts = START + one.ms * MS_NS
        begin = {"pre": START + 4 * 60 * MINUTE, "regular": OPEN, "post": CLOSE}[one.session]
        return ts - (ts - begin) % length if timeframe == "1h" else ts - ts % length

    priced = {(one.ms // 60_000) for one, may in flagged(prints) if may & LAST}
    inside: dict[int, list[tuple[Print, Eligibility]]] = {}
    for one, may in flagged(prints):
        if one.ms // 60_000 in priced:
            inside.setdefault(start_of(one), []).append((one, may))
    expected = {start: by_hand(given) for start, given in inside.items()}
    bars = day.bars_of(timeframe, SYMBOL)
    assert {bar.start: (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades) for bar in bars} == expected
    for bar in bars:
        assert bar.session == ("pre" if bar.start < OPEN else "regular" if bar.start < CLOSE else "post")
        assert bar.rev == 0


def flagged(prints: list[Print]) -> Iterator[tuple[Print, Eligibility]]:
    """Each print and what it may do."""
    priced = False
    for one in prints:
        may = flags(one, not priced)
        priced |= bool(may & LAST)
        yield one, may


def by_hand(given: list[tuple[Print, Eligibility]]) -> tuple[float, float, float, float, float, int]:
    """The figures of a bar over prints in order."""
    last = [one.price for one, may in given if may & LAST]
    extremes = [one.price for one, may in given if may & (HIGH_LOW | LAST)]
    sizes = [one.size for one, may in given if may & VOLUME]
    return last[0], max(extremes), min(extremes), last[-1], float(sum(sizes)), len(sizes)


def test_the_day_is_what_its_prints_add_up_to(day: Lab, prints: list[Print]) -> None:
    given = list(flagged(prints))
    regular = [(one, may) for one, may in given if one.session == "regular"]
    opening = next(one.price for one, may in given if may & LAST and may & Eligibility.OPENING)
    closing = [one.price for one, may in given if may & LAST and may & Eligibility.CLOSING and one.session != "pre"]
    extremes = [one.price for one, may in regular if may & HIGH_LOW]
    sizes = [one.size for one, may in given if may & VOLUME]
    weighted = [(round(one.price * 10_000) * one.size, one.size) for one, may in given if may & LAST and may & VOLUME]
    (bar,) = day.bars_of("1d", SYMBOL)
    assert (bar.start, bar.session) == (START + 4 * 60 * MINUTE, "regular")
    assert (bar.open, bar.close) == (opening, closing[-1])
    assert (bar.high, bar.low) == (max(extremes), min(extremes))
    assert (bar.volume, bar.trades) == (sum(sizes), len(sizes))
    exact = sum(notional for notional, _ in weighted) / sum(size for _, size in weighted) / 10_000
    assert bar.vwap == pytest.approx(exact, rel=1e-14)


def test_the_days_running_figures_end_where_its_bar_does(day: Lab, prints: list[Print]) -> None:
    (bar,) = day.bars_of("1d", SYMBOL)
    newest = {metric: day.newest(metric) for metric in METRICS}
    assert (newest["day_open"], newest["day_high"], newest["day_low"]) == (bar.open, bar.high, bar.low)
    assert newest["volume_day"] == bar.volume
    session = [one for one, may in flagged(prints) if one.session != "pre" and may & LAST and may & VOLUME]
    since_open = sum(one.price * one.size for one in session) / sum(one.size for one in session)
    assert newest["vwap"] == pytest.approx(since_open, rel=1e-12)


def test_alerts_carry_the_session_of_their_row(day: Lab) -> None:
    found = {(body.session, body.ts < OPEN, body.ts < CLOSE) for body in (alert.body for alert in day.alerts)}
    assert found == {("pre", True, True), ("regular", False, True), ("post", False, False)}


def test_the_worker_on_kafka_gives_the_same_day(
    kafka_runtime: KafkaRuntime, prints: list[Print], day: Lab, tmp_path: Path
) -> None:
    async def check(bootstrap: str) -> None:
        await make_topics(bootstrap)
        async with running_worker(role(bootstrap, tmp_path / "one")):
            await write(bootstrap, {partition_of(SYMBOL, PARTITIONS): values_of(prints)})
            await all_committed(bootstrap)
        answer, _ = await told(bootstrap)
        assert answer.bars == {(bar.symbol, bar.timeframe, bar.start): bar for bar in day.bars}

    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        asyncio.run(check(broker.bootstrap))
