"""Each alert is told once; a position is honoured wholly or not at all; prices are told in their newest state."""

import json

import pytest

from api.config import EdgeConfig
from api.hub import Hub
from api.messages import Position, Subscribe, Told
from api.quotes import QUOTES_PER_FRAME, Quotes
from infra.clickhouse import ClickHouseConfig
from schemas.live import LiveQuote


def hub(**limits: int) -> Hub:
    made = Hub(EdgeConfig("kafka:9092", ClickHouseConfig("localhost"), **limits))  # type: ignore[arg-type]  # numbers
    made.open("cluster", {0: 10, 1: 5}, {0: 10, 1: 5})
    return made


def alert(name: str, offset: int, partition: int = 0) -> Told:
    return Told(name, "A", "r", partition, offset, 0, f'"{name}"')


def quote(symbol: str, price: float) -> LiveQuote:
    return LiveQuote(symbol, 1, price, None, None, None, 0, None, "regular")


def prices(frames: list[str]) -> dict[str, float]:
    return {quote["symbol"]: quote["price"] for frame in frames for quote in json.loads(frame)["quotes"]}


def test_a_repeat_is_told_to_nobody() -> None:
    one = hub()
    assert [told.id for told in one.publish([alert("a", 10), alert("b", 11), alert("a", 12)])] == ["a", "b"]
    assert one.publish([alert("b", 13)]) == []
    assert (one.duplicates, [told.id for told in one.recent]) == (2, ["a", "b"])


def test_what_was_there_before_is_backlog_and_no_news() -> None:
    one = hub()
    assert one.publish([alert("old", 9), alert("new", 10)]) == [alert("new", 10)]
    client = one.join()
    assert one.subscribe(client, Subscribe(id=1, backlog=1)) == [alert("new", 10)]
    assert one.subscribe(client, Subscribe(id=2, backlog=9)) == [alert("old", 9), alert("new", 10)]
    assert one.subscribe(client, Subscribe(id=3)) == []
    assert one.subscribe(client, Subscribe(id=4, backlog=9, symbols=["B"])) == []


def test_the_memory_of_ids_is_bounded() -> None:
    one = hub(remembered_ids=2)
    for offset, name in enumerate("abc"):
        one.publish([alert(name, 10 + offset)])
    assert [told.id for told in one.publish([alert("c", 20), alert("a", 21)])] == ["a"]


@pytest.mark.parametrize(
    ("epoch", "offsets", "spans"),
    [
        ("cluster", {"0": 7, "1": 5}, {0: (7, 10), 1: (5, 5)}),
        ("cluster", {"0": 10, "1": 5}, {0: (10, 10), 1: (5, 5)}),
        ("another", {"0": 7, "1": 5}, None),
        ("cluster", {"0": 7}, None),
        ("cluster", {"0": 7, "1": 5, "2": 0}, None),
        ("cluster", {"0": 11, "1": 5}, None),
        ("cluster", {"0": -1, "1": 5}, None),
        ("cluster", {"0": 3, "1": 3}, {0: (3, 10), 1: (3, 5)}),
        ("cluster", {"0": 2, "1": 3}, None),
    ],
)
def test_a_position_is_honoured_wholly_or_not(
    epoch: str, offsets: dict[str, int], spans: dict[int, tuple[int, int]] | None
) -> None:
    assert hub(resume_limit=9).spans(Position(epoch, offsets)) == spans


def test_prices_a_client_missed_come_in_their_newest_state() -> None:
    quotes = Quotes()
    assert not quotes.tick()
    quotes.put([quote("A", 1), quote("B", 1), quote("A", 2)])
    assert quotes.tick()
    quotes.put([quote("B", 3)])
    quotes.tick()
    assert prices(list(quotes.frames_since(0, None))) == {"A": 2, "B": 3}
    assert prices(list(quotes.frames_since(1, None))) == {"B": 3}
    assert list(quotes.frames_since(2, None)) == []
    assert prices(list(quotes.frames_since(0, frozenset({"A", "unknown"})))) == {"A": 2}
    assert list(quotes.frames_since(1, frozenset({"A"}))) == []


def test_many_prices_come_in_several_frames() -> None:
    quotes = Quotes()
    quotes.put(quote(f"S{number}", number) for number in range(QUOTES_PER_FRAME + 1))
    quotes.tick()
    frames = list(quotes.frames_since(0, None))
    assert len(frames) == 2
    assert len(prices(frames)) == QUOTES_PER_FRAME + 1
