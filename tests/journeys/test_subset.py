"""A rehearsal on chosen projects: exported from the main instance, imported into a fresh one, upgraded and judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journeys.runs import Seen, leaks, rehearse
from tests.unit.process.inner import Ran

pytestmark = pytest.mark.journey

CHOSEN = ("Release train", "Tenant portal", "Payments", "Storefront", "Maintenance scripts", "Page checker")
SETTINGS = f"""
[embedded]
version = "2021.1.7500"
[upgrade]
target = "2021.3.12912"
[test_instance]
approach = "subset"
projects = {json.dumps(CHOSEN)}
export_from_main = true
"""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Seen]:
    """The only whole rehearsal of this module."""
    settings = tmp_path_factory.mktemp("settings") / "tidegate.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    ran, seen, _ = rehearse("features/", f"--settings={settings}", reports=tmp_path_factory.mktemp("reports"))
    return ran, seen


@pytest.fixture(scope="module")
def ran(job: tuple[Ran, Seen]) -> Ran:
    return job[0]


def test_it_is_approved_and_says_that_it_is_a_subset(ran: Ran) -> None:
    assert (ran.exit_code, ran.verdict["outcome"]) == (0, "approved"), ran.output
    assert ran.verdict["reach"].startswith("Only a subset was rehearsed: 7 of 27 projects.")
    assert "the upgrade of a subset came through, which opens no cut-over of the main instance" in ran.output


def test_what_came_over_was_compared_and_what_did_not_is_counted(ran: Ran) -> None:
    [subset] = ran.events("subset")
    left = {one["called"]: (one["number"], one["of"]) for one in subset["left"]}

    assert subset["projects"] == sorted([*CHOSEN, "Canary"])  # the train deploys a release of the canary
    assert subset["compared"] > 40
    assert left["projects"] == (20, 27)
    assert left["deployment targets"] == (20, 20)
    assert left["packages"] == (21, 27)  # six are used by the chosen projects, and were copied
    assert {"triggers", "users", "deployments", "audit events"} <= set(left)


def test_the_change_board_cannot_take_it_for_the_whole(ran: Ran) -> None:
    page = (ran.run_folder / "change-board.html").read_text(encoding="utf-8")

    assert page.index("Only a subset was rehearsed") < page.index("<h2>")
    assert "deployment targets" in page.partition("Not verified")[2]


def test_the_main_instance_keeps_a_task_and_no_file(ran: Ran) -> None:
    """The journal of writes to the main instance: the export was announced, its task named, its file deleted."""
    [journal] = [event for event in ran.events("attachment") if event["name"] == "writes to the main instance"]
    lines = (ran.run_folder / journal["path"]).read_text(encoding="utf-8").split()
    text = " ".join(lines)

    assert '"write": "project-export"' in text
    assert '"kind": "task"' in text
    assert text.count('"kind": "intent"') == text.count('"kind": "done"')


def test_no_secret_of_it_can_be_read_and_nothing_is_left(job: tuple[Ran, Seen]) -> None:
    ran, seen = job

    assert leaks(ran.run_folder, seen.secrets) == []
    assert seen.alive() == []


OLDER = SETTINGS.replace("2021.1.7500", "{version}").replace("2021.3.12912", "2021.1.7500")


def older(version: str, features: str, tmp_path: Path) -> Ran:
    settings = tmp_path / "tidegate.toml"
    settings.write_text(OLDER.replace("{version}", version), encoding="utf-8")
    ran, _, _ = rehearse(features, f"--settings={settings}", reports=tmp_path / "reports")
    return ran


def assert_written_and_undone(ran: Ran) -> None:
    [journal] = [event for event in ran.events("attachment") if event["name"] == "writes to the main instance"]
    text = (ran.run_folder / journal["path"]).read_text(encoding="utf-8")
    assert '"write": "migration-export"' in text
    assert text.count('"kind": "intent"') == text.count('"kind": "done"')


def test_before_there_were_spaces_projects_come_by_the_migration_api(tmp_path: Path) -> None:
    ran = older("2018.12.1", "features/03_clone_the_test_instance.feature", tmp_path)

    assert set(ran.scenarios().values()) == {"passed"}, ran.output
    [subset] = ran.events("subset")
    assert subset["projects"] == sorted([*CHOSEN, "Canary"])
    assert_written_and_undone(ran)


@pytest.mark.thorough
def test_a_subset_from_before_2021_1_is_rehearsed_as_a_whole(tmp_path: Path) -> None:
    ran = older("2020.6.4671", "features/", tmp_path)

    assert (ran.exit_code, ran.verdict["outcome"]) == (0, "approved"), ran.output
    assert ran.verdict["reach"].startswith("Only a subset was rehearsed: 7 of 27 projects.")
    assert_written_and_undone(ran)
