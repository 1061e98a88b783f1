"""Which tests one worker of pytest-xdist runs together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.workers import (
    APART,
    ONE_WORKER,
    ONE_WORKER_A_VERSION,
    REHEARSALS_IN_CONTAINERS,
    comes_late,
    kept_together,
)

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("one", "another", "together"),
    [
        ("tests/unit/a.py::test_1", "tests/unit/a.py::test_2", True),
        ("tests/unit/a.py::test_1", "tests/unit/b.py::test_1", False),
        ("tests/containers/test_images.py::test_1", "tests/containers/test_network.py::test_2", True),
        ("tests/containers/test_rehearsal.py::test_1", "tests/containers/test_subset.py::test_2", True),
        ("tests/containers/test_rehearsal.py::test_1", "tests/containers/test_images.py::test_2", False),
        ("tests/wire/octopus/api/a.py::t[2019.1.0]", "tests/wire/octopus/api/b.py::t[2019.1.0-x]", True),
        ("tests/wire/octopus/api/a.py::t[2019.1.0]", "tests/wire/octopus/api/a.py::t[2021.1.7500]", False),
        ("tests/journeys/test_main_job.py::test_1[2018.12.1]", "tests/journeys/test_main_job.py::t[2020.6.4671]", True),
        ("tests/journeys/test_subset.py::test_1", "tests/journeys/test_subset.py::test_2", True),
        ("tests/journeys/test_selections.py::test_1", "tests/journeys/test_selections.py::test_2", False),
    ],
)
def test_what_shares_something_dear_stays_together(one: str, another: str, together: bool) -> None:
    assert (kept_together(one) == kept_together(another)) is together


def test_unit_tests_come_last_and_nothing_else_changes_places() -> None:
    assert sorted(["tests/unit/a", "tests/wire/b", "tests/journeys/a"], key=comes_late) == [
        "tests/wire/b",
        "tests/journeys/a",
        "tests/unit/a",
    ]


@pytest.mark.parametrize("place", [*REHEARSALS_IN_CONTAINERS, *ONE_WORKER, *ONE_WORKER_A_VERSION, *APART])
def test_every_place_that_is_named_is_there(place: str) -> None:
    assert (REPOSITORY / place).exists()


@pytest.mark.parametrize("place", APART)
def test_tests_that_may_go_apart_share_nothing_of_their_module(place: str) -> None:
    assert not re.search(r"scope=.(module|class)", (REPOSITORY / place).read_text(encoding="utf-8"))
