"""When a worker ends itself, and when it does not."""

import pytest

from agents.scan_guards import DeadLetterLimit, RestoreStalledError, RestoreWatch, TooManyDeadLettersError


def test_a_few_dead_letters_are_nothing() -> None:
    limit = DeadLetterLimit(share=0.5, window=100)
    limit.note(50, 50)
    for _ in range(100):
        limit.note(100, 50)


def test_too_large_a_share_of_the_window_ends_the_worker() -> None:
    limit = DeadLetterLimit(share=0.5, window=100)
    limit.note(60, 0)
    for _ in range(60):
        limit.note(1, 1)
    with pytest.raises(TooManyDeadLettersError, match="61 of the last 121 ticks"):
        limit.note(1, 1)


def test_what_is_long_past_does_not_count() -> None:
    limit = DeadLetterLimit(share=0.5, window=100)
    for _ in range(5):
        limit.note(50, 50)
        limit.note(200, 0)


def test_one_large_chunk_of_nothing_but_poison_is_noticed_before_it_is_told() -> None:
    with pytest.raises(TooManyDeadLettersError):
        DeadLetterLimit(share=0.5, window=100).note(10_000, 10_000)


def test_a_share_of_one_is_no_limit() -> None:
    DeadLetterLimit(share=1, window=10).note(1_000, 1_000)


def test_a_restore_that_stands_still_is_noticed_and_one_that_gets_on_is_not() -> None:
    now = 0.0
    watch = RestoreWatch(10, lambda: now)
    for left in range(100, 0, -1):
        now += 9
        watch.look(True, left)
    now += 9
    watch.look(True, 1)
    now += 2
    with pytest.raises(RestoreStalledError, match="stands still for 11 s; it has 1"):
        watch.look(True, 1)


def test_a_worker_without_partitions_or_with_its_state_is_not_waited_for() -> None:
    now = 0.0
    watch = RestoreWatch(10, lambda: now)
    for _ in range(5):
        now += 100
        watch.look(False, "nothing")
