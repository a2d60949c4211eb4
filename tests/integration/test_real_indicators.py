"""Indicators over recorded markets equal TA-Lib's batch functions over the recorded closes, restarted or not."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

import pytest

from schemas.control import encode_heartbeat
from schemas.tick import TickRecord, encode_tick
from tests.support.kraken import SYMBOL as COIN
from tests.support.kraken import log_of, read_ticks
from tests.support.lab import DAY, HOUR, MINUTE, Lab, watch
from tests.support.lean import CLOSE_MS, MS_NS, OPEN_MS, midnight_ns, read_minutes
from tests.support.oracle import LENGTHS, assert_equal, at_closes, null_where_still, theirs
from tests.support.real_data import real_data

pytestmark = pytest.mark.real_data

STOCK = "AIG"
DATES = [date(2013, 10, day) for day in (4, 7, 8, 9, 10, 11)]
BARS = {"1m": (20, 14), "5m": (20, 14), "15m": (9, 7), "1h": (3, 2), "1d": (3, 2)}


def metrics_of(timeframe: str) -> dict[str, tuple[str, int]]:
    """Canonical text of each metric, with its TA-Lib function and number of bars."""
    average, strength = BARS[timeframe]
    named = {f"{name}({average}, {timeframe})": (name, average) for name in ("sma", "ema")}
    return named | {f"rsi({strength}, {timeframe})": ("rsi", strength)}


ALL = [metric for timeframe in BARS for metric in metrics_of(timeframe)]


def through(chunks: Sequence[Sequence[bytes]], restarts: bool) -> Lab:
    """The chunks through the engine, with a restart from all pieces of state between them or not."""
    lab = Lab(watch(*ALL))
    for chunk in chunks:
        lab.send(*chunk)
        if restarts:
            lab.restart()
    assert lab.rejected == []
    return lab


def assert_like_talib(lab: Lab, closes: Sequence[float], ends: Sequence[int], timeframe: str) -> None:
    assert len(closes) > BARS[timeframe][0]
    for metric, (name, bars) in metrics_of(timeframe).items():
        expected = theirs(name, bars, closes)
        if name == "rsi":
            expected = null_where_still(expected, closes, bars)
        assert_equal(at_closes(lab, metric, ends), expected)


def split(values: Sequence[bytes], parts: int) -> list[Sequence[bytes]]:
    """Into parts of about the same size."""
    size = len(values) // parts + 1
    return [values[start : start + size] for start in range(0, len(values), size)]


@pytest.mark.parametrize("restarts", [False, True])
def test_over_an_exchanges_trades_with_gaps(restarts: bool) -> None:
    ticks = read_ticks(real_data("kraken") / "xbtusdt_trades.csv")
    lab = through(split([record.value for record in log_of(ticks) if record.value], 17), restarts)
    for timeframe in ("1m", "5m", "15m", "1h"):
        newest = {tick.ts // LENGTHS[timeframe]: tick.price for tick in ticks}
        ends = [(number + 1) * LENGTHS[timeframe] for number in newest]
        assert_like_talib(lab, list(newest.values()), ends, timeframe)
        assert len(lab.bars_of(timeframe, COIN)) == len(newest)


def recorded_days() -> dict[date, list[tuple[int, float]]]:
    """Start and close of each recorded minute."""
    folder = real_data("us_equity")
    return {
        day: [
            (midnight_ns(day) + bar.ms * MS_NS, bar.close)
            for bar in read_minutes(folder / f"{day:%Y%m%d}_aig_minute_trade.csv.gz")
        ]
        for day in DATES
    }


def end_of(start: int, day: date, timeframe: str) -> int:
    """End of the bar that this minute is in; only hours are cut at the edges of sessions."""
    edges = [midnight_ns(day) + since for since in (4 * HOUR, OPEN_MS * MS_NS, CLOSE_MS * MS_NS, 20 * HOUR)]
    if timeframe == "1d":
        return edges[-1]
    if timeframe != "1h":
        return (start // LENGTHS[timeframe] + 1) * LENGTHS[timeframe]
    begin, end = next((begin, end) for begin, end in pairwise(edges) if begin <= start < end)
    return min(begin + ((start - begin) // HOUR + 1) * HOUR, end)


def closes_of(days: Mapping[date, Sequence[tuple[int, float]]], timeframe: str) -> dict[int, float]:
    """By end of the bar; days by their newest regular close."""
    found: dict[int, float] = {}
    for day, minutes in days.items():
        midnight = midnight_ns(day)
        for start, close in minutes:
            if timeframe != "1d" or OPEN_MS * MS_NS <= start - midnight < CLOSE_MS * MS_NS:
                found[end_of(start, day, timeframe)] = close
    return found


@pytest.mark.parametrize("restarts", [False, True])
def test_over_six_sessions_of_an_equity(restarts: bool) -> None:
    days = recorded_days()
    values: list[bytes] = []
    for day, minutes in days.items():
        ticks = [TickRecord(symbol=STOCK, ts=start + MINUTE // 2, price=close, size=100.0) for start, close in minutes]
        values += [*map(encode_tick, ticks), encode_heartbeat("test", midnight_ns(day) + DAY)]
    lab = through(split(values, 23), restarts)
    for timeframe in BARS:
        closes = closes_of(days, timeframe)
        assert_like_talib(lab, list(closes.values()), list(closes), timeframe)
        assert len(lab.bars_of(timeframe, STOCK)) == len(closes)
