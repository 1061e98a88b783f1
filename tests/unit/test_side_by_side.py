"""Several things at once: in order, bounded, and ended by the first error."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.side_by_side import Beside, side_by_side


@given(st.lists(st.integers(), max_size=30), st.integers(1, 5))
def test_results_come_in_the_order_of_the_things(things: list[int], at_once: int) -> None:
    assert side_by_side(lambda thing: thing * 2, things, at_once=at_once) == [thing * 2 for thing in things]


def test_no_more_at_once_than_allowed() -> None:
    busy, most, lock = 0, 0, threading.Lock()
    met = threading.Barrier(2)

    def work(thing: int) -> int:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        met.wait(timeout=30)  # two are at work together, or nobody gets on
        with lock:
            busy -= 1
        return thing

    assert side_by_side(work, range(8), at_once=2) == list(range(8))
    assert most == 2


def test_the_first_error_is_raised_and_nothing_further_is_begun() -> None:
    begun: list[int] = []

    def work(thing: int) -> int:
        begun.append(thing)
        if thing == 2:
            raise ValueError("two")
        return thing

    with pytest.raises(ValueError, match="two"):
        side_by_side(work, range(1000), at_once=1)

    assert begun == [0, 1, 2]


def test_work_beside_begins_when_told_and_is_done_once() -> None:
    begun, go_on = threading.Event(), threading.Event()
    times: list[int] = []

    def work() -> str:
        times.append(1)
        begun.set()
        assert go_on.wait(timeout=30)
        return "done"

    beside = Beside(work)
    beside.begin()
    assert begun.wait(timeout=30), "it is at work while its caller does something else"
    go_on.set()

    assert (beside.result(), beside.result(), times) == ("done", "done", [1])


def test_what_work_beside_raises_is_raised_where_its_result_is_asked_for() -> None:
    def work() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Beside(work).result()
