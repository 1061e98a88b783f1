"""A rehearsal over an intermediate version: both hops are taken, verified, and told in the next plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.runs import rehearse
from tests.unit.process.inner import Ran

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("settings") / "tidegate.toml"
    file.write_text('[upgrade]\ntarget = "2021.1.7500"\nvia = ["2019.13.5"]\n', encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def ran(reports: Path, settings: Path) -> Ran:
    """The only whole rehearsal of this module; workers share it, and must come to the same verdict as one process."""
    return rehearse("features/", "-n2", f"--settings={settings}", reports=reports)[0]


def test_two_hops_are_approved(ran: Ran) -> None:
    assert (ran.exit_code, ran.verdict["outcome"]) == (0, "approved"), ran.output
    assert len(ran.events("clone")) == 1
    assert [(one["from"], one["to"]) for one in ran.events("upgrade")] == [
        ("2018.12.1", "2019.13.5"),
        ("2019.13.5", "2021.1.7500"),
    ]


def test_the_first_hop_is_verified_before_the_second_begins(ran: Ran) -> None:
    checked = [event for event in ran.events("check") if event.get("hop") == "2019.13.5"]
    titles = [event["title"] for event in ran.events("stage")]

    assert {event["check"] for event in checked} == {"START", "SCHEMA", "TASKS"}
    assert titles.index("Verifying 2019.13.5 before the next hop") < titles.index(
        "Upgrading the test instance to 2021.1.7500"
    )


def test_the_way_back_of_each_hop_is_in_the_evidence(ran: Ran) -> None:
    [plan] = ran.events("plan")

    assert [hop["wayBack"] for hop in plan["hops"]] == ["database and folders", "database and folders"]


def test_the_next_plan_tells_the_outage_that_was_measured_and_leaves_nothing(
    ran: Ran, reports: Path, settings: Path
) -> None:
    before = sorted(reports.iterdir())

    planned, seen, _ = rehearse("features/", "--plan", f"--settings={settings}", reports=reports)

    assert planned.exit_code == 0, planned.output
    assert "1. 2018.12.1 → 2019.13.5 (major change)" in planned.output
    assert "2. 2019.13.5 → 2021.1.7500 (major change)" in planned.output
    assert f"measured by the rehearsal {ran.run_folder.name}" in planned.output
    assert "Expected outage: unknown" not in planned.output
    assert "passed" not in planned.output
    assert sorted(reports.iterdir()) == before
    assert seen.alive() == []
