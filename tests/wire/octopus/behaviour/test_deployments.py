"""Deployments are really carried out: scripts, values, packages, conditions, targets, people."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from tests.wire.octopus.behaviour.workshop import Json, Workshop, bash, refused, step, variable


def test_a_script_sees_variables_and_its_output_reaches_the_log(shop: Workshop) -> None:
    task, lines = shop.run(
        [bash("Say", 'echo "hello $(get_octopusvariable Who) in #{Octopus.Environment.Name}"')],
        [variable("Who", "world")],
    )

    assert task["State"] == "Success"
    assert "hello world in Development" in lines


def test_the_value_of_the_most_specific_scope_wins(shop: Workshop) -> None:
    development = shop.named("environments", "Development")["Id"]
    test = shop.named("environments", "Test")["Id"]
    values = [
        variable("Colour", "grey"),
        variable("Colour", "green", {"Environment": [development]}),
        variable("Colour", "red", {"Environment": [test]}),
        variable("Colour", "blue", {"Environment": [development], "Role": ["web-server"]}),
    ]
    steps = [
        bash("Plain", 'echo "server: #{Colour}"'),
        bash("On targets", 'echo "#{Octopus.Machine.Name}: #{Colour}"', roles=["web-server"], on_server=False),
    ]

    _, lines = shop.run(steps, values)

    assert "server: green" in lines
    assert "Development web-server region: blue" in lines


def test_a_failing_script_fails_the_task_and_later_steps_obey_their_conditions(shop: Workshop) -> None:
    steps = [
        bash("Break", "echo before; exit 7"),
        bash("Next", "echo next"),
        bash("Mend", "echo mending", Condition="Failure"),
        bash("Close", "echo closing", Condition="Always"),
    ]

    task, lines = shop.run(steps)

    assert task["State"] == "Failed"
    assert "Break" in task["ErrorMessage"]
    assert task["HasWarningsOrErrors"]
    assert "The remote script failed with exit code 7" in lines
    assert {"before", "mending", "closing"} <= set(lines)
    assert "next" not in lines


def test_output_variables_and_artifacts_pass_from_step_to_step(shop: Workshop) -> None:
    steps = [
        bash("Make", 'set_octopusvariable Answer 42\necho data > out.txt\nnew_octopusartifact out.txt "result.txt"'),
        bash("Use", 'echo "answer #{Octopus.Action[Make].Output.Answer}"'),
    ]
    deployment = shop.deploy(shop.release(shop.project(steps)))

    assert shop.finished(deployment)["State"] == "Success"
    assert "answer 42" in shop.lines(deployment)
    found = shop.get(f"artifacts?regarding={deployment['Id']}")["Items"]
    assert [(item["Filename"], item["ServerTaskId"]) for item in found] == [("result.txt", deployment["TaskId"])]
    assert shop.send("GET", found[0]["Links"]["Content"]).content == b"data\n"


def test_secrets_reach_the_script_and_never_the_log(shop: Workshop) -> None:
    secret = "a-very-secret-word"
    body = (
        'value="$(get_octopusvariable Secret)"\necho "plain $value"\n'
        'echo "digest $(printf %s "$value" | sha256sum | cut -c1-64)"'
    )
    deployment = shop.deploy(
        shop.release(shop.project([bash("Use", body)], [variable("Secret", secret, Type="Sensitive")]))
    )

    shop.finished(deployment)

    log = shop.log(deployment)
    assert secret not in log
    assert "plain ********" in log
    assert hashlib.sha256(secret.encode()).hexdigest() in log
    manifest = shop.get(f"deployments/{deployment['Id']}")["ManifestVariableSetId"]
    assert secret not in shop.send("GET", f"variables/{manifest}").text


def test_the_release_keeps_the_values_it_was_made_with(shop: Workshop) -> None:
    project = shop.project([bash("Say", "echo value #{Word}")], [variable("Word", "old")])
    release = shop.release(project)
    current = shop.get(f"variables/{project['VariableSetId']}")
    current["Variables"][0]["Value"] = "new"
    shop.put(f"variables/{current['Id']}", current)

    before = shop.deploy(release)
    shop.finished(before)
    template = shop.get(f"releases/{release['Id']}/deployments/template")
    shop.post(f"releases/{release['Id']}/snapshot-variables")
    after = shop.deploy(release)
    shop.finished(after)

    assert "value old" in shop.lines(before)
    assert "value new" in shop.lines(after)
    assert template["IsVariableSetModified"]
    assert not template["IsDeploymentProcessModified"]


def test_a_package_is_extracted_and_its_script_runs(shop: Workshop) -> None:
    package: Json = {
        "Name": "",
        "PackageId": "Acme.Storefront",
        "FeedId": "feeds-builtin",
        "AcquisitionLocation": "Server",
        "Properties": {},
    }
    steps = [step("Install", "Octopus.TentaclePackage", {}, roles=["web-server"], packages=[package])]
    project = shop.project(steps)
    missing = shop.send("POST", "releases", {"ProjectId": project["Id"], "Version": "1.0.0"})
    release = shop.release(project, packages=[{"ActionName": "Install", "Version": "1.0.1"}])

    deployment = shop.deploy(release)

    assert "Install" in refused(missing)
    assert shop.finished(deployment)["State"] == "Success"
    assert "Acme.Storefront 1.0.1 is in place in Development" in shop.lines(deployment)


def test_a_package_that_is_not_there_fails_before_any_step(shop: Workshop) -> None:
    package: Json = {"Name": "", "PackageId": "Nobody.Has", "FeedId": "feeds-builtin", "Properties": {}}
    steps = [
        bash("First", "echo first"),
        step("Install", "Octopus.TentaclePackage", {}, roles=["web-server"], packages=[package]),
    ]
    release = shop.release(shop.project(steps), packages=[{"ActionName": "Install", "Version": "1.0.0"}])
    deployment = shop.deploy(release)

    task = shop.finished(deployment)

    assert task["State"] == "Failed"
    assert "Nobody.Has" in task["ErrorMessage"]
    assert "first" not in shop.lines(deployment)


def test_an_action_this_server_cannot_do_fails_and_says_so(shop: Workshop) -> None:
    task, lines = shop.run([step("Cloud", "Octopus.AzureWebApp", {"Octopus.Action.RunOnServer": "true"})])

    assert task["State"] == "Failed"
    assert any("Octopus.AzureWebApp" in line for line in lines)


def test_disabled_targets_take_no_part(shop: Workshop) -> None:
    task, lines = shop.run(
        [bash("Touch", "echo on #{Octopus.Machine.Name}", roles=["web-server"], on_server=False)],
        environment="Production",
    )

    assert task["State"] == "Success"
    assert [line for line in lines if line.startswith("on ")] == ["on Production web-server region"]


def test_an_enabled_tentacle_cannot_be_reached(shop: Workshop) -> None:
    role = "lonely"
    endpoint = {
        "CommunicationStyle": "TentaclePassive",
        "Uri": "https://lonely.acme.test:10933/",
        "Thumbprint": "AB" * 20,
    }
    sandbox = shop.named("environments", "Sandbox")
    machine = shop.post(
        "machines",
        {
            "Name": "LONELY",
            "EnvironmentIds": [sandbox["Id"]],
            "Roles": [role],
            "Endpoint": endpoint,
            "Thumbprint": "AB" * 20,
        },
    )

    task, lines = shop.run([bash("Touch", "echo here", roles=[role], on_server=False)], environment="Sandbox")
    shop.delete(f"machines/{machine['Id']}")

    assert task["State"] == "Failed"
    assert any("LONELY could not be contacted" in line for line in lines)


def test_without_targets_the_project_says_whether_that_is_fine(shop: Workshop) -> None:
    steps = [bash("Touch", "echo here", roles=["nobody-has-this"], on_server=False)]
    strict = shop.deploy(shop.release(shop.project(steps)))
    policy = {"AllowDeploymentsToNoTargets": True}
    relaxed = shop.deploy(shop.release(shop.project(steps, ProjectConnectivityPolicy=policy)))

    assert shop.finished(strict)["State"] == "Failed"
    assert shop.finished(relaxed)["State"] == "Success"


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
