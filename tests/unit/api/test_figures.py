"""Of each symbol the newest figures are told, whatever came in which order, and each change once."""

import json
from typing import Any

import msgspec

from api.figures import SYMBOLS_PER_FRAME, Figures
from schemas.live import LiveFigures, LiveMetrics
from schemas.metrics import MetricValues
from tests.support.alerts import MINUTE_NS, START_NS, make_metrics


def told(figures: Figures, symbol: str = "ACME") -> dict[str, dict[str, Any]]:
    """By name."""
    return {one["name"]: one for one in json.loads(figures.text(symbol))["metrics"]}


def test_the_newest_of_a_close_and_a_running_value_counts() -> None:
    figures, close = Figures(), make_metrics(5)
    figures.put_closes([close, make_metrics(4)])
    assert told(figures)["ema(20, 1m)"] == {
        "name": "ema(20, 1m)",
        "value": 105.0,
        "unit": "$",
        "ts": close.ts,
        "timeframe": "1m",
        "closed": {"value": 105.0, "start": close.start},
    }
    for ts, value in ((close.ts - 1, 105.0), (close.ts, 7.0), (close.ts + 1, 8.0)):
        figures.put_running(LiveFigures(["ema(20, 1m)"], [LiveMetrics("ACME", ts, [7.0 + (ts > close.ts)])]))
        assert told(figures)["ema(20, 1m)"]["value"] == value
    assert told(figures)["ema(20, 1m)"]["closed"]["value"] == 105.0
    figures.put_closes([make_metrics(6)])
    assert told(figures)["ema(20, 1m)"]["value"] == 106.0


def test_several_records_of_a_close_are_one_and_a_later_close_replaces_them() -> None:
    figures, first = Figures(), make_metrics(5)
    more = msgspec.structs.replace(first, names=("close(1m) / vwap",), values=[1.5])
    figures.put_closes([first, more, first])
    assert sorted(told(figures)) == ["close(1m) / vwap", "ema(20, 1m)", "rsi(14, 1m)"]
    assert told(figures)["close(1m) / vwap"]["unit"] is None, "a price against a price is a plain number"
    figures.put_closes([make_metrics(6)])
    assert sorted(told(figures)) == ["ema(20, 1m)", "rsi(14, 1m)"], "no rule uses the other one any more"


def test_timeframes_stand_beside_each_other_and_unknown_names_have_no_unit() -> None:
    figures = Figures()
    five = MetricValues("ACME", "5m", START_NS, START_NS + 5 * MINUTE_NS - 1, ("of_tomorrow(3)",), [float("nan")])
    figures.put_closes([five, make_metrics(5)])
    found = told(figures)
    assert {name: one["timeframe"] for name, one in found.items()} == {
        "ema(20, 1m)": "1m",
        "rsi(14, 1m)": "1m",
        "of_tomorrow(3)": "5m",
    }
    assert (found["of_tomorrow(3)"]["unit"], found["of_tomorrow(3)"]["value"]) == (None, None)


def test_clients_hear_of_each_change_once_in_frames_of_bounded_size() -> None:
    figures = Figures()
    assert not figures.tick()
    names = [f"S{number:03}" for number in range(SYMBOLS_PER_FRAME + 7)]
    figures.put_closes(make_metrics(5, name) for name in names)
    assert figures.tick()
    frames = [json.loads(frame) for frame in figures.frames_since(0, [*names, "unknown"])]
    assert [len(frame["symbols"]) for frame in frames] == [SYMBOLS_PER_FRAME, 7]
    assert figures.frames_since(figures.version, names) == []
    figures.put_closes([make_metrics(4, names[0]), make_metrics(6, names[1])])
    assert figures.tick()
    (frame,) = figures.frames_since(figures.version - 1, names)
    assert [one["symbol"] for one in json.loads(frame)["symbols"]] == [names[1]], "an older close is no change"


def test_of_a_symbol_without_figures_there_are_none() -> None:
    figures = Figures()
    assert told(figures, "NONE") == {}
    assert "NONE" not in figures
