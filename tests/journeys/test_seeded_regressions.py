"""Faults of real releases, seeded into the stand-in: each turns the verdict to rejected, with a finding naming it.

Those that leave each other to be seen share a rehearsal. `--thorough` seeds each alone, and meets the scenario that
looks for it; `benchmarks/detection.py` runs all of a rehearsal with each fault there is.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.conftest import StandingMain
from tests.journeys.runs import rehearse
from tests.unit.process.inner import Ran

pytestmark = pytest.mark.journey

#: Scenarios, by name: lines move.
RESOURCES = "features/10_verify_data.feature::test_every_resource_says_what_it_said"
SAVING = "features/10_verify_data.feature::test_resources_of_each_kind_can_be_saved_unchanged"
RETENTION = "features/10_verify_data.feature::test_retention_deletes_nothing_that_is_in_use"
WAITING = "features/07_verify_deployments.feature::test_a_deployment_that_waited_for_an_approval_can_be_approved"
TRIGGERS = "features/07_verify_deployments.feature::test_triggers_keep_their_plan_and_none_fires_because_of_the_upgrade"
DEPLOYING = "features/07_verify_deployments.feature::test_representative_projects_deploy_as_before"
TIMES = "features/09_verify_api.feature::test_pages_and_lists_answer_about_as_fast_as_before"
ROUTES = "features/09_verify_api.feature::test_routes_links_fields_and_paging_are_what_clients_know"

#: Number of the seeded regression → the scenario that meets it, check and part of the place of a finding it must cause.
#: Two of them never share a place, so that one is not taken for the other.
SEEDED = {
    12: (RESOURCES, "DIFF", "deploymentprocesses"),  # feed ids rewritten as objects
    50: (SAVING, "SAVE", "userroles"),  # roles that can no longer be saved
    59: (WAITING, "DEPLOY", "interruptions"),  # what waited for a person cannot go on
    82: (TRIGGERS, "TRIG", "projecttriggers"),  # a trigger that is enabled fires at once
    66: (RESOURCES, "DIFF", "tenants"),  # secret variables of tenants are lost
    85: (RETENTION, "RET", "packages"),  # retention deletes packages in use
    97: (TIMES, "PERF", "dashboard"),  # the dashboard takes seconds
    110: (ROUTES, "DIFF", "actiontemplates/all"),  # a route that scripts use is gone
    122: (RESOURCES, "DIFF", "progression"),  # views of the old schema are left
    144: (DEPLOYING, "DIFF", "events"),  # the audit log loses the link to a task, as deployments show
}


#: Deploying, and what comes of it.
OF_WHAT_IS_DONE = (59, 82, 85, 144)
OF_WHAT_IS_KEPT = tuple(number for number in SEEDED if number not in OF_WHAT_IS_DONE)
#: What meets them, and what comes with it.
WHERE_IT_IS_KEPT = ("features/09_verify_api.feature", "features/10_verify_data.feature")
WHERE_IT_IS_DONE = ("features/07_verify_deployments.feature", RETENTION)
#: The server does not start, so nothing else is met.
FAILS_TO_START = 21


@pytest.mark.parametrize(
    ("numbers", "scenarios"),
    [(OF_WHAT_IS_KEPT, WHERE_IT_IS_KEPT), (OF_WHAT_IS_DONE, WHERE_IT_IS_DONE)],
    ids=["what is kept", "what is done"],
)
def test_all_that_are_seeded_are_found_each_at_its_place(
    tmp_path: Path, numbers: tuple[int, ...], scenarios: tuple[str, ...]
) -> None:
    """Two rehearsals, because those of what is kept would keep releases from being made."""
    ran, seen, _ = rehearse(*scenarios, reports=tmp_path, environment=seeded(*numbers))

    for _, check, place in (SEEDED[number] for number in numbers):
        assert_rejected(ran, check, place)
    assert seen.alive() == []


def test_a_server_that_does_not_start_is_found(tmp_path: Path, small_main: StandingMain) -> None:
    upgrade = "features/04_upgrade_the_test_instance.feature:9"
    ran, seen, _ = rehearse(
        upgrade, f"--settings={small_main.settings}", reports=tmp_path, environment=seeded(FAILS_TO_START)
    )

    assert_rejected(ran, "START", "start of 2021.1.7500")
    assert seen.alive() == []


@pytest.mark.thorough
@pytest.mark.parametrize(("number", "expected"), SEEDED.items(), ids=[f"regression {number}" for number in SEEDED])
def test_each_alone_is_found(
    tmp_path: Path, standing_main: StandingMain, number: int, expected: tuple[str, str, str]
) -> None:
    scenario, check, place = expected
    ran, seen, _ = rehearse(
        scenario, f"--settings={standing_main.settings}", reports=tmp_path, environment=seeded(number)
    )

    assert_rejected(ran, check, place)
    assert seen.alive() == []


def seeded(*numbers: int) -> dict[str, str]:
    return {"OCTOPUS_STANDIN_REGRESSIONS": ",".join(str(number) for number in numbers)}


def assert_rejected(ran: Ran, check: str, place: str) -> None:
    assert (ran.exit_code, ran.verdict["outcome"]) == (1, "rejected"), ran.output
    named = [one for one in ran.verdict["findings"] if one["check"] == check and place in one["place"]]
    assert named, [f"{one['check']} {one['place']}" for one in ran.verdict["findings"]]
    assert all(one["before"] is not None or one["after"] is not None for one in named)
    assert "evidence-damaged" not in {one["code"] for one in ran.verdict["reasons"]}
