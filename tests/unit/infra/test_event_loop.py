"""How long an event loop was held: found over its turns, with a clock of the test's own, and forgotten in time."""

import asyncio

import pytest

from infra.event_loop import WINDOW_S, Holds, new_event_loop


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_longest_turn_of_a_loop_is_found() -> None:
    clock = Clock()
    holds = Holds(clock)

    async def work() -> None:
        for held_s in (0.25, 0.5, 0.125):
            clock.now += held_s
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=lambda: new_event_loop(holds)) as runner:
        runner.run(work())
    assert holds.longest_s == 0.5


def test_what_runs_in_one_turn_is_added_up() -> None:
    clock = Clock()
    holds = Holds(clock)

    def hold() -> None:
        clock.now += 0.25

    async def work() -> None:
        asyncio.get_running_loop().call_soon(hold)
        asyncio.get_running_loop().call_soon(hold)
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=lambda: new_event_loop(holds)) as runner:
        runner.run(work())
    assert holds.longest_s == 0.5


@pytest.mark.parametrize(("later_s", "longest_s"), [(0, 3.0), (WINDOW_S / 2, 3.0), (WINDOW_S, 0.0), (100, 0.0)])
def test_a_hold_is_forgotten(later_s: float, longest_s: float) -> None:
    clock = Clock()
    holds = Holds(clock)
    clock.now += 3
    holds.note(100.0)
    clock.now += later_s
    assert holds.longest_s == longest_s


def test_a_shorter_one_does_not_hide_a_longer() -> None:
    clock = Clock()
    holds = Holds(clock)
    clock.now += 1
    holds.note(100.0)
    clock.now += WINDOW_S / 2
    holds.note(clock.now - 0.5)
    assert holds.longest_s == 1.0
