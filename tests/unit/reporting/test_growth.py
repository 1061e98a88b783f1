"""The documents of a run grow with it in proportion: counted in calls, which do not depend on how busy a machine is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from benchmarks.reporting import made_up_finding, made_up_run
from tidegate.gate.verdict import recompute
from tidegate.reporting.board.material import Material
from tidegate.reporting.board.page import change_board
from tidegate.reporting.difference_table import findings_table
from tidegate.reporting.summary import summary


def _calls(work: Callable[[], object]) -> int:
    """How many calls of functions, Python's and C's, ``work`` makes."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


def _page(folder: Path, scenarios: int, findings: int) -> Callable[[], object]:
    entries = made_up_run(folder, scenarios, findings)
    verdict = recompute(entries)
    return lambda: change_board(Material(verdict, entries))


def _verdict(folder: Path, scenarios: int, findings: int) -> Callable[[], object]:
    entries = made_up_run(folder, scenarios, findings)
    return lambda: recompute(entries)


def _summary(folder: Path, scenarios: int, findings: int) -> Callable[[], object]:
    verdict = recompute(made_up_run(folder, scenarios, findings))
    return lambda: list(summary(verdict, folder))


def _table(_folder: Path, _scenarios: int, findings: int) -> Callable[[], object]:
    found = [made_up_finding(number) for number in range(findings)]
    return lambda: findings_table(found)


@pytest.mark.parametrize("made", [_page, _verdict, _summary, _table])
def test_four_times_the_run_is_four_times_the_work_at_most(
    tmp_path: Path, made: Callable[[Path, int, int], Callable[[], object]]
) -> None:
    made(tmp_path / "warm", 10, 10)()  # what is read or compiled once is not counted
    small = _calls(made(tmp_path / "small", 100, 500))
    large = _calls(made(tmp_path / "large", 400, 2000))

    assert small > 500, "the work was not counted"
    assert large <= 4.4 * small


def test_counting_notices_work_that_grows_faster() -> None:
    def quadratic(number: int) -> Callable[[], object]:
        return lambda: [[len("x") for _ in range(number)] for _ in range(number)]

    assert _calls(quadratic(80)) > 10 * _calls(quadratic(20))
