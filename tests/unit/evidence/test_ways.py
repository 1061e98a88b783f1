"""Every way in which evidence can be missing, wrong, stale, forged or partial: none ends in an approval."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.evidence.approvals import APPROVALS, Signed
from tests.unit.evidence.folders import FOLDERS, Folder
from tests.unit.evidence.runs import RUNS, Run
from tests.unit.process.inner import REPOSITORY, Rehearsal

pytest_plugins = ["pytester"]

PAGE = REPOSITORY / "docs" / "evidence.md"


@pytest.mark.parametrize("way", RUNS.values(), ids=RUNS)
def test_a_run_is_not_approved_when(rehearsal: Rehearsal, way: Run) -> None:
    exit_code, codes = way.exit_code(rehearsal)

    assert way.code in codes
    if way.arguments != ("--collect-only",):  # asks for a list and gets one; there is nothing to sign
        assert exit_code != 0


def test_a_folder_that_nobody_touched_is_approved(tmp_path: Path) -> None:
    assert Folder("").outcome(tmp_path / "run") == ("approved", "")


@pytest.mark.parametrize("way", FOLDERS.values(), ids=FOLDERS)
def test_a_folder_is_not_approved_when(tmp_path: Path, way: Folder) -> None:
    outcome, told = way.outcome(tmp_path / "run")

    assert outcome != "approved"
    assert way.told in told


@pytest.mark.parametrize("way", APPROVALS.values(), ids=APPROVALS)
def test_an_approval_does_not_hold_when(tmp_path: Path, way: Signed) -> None:
    says, codes = way.answer(tmp_path)

    assert says != "yes"
    assert way.code in codes


def rows() -> Iterator[str]:
    """The table of the page."""
    yield "| | what is wrong | what says so |"
    yield "|---|---|---|"
    number = 0
    for heading, ways in (
        ("the run", {title: way.code for title, way in RUNS.items()}),
        ("what it left", {title: way.told for title, way in FOLDERS.items()}),
        ("the approval", {title: way.code for title, way in APPROVALS.items()}),
    ):
        yield f"| | **{heading}** | |"
        for title, told in ways.items():
            number += 1
            yield f"| {number} | {title} | {told} |"


def test_the_page_lists_every_way() -> None:
    page = PAGE.read_text(encoding="utf-8")
    listed = page.split("<!-- ways -->")[1].strip().splitlines()

    assert listed == list(rows()), "the table of docs/evidence.md must be:\n" + "\n".join(rows())
    assert len(RUNS) + len(FOLDERS) + len(APPROVALS) >= 40
