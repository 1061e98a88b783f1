"""Upgrades that are cut off, and two at once: what they leave, and what the next start says of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from standins.octopus.contract import Version
from standins.octopus.schema.integrity import schema_differences
from tests.wire.octopus.lifecycle.machine import ADMIN_KEY, Instance
from tidegate.waiting import wait_until

_SPACES = "Octopus.Core.UpgradeScripts.Script0160 - Spaces.sql"


def cut(instance: Instance, version: str, at: str) -> None:
    result = instance.run(version, "database", "--upgrade", environment={"OCTOPUS_STANDIN_POWER_CUT": at})
    assert result.code == -9, result.output + result.errors
    assert at in result.output


def journal(instance: Instance) -> set[str]:
    with instance.database() as database:
        return {row[0] for row in database.run("SELECT [ScriptName] FROM dbo.[SchemaVersions]")}


def test_a_node_killed_between_scripts_has_changed_nothing_and_the_next_start_says_so(instance: Instance) -> None:
    instance.create("2018.12.1")
    before = journal(instance)

    cut(instance, "2019.1.0", "Script0164SplitUserRolePermissions")  # Script0160 has run by then, in the transaction

    assert journal(instance) == before
    with instance.database() as database:
        assert schema_differences(database, Version.parse("2018.12.1")) == []
    start = instance.run("2019.1.0", "run", "--noninteractive")
    assert start.code == 1
    assert "database --upgrade" in start.errors


def test_a_node_killed_before_the_views_are_refreshed_leaves_a_half_upgraded_database(instance: Instance) -> None:
    """It starts, and fails later: "Invalid column name 'SpaceId'" on the releases page (OctopusDeploy/Issues 5252). The
    integrity check of that start says so (as in OctopusDeploy/Issues 2596).
    """
    instance.create("2018.12.1")

    cut(instance, "2019.1.0", "Executing post-upgrade scripts")
    again = instance.upgrade("2019.1.0")

    assert _SPACES in journal(instance)
    assert "No new scripts need to be executed" in again.output
    with (
        instance.serve("2019.1.0") as server,
        httpx.Client(base_url=server.url, headers={"X-Octopus-ApiKey": ADMIN_KEY}, timeout=30) as client,
    ):
        group, lifecycle = (client.get(f"/api/{name}/all").json()[0]["Id"] for name in ("projectgroups", "lifecycles"))
        body = {"Name": "Shop", "ProjectGroupId": group, "LifecycleId": lifecycle}
        project = client.post("/api/projects", json=body).json()
        page = client.get(f"/api/projects/{project['Id']}/releases")
        log = integrity_check(client)
    assert "Missing item: VIEW dbo.Release_LatestByProjectChannel.SpaceId" in log
    assert "Missing item: VIEW dbo.Release_WithDeploymentProcess.SpaceId" in log
    assert page.status_code == 500
    assert "Invalid column name 'SpaceId'" in page.json()["ErrorMessage"]


def integrity_check(client: httpx.Client) -> str:
    """The log of the check that a server makes as it starts."""

    def ended() -> dict[str, Any] | None:
        found = client.get("/api/tasks", params={"name": "SystemIntegrityCheck"}).json()["Items"]
        return next((task for task in found if task["IsCompleted"]), None)

    task = wait_until(ended, timeout=60, what="the integrity check to end")
    assert task["State"] == "Failed"
    return client.get(f"/api/tasks/{task['Id']}/raw").text


def test_of_two_nodes_that_upgrade_at_once_one_does(instance: Instance) -> None:
    instance.create("2018.12.1")

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(instance.upgrade, ["2019.1.0", "2019.1.0"]))

    did = [result for result in results if _SPACES in result.output]
    other = next(result for result in results if result not in did)
    assert len(did) == 1
    assert did[0].code == 0
    # The other came while the first was at it, or after.
    busy = other.code == 1 and "Another process is upgrading this database" in other.errors
    assert busy or "No new scripts need to be executed" in other.output
    with instance.database() as database:
        assert schema_differences(database, Version.parse("2019.1.0")) == []
