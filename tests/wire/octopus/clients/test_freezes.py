"""Deployment freezes as go-octopusdeploy, OctopusClients and the command line ask for them (Octopus docs)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.wire.octopus.behaviour.workshop import Workshop, bash, enter, refused
from tests.wire.octopus.clients.conftest import NEW, OLD, Target

Json = dict[str, Any]


@pytest.fixture
def shop(target: Callable[[str], Target]) -> Iterator[Workshop]:
    server = target(NEW)
    with enter(server.url, server.key) as workshop:
        if not workshop.get("environments/all"):
            workshop.post("environments", {"Name": "Development"})
        yield workshop


@pytest.fixture
def frozen(shop: Workshop) -> Iterator[tuple[Json, Json, Json]]:
    """A release, an environment and a freeze that stands between them."""
    release = shop.release(shop.project([bash("Say", "true")]))
    environment = shop.get("environments/all")[0]
    made = shop.post("/api/deploymentfreezes", body({release["ProjectId"]: [environment["Id"]]}))
    yield release, environment, made
    shop.send("DELETE", f"/api/deploymentfreezes/{made['Id']}")


def body(scope: Json, **more: Any) -> Json:
    now = datetime.now(UTC)
    return {
        "Name": f"Freeze {uuid.uuid4().hex[:8]}",
        "Start": (now - timedelta(hours=1)).isoformat(),
        "End": (now + timedelta(hours=1)).isoformat(),
        "ProjectEnvironmentScope": scope,
        **more,
    }


def order(release: Json, environment: Json, **more: Any) -> Json:
    return {"ReleaseId": release["Id"], "EnvironmentId": environment["Id"], **more}


def test_keeping_freezes(shop: Workshop, frozen: tuple[Json, Json, Json]) -> None:
    release, environment, made = frozen
    path = f"/api/deploymentfreezes/{made['Id']}"

    found = shop.get(f"/api/deploymentfreezes?projectIds={release['ProjectId']}&status=Active&skip=0&take=30")
    changed = shop.put(path, {**made, "Name": "Another name", "RecurringSchedule": {"Type": "Daily", "Unit": 2}})

    assert found == {"DeploymentFreezes": [made], "Count": 1}
    assert made["ProjectEnvironmentScope"] == {release["ProjectId"]: [environment["Id"]]}
    assert shop.get(path) == changed
    assert (changed["Name"], changed["RecurringSchedule"]["Unit"]) == ("Another name", 2)
    assert shop.get("/api/deploymentfreezes?status=Expired&partialName=Another")["Count"] == 0
    shop.delete(path)
    assert shop.send("GET", path).status_code == 404


def test_one_that_names_nothing_known_is_refused(shop: Workshop) -> None:
    unknown = shop.send("POST", "/api/deploymentfreezes", body({"Projects-0": ["Environments-0"]}))
    backwards = shop.send("POST", "/api/deploymentfreezes", body({}, End="2020-01-01T00:00:00Z"))

    assert "Projects-0" in refused(unknown)
    assert "after its start" in refused(backwards)


def test_no_deployment_is_made_into_a_frozen_environment(shop: Workshop, frozen: tuple[Json, Json, Json]) -> None:
    release, environment, made = frozen
    project = shop.get(f"projects/{release['ProjectId']}")
    by_names = {
        "ProjectName": project["Name"],
        "ReleaseVersion": release["Version"],
        "EnvironmentNames": [environment["Name"]],
    }

    for path, wanted in (
        ("deployments", order(release, environment)),
        ("deployments/create/untenanted/v1", by_names),
    ):
        assert made["Name"] in refused(shop.send("POST", path, wanted))
    shop.delete(f"/api/deploymentfreezes/{made['Id']}")
    assert shop.finished(shop.post("deployments", order(release, environment)))["State"] == "Success"


def test_a_freeze_is_overridden_with_a_reason(shop: Workshop, frozen: tuple[Json, Json, Json]) -> None:
    release, environment, made = frozen
    project = shop.get(f"projects/{release['ProjectId']}")
    wanted = {"CreateDeploymentCommand": order(release, environment), "FreezeIds": [made["Id"]]}
    by_names = {
        "ProjectName": project["Name"],
        "ReleaseVersion": release["Version"],
        "EnvironmentNames": [environment["Name"]],
        "DeploymentFreezeNames": [made["Name"]],
    }

    assert "reason" in refused(shop.send("POST", "deployments/override", wanted))
    assert "reason" in refused(shop.send("POST", "deployments/create/untenanted/v1", by_names))
    first = shop.post("deployments/override", {**wanted, "Reason": "A bug is out there"})["Deployment"]
    second = shop.post(
        "deployments/create/untenanted/v1", {**by_names, "DeploymentFreezeOverrideReason": "Another one"}
    )["DeploymentServerTasks"][0]

    assert shop.finished(first)["State"] == "Success"
    assert shop.finished({"TaskId": second["ServerTaskId"]})["State"] == "Success"
    assert made["Name"] in refused(shop.send("POST", "deployments", order(release, environment)))


def test_what_a_lifecycle_deploys_on_its_own_is_made_and_fails(shop: Workshop) -> None:
    """So does every deployment that would start during a freeze."""
    environment = shop.get("environments/all")[0]
    project = shop.project([bash("Say", "true")])
    lifecycle = shop.get(f"lifecycles/{project['LifecycleId']}")
    lifecycle["Phases"] = [{"Name": "At once", "AutomaticDeploymentTargets": [environment["Id"]]}]
    shop.put(f"lifecycles/{lifecycle['Id']}", lifecycle)
    made = shop.post("/api/deploymentfreezes", body({project["Id"]: [environment["Id"]]}))

    release = shop.release(project)
    deployment = shop.get(f"releases/{release['Id']}/deployments")["Items"][0]
    task = shop.finished(deployment)

    shop.delete(f"/api/deploymentfreezes/{made['Id']}")
    assert task["State"] == "Failed"
    assert "deployment freeze" in task["ErrorMessage"]
    assert made["Name"] in shop.log(deployment)


def test_an_older_server_has_none(target: Callable[[str], Target]) -> None:
    server = target(OLD)
    with enter(server.url, server.key) as shop:
        assert shop.send("GET", "/api/deploymentfreezes").status_code == 404
