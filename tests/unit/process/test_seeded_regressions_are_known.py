"""What is seeded, what must be found, and what the documentation says of it go together."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.detection import read_plan, seeded
from tidegate.checks.catalogue import checks

REPOSITORY = Path(__file__).parents[3]


def test_every_seeded_regression_says_where_it_must_be_found() -> None:
    plan = read_plan()

    assert set(plan.expected) == set(seeded())
    assert {one.check for one in plan.expected.values()} <= set(checks())
    assert all(one.place and one.pair in plan.pairs for one in plan.expected.values())


def test_those_of_one_rehearsal_are_told_apart() -> None:
    plan = read_plan()
    for pair in plan.pairs:
        for name, together in plan.runs(pair, plan.expected):
            places = [(one.check, one.place) for one in together]
            assert len(set(places)) == len(places), name
    assert set(plan.live) <= {one.run for one in plan.expected.values()}


def test_the_table_says_what_becomes_of_all_failures() -> None:
    text = (REPOSITORY / "docs" / "detection.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (\d+) \| [A-N] \| .+ \| (caught|not reproducible with a stand-in|open)\b.* \|$", text, re.MULTILINE
    )

    assert [int(number) for number, _ in rows] == list(range(1, 165))
    assert {int(number) for number, state in rows if state == "caught"} == set(seeded())
