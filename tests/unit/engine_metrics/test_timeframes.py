"""The ten timeframes: where their bars begin and end, the order in which they close, and rings made anew."""

from dataclasses import replace

from schemas.bar import TIMEFRAMES
from schemas.control import encode_rule_set_switch
from tests.support.engine_runs import RuleSets, engine_outcome, twin_outcome
from tests.support.markets import Market, new_york
from tests.unit.engine_metrics.story import Story


def test_all_ten_are_published() -> None:
    story = Story("price")
    story.trade("2025-11-03T10:00:00", 100)
    story.time("2025-11-03T20:00:00")
    assert [bar.timeframe for bar in story.bars()] == list(TIMEFRAMES)


def test_long_bars_begin_anew_with_each_session() -> None:
    story = Story("price")
    for hour in ("04:00", "07:59", "08:00", "09:29", "09:30", "13:29", "13:30", "15:59", "16:00", "19:59"):
        story.trade(f"2025-11-03T{hour}:00", 100)
    story.time("2025-11-03T20:00:00")
    starts = [bar.start for bar in story.bars() if bar.timeframe == "4h"]
    assert starts == [new_york(f"2025-11-03T{at}:00") for at in ("04:00", "08:00", "09:30", "13:30", "16:00")]


def test_bars_close_by_their_ends_before_their_lengths() -> None:
    """After 10:04 the 5m bar ends before the 2m bar that began last."""
    story = Story("price")
    story.trade("2025-11-03T10:00:00", 100)
    story.trade("2025-11-03T10:04:30", 100)
    story.time("2025-11-03T10:10:00")
    order = [bar.timeframe for bar in story.bars()]
    assert order == ["1m", "2m", "1m", "5m", "2m", "10m"]


def test_a_ring_is_made_of_its_base_when_a_rule_begins_to_use_it() -> None:
    for seed in range(3):
        sets = RuleSets()
        before = sets.add({"a": ("price > 0.0", 10**12)})
        used = ("sma(3, 2m)", "sma(2, 10m)", "ema(2, 30m)", "sma(2, 2h)")
        after = sets.add({metric: (f"{metric} != -1.5", 0) for metric in used})
        records = Market(seed, [before], pace=40.0).records(500)
        records[300] = replace(records[300], value=encode_rule_set_switch(after, 10**6))
        engine, twin = engine_outcome(records, sets), twin_outcome(records, sets)
        assert engine.alerts == twin.alerts
        assert all(any(metric.encode() in body for body in engine.alerts) for metric in used)
