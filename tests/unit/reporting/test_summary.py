"""What the terminal says at the end: read in half a minute, without colours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.gate.ledgers import SCENARIOS, Event, finished, found, good_run, judged, scenario, started, subset_run
from tidegate.gate.verdict import Code, Reason
from tidegate.reporting.summary import Tone, summary


def _lines(folder: Path, events: list[Event], usage: str = "") -> list[str]:
    return [line.text for line in summary(judged(folder, events), folder, usage)]


def test_approved(tmp_path: Path) -> None:
    lines = _lines(tmp_path, good_run())

    assert lines[0] == "VERDICT APPROVED: the main instance may follow"
    assert lines[1:3] == [
        "https://octopus.example.com: 2018.12.1 → 2021.1.7500",
        "3 of 3 required scenarios passed",
    ]
    assert lines[3].startswith(f"evidence: {tmp_path}")
    assert len(lines) == 4


_SUBSET = "Only a subset was rehearsed: 2 of 22 projects. Nothing is known about the rest of the main instance."


def test_a_subset_is_told_at_once_and_does_not_suffice(tmp_path: Path) -> None:
    lines = _lines(tmp_path, subset_run())

    assert lines[0] == (
        "VERDICT APPROVED: the upgrade of a subset came through, which opens no cut-over of the main instance"
    )
    assert any(one.startswith(_SUBSET) and "subset_is_enough = false" in one for one in lines)


def test_where_the_policy_lets_a_subset_suffice_it_is_told_as_such(tmp_path: Path) -> None:
    lines = _lines(tmp_path, subset_run(policy={"subset_is_enough": True}))

    assert lines[0] == "VERDICT APPROVED: the main instance may follow, as far as a subset of it can tell"
    assert _SUBSET in lines


def test_the_heading_says_in_words_what_its_colour_says(tmp_path: Path) -> None:
    [heading] = [
        line for line in summary(judged(tmp_path, [*good_run()[:-1], found(), finished()]), tmp_path) if line.heading
    ]

    assert heading.tone is Tone.BAD
    assert heading.text == "VERDICT REJECTED: the main instance must not follow"


def test_a_finding_is_told_with_check_place_before_after_and_consequence(tmp_path: Path) -> None:
    lines = _lines(tmp_path, [*good_run()[:-1], found(), finished()])

    assert "  - [DIFF] breaking at Projects-1/Name: 'Shop' → None. nobody finds the project" in lines


def test_one_cause_is_told_once(tmp_path: Path) -> None:
    required = [f"f.feature: {number}" for number in range(50)]
    run = [started(required=required), scenario(required[0], "broken", "the disk is full\n  where: /data")]
    run += [scenario(one, "not-run", 'not run, because "0" failed: the disk is full') for one in required[1:]]
    lines = _lines(tmp_path, [*run, finished(failures=1)])

    assert lines[0].startswith("VERDICT INCOMPLETE: nothing can be said")
    assert "0 of 50 required scenarios passed, 1 could not be judged, 49 not run" in lines
    told = [line for line in lines if "because" in line and "scenarios" in line]
    assert told == ['  - 49 scenarios, the first is f.feature: 1: not run, because "0" failed: the disk is full']
    assert "      where: /data" in lines
    assert len(lines) < 15


def test_many_findings_end_with_their_number(tmp_path: Path) -> None:
    lines = _lines(tmp_path, [*good_run()[:-1], *(found(place=f"Projects-{n}") for n in range(40)), finished()])

    assert "  - and 28 more, all in verdict.json" in lines


def test_what_the_user_must_change_is_no_verdict(tmp_path: Path) -> None:
    lines = _lines(tmp_path, [started(), finished(ended="usage")], "the key is wrong\n  next: change it")

    assert lines == ["VERDICT none: the run could not begin", "the key is wrong\n  next: change it"]


def test_scenarios_left_out_are_counted_with_the_selection(tmp_path: Path) -> None:
    run = [started(selection="only -k 'One'"), scenario(SCENARIOS[0]), finished()]
    lines = _lines(tmp_path, run)

    assert any("2 scenarios" in line and "was not part of this run (only -k 'One')" in line for line in lines)


@pytest.mark.parametrize("code", Code)
def test_every_kind_of_reason_has_a_heading(tmp_path: Path, code: Code) -> None:
    verdict = judged(tmp_path, good_run())
    reason = Reason(code=code, subject="a subject", message="a message")
    lines = [line.text for line in summary(verdict.model_copy(update={"reasons": (reason,)}), tmp_path)]

    assert any("a subject: a message" in line or line == "  - a message" for line in lines)
