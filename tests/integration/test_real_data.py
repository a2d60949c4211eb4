"""Recorded trades of an exchange give that exchange's own bars, through the provider, Kafka and a scan worker."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from ingest.registry import make_provider
from ingest.run import IngestConfig, IngestProgress, run_ingest
from schemas.bar import Bar, decode_bar
from schemas.control import encode_heartbeat, encode_rule_set_switch
from schemas.rule import EACH_ROW, RuleBody
from tests.support.engine_runs import Outcome, RuleSets, engine_outcome
from tests.support.kraken import (
    COLUMN_MAP,
    MINUTE_NS,
    SYMBOL,
    ExchangeBar,
    exact_ns,
    log_of,
    read_bars,
    read_ticks,
    rolled_up,
)
from tests.support.real_data import real_data
from tests.support.scanning import all_committed, make_topics, role, running_worker, told
from tests.support.tick_log import PARTITIONS, write
from tests.support.twin import Record

pytestmark = pytest.mark.real_data

CUT_OFF = 0.1
"""The exchange gives a vwap with one decimal and leaves out the rest."""

LENGTHS = {"1m": MINUTE_NS, "5m": 5 * MINUTE_NS, "15m": 15 * MINUTE_NS, "1h": 60 * MINUTE_NS}


@pytest.fixture(scope="module")
def folder() -> Path:
    return real_data("kraken")


@pytest.fixture
def broker(folder: Path, kafka_runtime: KafkaRuntime, tmp_path: Path) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        asyncio.run(make_topics(broker.bootstrap))
        yield broker


def figures(bar: Bar) -> tuple[float, float, float, float, float, int]:
    return bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades


async def ingest(bootstrap: str, trades: Path, form: Literal["json", "frame"]) -> IngestProgress:
    """The file through the provider into the log, and time that closes every bar."""
    options = {"path": str(trades), "columns": COLUMN_MAP, "symbol": SYMBOL, "time_unit": "s", "source": "kraken"}
    done = await run_ingest(IngestConfig(bootstrap, form, 0), make_provider("file", options), asyncio.Event())
    late = encode_heartbeat("test", done.newest_ns + 2 * LENGTHS["1h"])
    await write(bootstrap, {number: [late] for number in range(PARTITIONS)})
    return done


def assert_same(ours: dict[int, Bar], theirs: dict[int, ExchangeBar]) -> None:
    """Bars by start. The first of ours lacks what was traded before the recording, so it is left out."""
    begun = min(ours)
    ours = {start: bar for start, bar in ours.items() if start > begun}
    theirs = {start: bar for start, bar in theirs.items() if start > begun}
    assert {start: figures(bar) for start, bar in ours.items()} == {s: bar.figures for s, bar in theirs.items()}
    for start, bar in ours.items():
        assert bar.vwap is not None
        assert abs(bar.vwap - float(theirs[start].vwap)) < CUT_OFF


@pytest.mark.parametrize("form", ["json", "frame"])
def test_the_exchanges_trades_give_the_exchanges_bars(
    broker: KafkaBroker, folder: Path, tmp_path: Path, form: Literal["json", "frame"]
) -> None:
    theirs = read_bars(folder / "xbtusdt_1m.csv")

    async def check() -> None:
        async with running_worker(role(broker.bootstrap, tmp_path / "one")):
            progress = await ingest(broker.bootstrap, folder / "xbtusdt_trades.csv", form)
            await all_committed(broker.bootstrap)
        assert (progress.ticks, progress.refused) == (1000, 0)
        answer, _ = await told(broker.bootstrap)
        assert answer.dead == set()
        assert {(bar.symbol, bar.session, bar.rev) for bar in answer.bars.values()} == {(SYMBOL, "regular", 0)}
        for timeframe, length in LENGTHS.items():
            ours = {start: bar for (_, name, start), bar in answer.bars.items() if name == timeframe}
            assert_same(ours, rolled_up(theirs.values(), length))
            assert timeframe != "1m" or len(ours) == 1 + 273

    asyncio.run(check())


def test_no_digit_of_a_time_is_lost(folder: Path) -> None:
    ticks = read_ticks(folder / "xbtusdt_trades.csv")
    assert ticks[0].ts == 1_762_795_433_971_744_500
    assert exact_ns("1762795433.123456789") == 1_762_795_433_123_456_789

    async def provided() -> list[int]:
        options = {"path": str(folder / "xbtusdt_trades.csv"), "columns": COLUMN_MAP, "symbol": SYMBOL}
        provider = make_provider("file", {**options, "time_unit": "s"})
        await provider.subscribe(["*"])
        return [int(ts) async for batch in provider.batches() for ts in batch.trades.ts]

    assert asyncio.run(provided()) == [tick.ts for tick in ticks]


def test_minutes_without_trades_have_no_bar(folder: Path) -> None:
    outcome = engine_outcome(log_of(read_ticks(folder / "xbtusdt_trades.csv")), RuleSets())
    starts = [bar.start for bar in map(decode_bar, outcome.bars[SYMBOL]) if bar.timeframe == "1m"]
    minutes = range(min(starts), max(starts) + 1, MINUTE_NS)
    assert len(set(minutes) - set(starts)) == 137


@dataclass(frozen=True)
class Recording:
    """The recorded log under two rules, and what it gives as one batch."""

    records: list[Record]
    sets: RuleSets
    whole: Outcome


@pytest.fixture(scope="module")
def recording(folder: Path) -> Recording:
    sets = RuleSets()
    rules = {
        "rsi": RuleBody("rsi(14, 1m) < 40", EACH_ROW, 0),
        "move": RuleBody("change_pct(5m) > 0.05 and volume_last(5m) > 0.1", EACH_ROW, 10**10),
    }
    records = log_of(read_ticks(folder / "xbtusdt_trades.csv"), [encode_rule_set_switch(sets.add(rules), 1)])
    return Recording(records, sets, engine_outcome(records, sets))


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(1, 1900), max_size=60))
def test_any_split_of_the_recording_gives_the_same_bytes(recording: Recording, cuts: list[int]) -> None:
    assert len(recording.whole.alerts) > 50
    assert engine_outcome(recording.records, recording.sets, cuts) == recording.whole
