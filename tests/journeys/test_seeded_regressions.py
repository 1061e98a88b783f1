"""Faults of real releases, seeded into the stand-in: each turns the verdict to rejected, with a finding naming it.

Two of them meet every scenario there is. The others meet the scenario that looks for them: what else a rehearsal does
is the same each time (`benchmarks/detection.py` runs all of it with each fault there is).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.conftest import StandingMain
from tests.journeys.runs import rehearse
from tests.unit.process.inner import Ran

pytestmark = pytest.mark.journey

#: Number of the seeded regression → the scenario that meets it, check and part of the place of a finding it must cause.
SEEDED = {
    12: ("features/10_verify_data.feature:13", "DIFF", "deploymentprocesses"),  # feed ids rewritten as objects
    21: ("features/04_upgrade_the_test_instance.feature:9", "START", "start of 2021.1.7500"),  # it does not start
    50: ("features/10_verify_data.feature:25", "SAVE", "userroles"),  # roles that can no longer be saved
    59: (
        "features/07_verify_deployments.feature:17",
        "DEPLOY",
        "interruptions",
    ),  # what waited for a person cannot go on
    82: (
        "features/07_verify_deployments.feature:9",
        "TRIG",
        "projecttriggers",
    ),  # a trigger that is enabled fires at once
    85: ("features/10_verify_data.feature:62", "RET", "packages"),  # retention deletes packages in use
    97: ("features/09_verify_api.feature:26", "PERF", "dashboard"),  # the dashboard takes seconds
    110: ("features/09_verify_api.feature:9", "DIFF", "actiontemplates/all"),  # a route that scripts use is gone
    122: ("features/10_verify_data.feature:13", "DIFF", "progression"),  # views of the old schema are left
    144: ("features/", "DIFF", "events"),  # the audit log loses the link to a task, as deployments show
}


@pytest.mark.parametrize(("number", "expected"), SEEDED.items(), ids=[f"regression {number}" for number in SEEDED])
def test_is_rejected_with_a_finding(
    tmp_path: Path, standing_main: StandingMain, number: int, expected: tuple[str, str, str]
) -> None:
    scenario, check, place = expected
    ran, seen, _ = rehearse(
        scenario, f"--settings={standing_main.settings}", reports=tmp_path, environment=seeded(number)
    )

    assert_rejected(ran, check, place)
    assert seen.alive() == []


def test_a_whole_rehearsal_is_rejected_with_a_finding(tmp_path: Path) -> None:
    """Secret variables of tenants are lost."""
    ran, seen, _ = rehearse("features/", reports=tmp_path, environment=seeded(66))

    assert_rejected(ran, "DIFF", "tenants")
    assert seen.alive() == []


def seeded(number: int) -> dict[str, str]:
    return {"OCTOPUS_STANDIN_REGRESSIONS": str(number)}


def assert_rejected(ran: Ran, check: str, place: str) -> None:
    assert (ran.exit_code, ran.verdict["outcome"]) == (1, "rejected"), ran.output
    named = [one for one in ran.verdict["findings"] if one["check"] == check and place in one["place"]]
    assert named, [f"{one['check']} {one['place']}" for one in ran.verdict["findings"]]
    assert all(one["before"] is not None or one["after"] is not None for one in named)
