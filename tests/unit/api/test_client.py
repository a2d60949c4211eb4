"""What waits for a client is sent in order, never dropped, and bounded."""

import pytest

from api.client import ALERTS_PER_FRAME, SLOW, Client, wanted_of
from api.messages import Subscribe, Told


def alert(number: int, symbol: str = "A", rule: str = "r") -> Told:
    return Told(str(number), symbol, rule, 0, number, 0, str(number))


def client(max_alerts: int = 1000, max_bytes: int = 10_000, wanted: Subscribe | None = None) -> Client:
    made = Client(max_alerts, max_bytes)
    made.wanted = wanted_of(wanted or Subscribe(id=1))
    return made


def frames(of: Client) -> list[str]:
    found = []
    while (frame := of.next_frame()) is not None:
        found.append(frame)
    return found


def alerts(*numbers: int) -> str:
    return '{"push":"alert","alerts":[' + ",".join(str(number) for number in numbers) + "]}"


def test_alerts_that_follow_each_other_share_a_frame() -> None:
    one = client()
    one.offer([alert(1), alert(2)])
    one.say("hello")
    one.offer([alert(3)])
    assert frames(one) == [alerts(1, 2), "hello", alerts(3)]
    one.offer(alert(number) for number in range(ALERTS_PER_FRAME + 1))
    assert [frame.count(",") for frame in frames(one)] == [ALERTS_PER_FRAME, 1]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Subscribe(id=1), [1, 2, 3]),
        (Subscribe(id=1, symbols=["A"]), [1, 3]),
        (Subscribe(id=1, rules=["x"]), [2, 3]),
        (Subscribe(id=1, symbols=["A"], rules=["x"]), [3]),
        (Subscribe(id=1, symbols=[]), []),
        (Subscribe(id=1, alerts=False), []),
    ],
)
def test_only_what_was_asked_for_is_queued(wanted: Subscribe, expected: list[int]) -> None:
    one = client(wanted=wanted)
    one.offer([alert(1), alert(2, "B", "x"), alert(3, "A", "x")])
    assert frames(one) == ([alerts(*expected)] if expected else [])


def test_what_was_missed_comes_before_what_came_meanwhile() -> None:
    one = client()
    one.hold()
    one.offer([alert(3)])
    assert one.next_frame() is None
    one.begin("reply", [alert(1), alert(2)])
    assert frames(one) == ["reply", alerts(1, 2), alerts(3)]


@pytest.mark.parametrize(("max_alerts", "max_bytes"), [(2, 1000), (1000, 2)])
def test_a_full_queue_ends_the_connection_and_keeps_what_it_has(max_alerts: int, max_bytes: int) -> None:
    one = client(max_alerts, max_bytes)
    one.offer([alert(1), alert(2)])
    assert not one.must_leave.is_set()
    one.offer([alert(3)])
    one.say("4")
    assert (one.leave_reason, one.must_leave.is_set()) == (SLOW, True)
    assert frames(one) == [alerts(1, 2)]


def test_room_comes_back_with_sending() -> None:
    one = client(2, 2)
    for number in range(5):
        one.offer([alert(number)])
        assert frames(one) == [alerts(number)]
    assert (one.leave_reason, one.depth) == ("", 0)


def test_the_first_reason_to_leave_counts() -> None:
    one = client()
    one.leave("restart")
    one.leave(SLOW)
    assert one.leave_reason == "restart"
