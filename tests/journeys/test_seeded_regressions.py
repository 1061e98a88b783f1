"""Faults of real releases, seeded into the stand-in: each turns the verdict to rejected, with a finding naming it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.runs import rehearse

pytestmark = pytest.mark.journey

#: Number of the seeded regression → (check, part of the place) of a finding it must cause.
SEEDED = {
    12: ("DIFF", "deploymentprocesses"),  # feed ids rewritten as objects
    21: ("START", "start of 2021.1.7500"),  # the upgrade ends well, the server does not start
    50: ("SAVE", "userroles"),  # roles that can no longer be saved
    59: ("DEPLOY", "interruptions"),  # what waited for a person cannot go on
    66: ("DIFF", "tenants"),  # secret variables of tenants are lost
    82: ("TRIG", "projecttriggers"),  # a trigger that is enabled fires at once
    85: ("RET", "packages"),  # retention deletes packages in use
    97: ("PERF", "dashboard"),  # the dashboard takes seconds
    110: ("DIFF", "actiontemplates/all"),  # a route that scripts use is gone
    122: ("DIFF", "progression"),  # views of the old schema are left
    144: ("DIFF", "events"),  # the audit log loses the link to the task
}


@pytest.mark.parametrize(("number", "expected"), SEEDED.items(), ids=[f"regression {number}" for number in SEEDED])
def test_is_rejected_with_a_finding(tmp_path: Path, number: int, expected: tuple[str, str]) -> None:
    ran, seen, _ = rehearse("features/", reports=tmp_path, environment={"OCTOPUS_STANDIN_REGRESSIONS": str(number)})

    check, place = expected
    assert (ran.exit_code, ran.verdict["outcome"]) == (1, "rejected"), ran.output
    named = [one for one in ran.verdict["findings"] if one["check"] == check and place in one["place"]]
    assert named, [f"{one['check']} {one['place']}" for one in ran.verdict["findings"]]
    assert all(one["before"] is not None or one["after"] is not None for one in named)
    assert seen.alive() == []
