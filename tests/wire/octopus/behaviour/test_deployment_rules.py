"""When something may be deployed, by whom, where to, and what it waits for."""

from __future__ import annotations

import httpx
import pytest

from tests.wire.octopus.behaviour.workshop import Json, Workshop, bash, refused, step, variable


def test_steps_can_be_skipped_and_machines_chosen(shop: Workshop) -> None:
    steps = [bash("One", "echo one"), bash("Two", "echo two")]
    project = shop.project(steps)
    deployment = shop.deploy(shop.release(project), SkipActions=[steps[0]["Actions"][0]["Id"]])
    shop.finished(deployment)

    lines = shop.lines(deployment)

    assert "two" in lines
    assert "one" not in lines


def test_a_required_prompt_must_be_answered_and_the_answer_is_used(shop: Workshop) -> None:
    prompted = variable("Ticket", "", Prompt={"Label": "Ticket number", "Required": True, "Description": ""})
    project = shop.project([bash("Say", "echo ticket #{Ticket}")], [prompted])
    release = shop.release(project)
    development = shop.named("environments", "Development")["Id"]

    preview = shop.get(f"releases/{release['Id']}/deployments/preview/{development}")
    silent = shop.send("POST", "deployments", {"ReleaseId": release["Id"], "EnvironmentId": development})
    element = preview["Form"]["Elements"][0]
    deployment = shop.deploy(release, FormValues={element["Name"]: "CHG-7"})
    shop.finished(deployment)

    assert element["IsValueRequired"]
    assert "Ticket number" in refused(silent)
    assert "ticket CHG-7" in shop.lines(deployment)


def test_a_lifecycle_keeps_releases_from_skipping_phases(shop: Workshop) -> None:
    standard = shop.named("lifecycles", "Standard")
    project = shop.project([bash("Say", "echo hi")])
    shop.put(f"projects/{project['Id']}", {**shop.get(f"projects/{project['Id']}"), "LifecycleId": standard["Id"]})
    release = shop.release(project)
    production = shop.named("environments", "Production")["Id"]

    early = shop.send("POST", "deployments", {"ReleaseId": release["Id"], "EnvironmentId": production})
    shop.finished(shop.deploy(release, "Development"))
    phases = shop.get(f"releases/{release['Id']}/progression")["Phases"]

    assert "earlier phases" in refused(early)
    assert [phase["Progress"] for phase in phases] == ["Complete", "Current", "Pending"]


def test_a_defect_blocks_and_resolving_it_unblocks(shop: Workshop) -> None:
    standard = shop.named("lifecycles", "Standard")
    project = shop.project([bash("Say", "echo hi")])
    shop.put(f"projects/{project['Id']}", {**shop.get(f"projects/{project['Id']}"), "LifecycleId": standard["Id"]})
    release = shop.release(project)
    shop.finished(shop.deploy(release, "Development"))
    shop.post(f"releases/{release['Id']}/defects", {"Description": "It smells"})
    body = {"ReleaseId": release["Id"], "EnvironmentId": shop.named("environments", "Test")["Id"]}

    blocked = shop.send("POST", "deployments", body)
    shop.post(f"releases/{release['Id']}/defects/resolve")
    free = shop.send("POST", "deployments", body)

    assert "defect" in refused(blocked)
    assert free.status_code == 201


def test_automatic_phases_deploy_by_themselves(shop: Workshop) -> None:
    continuous = shop.named("lifecycles", "Continuous")
    project = shop.project([bash("Say", "echo hi")])
    shop.put(f"projects/{project['Id']}", {**shop.get(f"projects/{project['Id']}"), "LifecycleId": continuous["Id"]})
    release = shop.release(project)

    found = shop.until(lambda: shop.get(f"releases/{release['Id']}/deployments")["Items"], "the automatic deployment")

    assert shop.finished(found[0])["State"] == "Success"


def test_two_deployments_of_one_project_to_one_place_do_not_overlap(shop: Workshop) -> None:
    release = shop.release(shop.project([bash("Slow", "sleep 1; date +%s%N")]))
    first, second = shop.deploy(release), shop.deploy(release)
    behind = shop.get(f"/api/tasks/{second['TaskId']}/queued-behind")["Items"]
    done = [shop.finished(first), shop.finished(second)]

    assert second["Name"] == "Deploy to Development (#2)"
    assert [task["Id"] for task in behind] in ([first["TaskId"]], [])
    assert done[0]["CompletedTime"] <= done[1]["StartTime"]


def test_a_scheduled_deployment_waits_and_an_expired_one_times_out(shop: Workshop) -> None:
    release = shop.release(shop.project([bash("Say", "echo hi")]))
    later = shop.deploy(release, QueueTime="2090-01-01T00:00:00.000+00:00")
    expired = shop.deploy(
        release, "Test", QueueTime="2020-01-01T00:00:00.000+00:00", QueueTimeExpiry="2020-01-01T01:00:00.000+00:00"
    )

    assert shop.finished(expired)["State"] == "TimedOut"
    assert shop.get(f"/api/tasks/{later['TaskId']}")["State"] == "Queued"
    cancelled = shop.post(f"/api/tasks/{later['TaskId']}/cancel")
    assert cancelled["State"] == "Canceled"


def test_cancelling_stops_a_running_script(shop: Workshop) -> None:
    deployment = shop.deploy(shop.release(shop.project([bash("Endless", "echo started; sleep 600; echo never")])))
    shop.until(lambda: "started" in shop.lines(deployment), "the script to start")

    shop.post(f"/api/tasks/{deployment['TaskId']}/cancel")

    task = shop.finished(deployment)
    assert task["State"] == "Canceled"
    assert "never" not in shop.lines(deployment)


def test_a_release_of_another_project_is_deployed_and_waited_for(shop: Workshop) -> None:
    child = shop.project([bash("Child", "echo child")])
    child_release = shop.release(child, "3.2.1")
    reference: Json = {"Name": "", "PackageId": child["Id"], "FeedId": "feeds-builtin-releases", "Properties": {}}
    properties = {"Octopus.Action.DeployRelease.ProjectId": child["Id"]}
    parent = shop.project([step("Child first", "Octopus.DeployRelease", properties, packages=[reference])])
    release = shop.release(parent, packages=[{"ActionName": "Child first", "Version": "3.2.1"}])

    task = shop.finished(shop.deploy(release))

    assert task["State"] == "Success"
    assert shop.get(f"releases/{child_release['Id']}/deployments")["TotalResults"] == 1


def test_tenanted_projects_deploy_to_connected_tenants_only(shop: Workshop) -> None:
    project = shop.named("projects", "Tenant portal")
    release = shop.get(f"projects/{project['Id']}/releases")["Items"][0]
    staging = shop.named("environments", "Staging")["Id"]
    tenant = shop.get("tenants/all")[0]

    without = shop.send(
        "POST",
        "deployments",
        {"ReleaseId": release["Id"], "EnvironmentId": shop.named("environments", "Development")["Id"]},
    )
    unconnected = shop.send(
        "POST", "deployments", {"ReleaseId": release["Id"], "EnvironmentId": staging, "TenantId": tenant["Id"]}
    )

    assert "tenant" in refused(without)
    assert "not connected" in refused(unconnected)


@pytest.fixture
def waiting(shop: Workshop) -> tuple[Json, Json]:
    """A deployment that waits for a person, and its interruption."""
    steps = [
        step("Approve", "Octopus.Manual", {"Octopus.Action.Manual.Instructions": "Look at #{Octopus.Project.Name}"}),
        bash("After", "echo approved by #{Octopus.Action[Approve].Output.Manual.Result}"),
    ]
    deployment = shop.deploy(shop.release(shop.project(steps)))
    found = shop.until(
        lambda: shop.get(f"interruptions?regarding={deployment['Id']}&pendingOnly=true")["Items"], "the interruption"
    )
    return deployment, found[0]


def test_a_manual_intervention_waits_until_somebody_responsible_proceeds(
    shop: Workshop, waiting: tuple[Json, Json]
) -> None:
    deployment, interruption = waiting
    task = shop.until(lambda: _pending(shop, deployment), "the task to wait")
    too_soon = shop.send("POST", interruption["Links"]["Submit"], {"Result": "Proceed"})
    shop.put(interruption["Links"]["Responsible"], {})
    wrong = shop.send("POST", interruption["Links"]["Submit"], {"Result": "Maybe"})
    answered = shop.post(interruption["Links"]["Submit"], {"Result": "Proceed", "Notes": "fine"})

    assert task["State"] == "Executing"
    assert "responsibility" in refused(too_soon)
    assert "Proceed, Abort" in refused(wrong)
    assert not answered["IsPending"]
    assert shop.finished(deployment)["State"] == "Success"
    assert "approved by Proceed" in shop.lines(deployment)


def _pending(shop: Workshop, deployment: Json) -> Json | None:
    task: Json = shop.get(f"/api/tasks/{deployment['TaskId']}")
    return task if task["HasPendingInterruptions"] else None


def test_an_aborted_manual_intervention_fails_the_deployment(shop: Workshop, waiting: tuple[Json, Json]) -> None:
    deployment, interruption = waiting
    shop.put(interruption["Links"]["Responsible"], {})
    shop.post(interruption["Links"]["Submit"], {"Result": "Abort"})

    assert shop.finished(deployment)["State"] == "Failed"


def test_guided_failure_asks_and_a_retry_can_save_the_deployment(
    shop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    marker = tmp_path_factory.mktemp("guided") / "second-time"
    body = f"if [ -e {marker} ]; then echo better; else touch {marker}; exit 1; fi"
    deployment = shop.deploy(shop.release(shop.project([bash("Shaky", body)])), UseGuidedFailure=True)
    found = shop.until(
        lambda: shop.get(f"interruptions?regarding={deployment['TaskId']}&pendingOnly=true")["Items"], "the question"
    )
    shop.put(found[0]["Links"]["Responsible"], {})
    shop.post(found[0]["Links"]["Submit"], {"Guidance": "Retry"})

    assert shop.finished(deployment)["State"] == "Success"
    assert "better" in shop.lines(deployment)


def test_events_tell_the_story_and_point_at_the_task(shop: Workshop) -> None:
    deployment = shop.deploy(shop.release(shop.project([bash("Say", "echo hi")])))
    shop.finished(deployment)

    told = shop.get(f"events?regarding={deployment['Id']}&take=50")["Items"]

    assert [event["Category"] for event in reversed(told)] == [
        "DeploymentQueued",
        "DeploymentStarted",
        "DeploymentSucceeded",
    ]
    assert all(deployment["TaskId"] in event["RelatedDocumentIds"] for event in told)
    for event in told:
        for reference in event["MessageReferences"]:
            start = reference["StartIndex"]
            assert event["Message"][start : start + reference["Length"]].strip()


def test_someone_without_the_permission_cannot_deploy(shop: Workshop, filled: object) -> None:
    facts = getattr(filled, "facts")  # noqa: B009 - the fixture's class lives in conftest
    viewer = next(user for user in facts["Users"] if user["Username"] == "viola.viewer")
    release = shop.release(shop.project([bash("Say", "echo hi")]))
    body = {"ReleaseId": release["Id"], "EnvironmentId": shop.named("environments", "Development")["Id"]}

    with httpx.Client(base_url=shop.http.base_url, headers={"X-Octopus-ApiKey": viewer["ApiKey"]}) as http:
        reply = http.post(shop.path("deployments"), json=body)

    assert "DeploymentCreate" in refused(reply, 403)
