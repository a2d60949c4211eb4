"""Running figures for screens: what they are, how many at a time, whose turn it is; and closes with very many."""

import json
from collections import Counter

import pytest

from engine.partition import Partition
from engine.rules.parser import parse_numbers
from engine.rules.plan import Asked, compile_rule_set
from infra.calendars import load_calendars
from schemas.batch import Chunk
from schemas.control import encode_heartbeat
from schemas.decode import decode_chunk
from schemas.metrics import NAMES_PER_RECORD, MetricValues

SECOND_NS = 1_000_000_000
START_NS = 1_767_600_000 * SECOND_NS  # a whole minute


class Log:
    """A partition that is fed trades of pairs, one a second each."""

    def __init__(self, asked: str) -> None:
        plan = compile_rule_set("", (), {}, Asked(parse_numbers(asked)))
        self.partition = Partition(0, None, load_calendars(), without_rules=plan)
        self.told: list[MetricValues] = []
        self._offset, self._second = -1, 0

    def trades(self, symbols: int, price: float) -> None:
        """A trade of each."""
        self._second += 1
        ts = START_NS + self._second * SECOND_NS
        self._feed(
            [
                json.dumps({"symbol": f"C{n}-USD", "ts": ts, "price": price + n, "size": 2}).encode()
                for n in range(symbols)
            ]
        )

    def minute_ends(self) -> None:
        """By a heartbeat."""
        self._second = (self._second // 60 + 1) * 60
        self._feed([encode_heartbeat("test", START_NS + self._second * SECOND_NS)])

    def _feed(self, values: list[bytes]) -> None:
        offsets = range(self._offset + 1, self._offset + 1 + len(values))
        self._offset = offsets[-1]
        batch = decode_chunk(Chunk(offsets, list(values), [-1] * len(values)), self.partition.symbols)
        self.told += self.partition.step(batch, {}).metrics

    def running(self, most: int = 1_000) -> dict[str, dict[str, float | None]]:
        """By symbol and name."""
        self.partition.live()
        given = self.partition.live_figures(most)
        return {one.symbol: dict(zip(given.names, one.values, strict=True)) for one in given.metrics}


def test_they_are_those_of_the_newest_row_and_only_of_what_changed() -> None:
    log = Log("price, volume(5m), sma(2, 1m), prev(price), price - prev(price)")
    log.trades(2, 10.0)
    first = log.running()
    assert sorted(first) == ["C0-USD", "C1-USD"]
    assert first["C1-USD"].keys() == {"price", "volume(5m)", "sma(2, 1m)"}, "what looks at the row before is left out"
    assert (first["C1-USD"]["price"], first["C1-USD"]["volume(5m)"]) == (11.0, 2.0)
    assert log.running() == {}
    log.minute_ends()
    log.trades(1, 20.0)
    log.trades(1, 30.0)
    found = log.running()
    assert found["C0-USD"] == {"price": 30.0, "volume(5m)": 6.0, "sma(2, 1m)": 20.0}
    assert {one.symbol: dict(one.existing()) for one in log.told if one.timeframe == "1m"} == {
        "C0-USD": {"price": 10.0},
        "C1-USD": {"price": 11.0},
    }


@pytest.mark.parametrize("most", [1, 4, 7])
def test_symbols_take_turns_within_the_bound(most: int) -> None:
    log, given = Log("price, vwap"), Counter[str]()
    for number in range(30):
        log.trades(10, 5.0 + number)
        found = log.running(most)
        assert sum(map(len, found.values())) <= max(most, 1)
        given.update(found.keys())
    assert max(given.values()) - min(given.values()) <= 1
    assert len(given) == 10


def test_nothing_is_running_where_nothing_is_asked_for_or_wanted() -> None:
    log = Log("price")
    log.trades(3, 5.0)
    assert log.running(0) == {}
    assert Partition(0, None, load_calendars()).live_figures(100).metrics == []


def test_a_close_with_very_many_figures_has_several_records() -> None:
    asked = [f"sma({n}, 1m)" for n in range(1, 201)] + [f"ema({n}, 1m)" for n in range(1, 60)]
    plan = compile_rule_set("", (), {}, Asked(tuple(node for text in asked for node in parse_numbers(text))))
    log = Log("price")
    log.partition = Partition(0, None, load_calendars(), without_rules=plan)
    log.trades(1, 10.0)
    log.minute_ends()
    first, second = log.told
    assert (len(first.names), len(second.names)) == (NAMES_PER_RECORD, 259 - NAMES_PER_RECORD)
    assert first.start == second.start == START_NS
    assert {name for name, _ in [*first.existing(), *second.existing()]} == {"sma(1, 1m)", "ema(1, 1m)"}
