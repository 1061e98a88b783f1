"""Seeded regressions that would disturb others, servers that do not start, and none on a fresh installation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from standins.octopus.store.connection import connect
from tests.wire.octopus.behaviour.regressed import (
    NEW,
    OLD,
    Serve,
    Upgraded,
    process_of,
    seeded,
    upgraded,
)
from tests.wire.octopus.behaviour.test_packages import run_task
from tests.wire.octopus.behaviour.workshop import Workshop, enter, refused


@pytest.fixture(scope="module")
def late_and_stuck_instance(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    numbers = "35,37,76,78,85,95"
    with upgraded(serve, tmp_path_factory.mktemp("late"), numbers) as instance:
        yield instance


@pytest.fixture(scope="module")
def late_and_stuck(late_and_stuck_instance: Upgraded) -> Workshop:
    return late_and_stuck_instance.shop


def test_35_old_logs_are_held_back_for_a_while(late_and_stuck: Workshop, late_and_stuck_instance: Upgraded) -> None:
    task = late_and_stuck_instance.facts["WaitingInterruption"]["TaskId"]
    link = f"/api/tasks/{task}/details"

    assert late_and_stuck.get(link)["ActivityLogs"] == []
    late_and_stuck.until(lambda: late_and_stuck.get(link)["ActivityLogs"], "the log to come back")


def test_37_the_licence_blocks_deployments(late_and_stuck: Workshop) -> None:
    release = late_and_stuck.get("releases?take=1")["Items"][0]
    body = {"ReleaseId": release["Id"], "EnvironmentId": late_and_stuck.named("environments", "Development")["Id"]}

    assert "license" in refused(late_and_stuck.send("POST", "deployments", body))
    assert not late_and_stuck.get("/api/licenses/licenses-current-status")["IsCompliant"]


def test_76_the_container_step_loses_its_feed(late_and_stuck: Workshop, late_and_stuck_instance: Upgraded) -> None:
    before = late_and_stuck_instance.before["docker"]["Steps"][0]["Actions"][0]["Packages"][0]["FeedId"]
    after = process_of(late_and_stuck, "Message bus")["Steps"][0]["Actions"][0]["Packages"][0]["FeedId"]

    assert before != "feeds-builtin"
    assert after == "feeds-builtin"


def test_78_a_system_task_is_stuck_and_no_trigger_fires(late_and_stuck: Workshop) -> None:
    stuck = late_and_stuck.get("/api/tasks?name=ProcessRecurringScheduledTasks&states=Queued")["Items"]
    other = run_task(late_and_stuck, "SynchronizeBuiltInPackageRepositoryIndex")

    assert len(stuck) == 1
    assert other["State"] == "Success"
    assert late_and_stuck.get(f"/api/tasks/{stuck[0]['Id']}")["State"] == "Queued"


def test_85_retention_deletes_packages_in_use(late_and_stuck: Workshop) -> None:
    before = late_and_stuck.get("packages?take=500")["TotalResults"]

    run_task(late_and_stuck, "Retention")

    assert late_and_stuck.get("packages?take=500")["TotalResults"] < before


def test_95_listing_projects_burns_the_processor(late_and_stuck: Workshop) -> None:
    began = time.monotonic()
    late_and_stuck.get("projects/all")

    assert time.monotonic() - began >= 0.3


def test_4_a_script_fails_and_nothing_is_changed(serve: Serve, sql_server: Callable[[str], str]) -> None:
    with serve(OLD, "ScriptFails") as server, enter(server.url) as shop:
        shop.post("accounts", {"Name": "One", "AccountType": "Token", "Token": {"HasValue": True, "NewValue": "t"}})

    with (
        seeded("4"),
        pytest.raises(AssertionError, match="Unrecognised document prefix Accounts-1"),
        serve(NEW, "ScriptFails"),
    ):
        pytest.fail("the server started after a failed upgrade")

    with (
        closing(connect(sql_server("ScriptFails"))) as connection,
        closing(connection.cursor()) as cursor,
    ):
        names = [row[0] for row in cursor.execute("SELECT [ScriptName] FROM dbo.[SchemaVersions]").fetchall()]
    assert names
    assert not [name for name in names if "Script0267" in name]


def test_21_the_upgrade_ends_well_and_the_server_does_not_start(serve: Serve) -> None:
    with serve(OLD, "DoesNotStart"):
        pass

    with (
        seeded("21"),
        pytest.raises(AssertionError, match="WebConfigurationMemento") as caught,
        serve(NEW, "DoesNotStart"),
    ):
        pytest.fail("the server started")

    assert "Upgrade successful" in str(caught.value)


def test_a_fresh_installation_shows_no_regression(serve: Serve) -> None:
    with seeded("4,21,53,90,97,110"), serve(NEW, "Fresh") as server, enter(server.url) as shop:
        assert shop.send("GET", "actiontemplates/all").status_code == 200
        assert shop.send("GET", "feeds").status_code == 200


def test_an_unknown_regression_is_an_error(serve: Serve) -> None:
    with seeded("999"), pytest.raises(AssertionError, match="999"), serve(NEW, "Unknown"):
        pytest.fail("the server started")
