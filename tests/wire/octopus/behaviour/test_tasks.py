"""Server tasks: lists, logs, states, the queue, and the server's own work."""

from __future__ import annotations

import pytest

from tests.wire.octopus.behaviour.conftest import Filled
from tests.wire.octopus.behaviour.workshop import Json, Workshop, bash, refused


def run_task(shop: Workshop, name: str, **arguments: object) -> Json:
    body = {"Name": name, "Description": f"Try {name}", "Arguments": arguments, "SpaceId": shop.space}
    task = shop.post("/api/tasks", body)
    return shop.finished({"TaskId": task["Id"]})


def test_the_list_counts_states_and_filters(shop: Workshop, filled: Filled) -> None:
    everything = shop.get("/api/tasks?take=200")
    successes = shop.get("/api/tasks?states=Success&take=500")["Items"]
    interrupted = shop.get("/api/tasks?hasPendingInterruptions=true")["Items"]
    project = shop.named("projects", "Storefront")
    own = shop.get(f"/api/tasks?project={project['Id']}&take=100")["Items"]
    two = f"{successes[0]['Id']},{successes[1]['Id']}"

    assert everything["TotalCounts"]["Success"] >= 20
    assert {task["State"] for task in successes} == {"Success"}
    assert filled.facts["WaitingInterruption"]["TaskId"] in {task["Id"] for task in interrupted}
    assert own
    assert all("Storefront" in task["Description"] for task in own)
    assert {task["Id"] for task in shop.get(f"tasks?ids={two}")["Items"]} == set(two.split(","))
    assert shop.get("/api/tasks?name=Deploy&active=true")["Items"] == [
        task for task in interrupted if task["Name"] == "Deploy"
    ]


def test_details_can_be_shortened(shop: Workshop) -> None:
    body = "for i in $(seq 20); do echo line $i; done; write_verbose hidden"
    deployment = shop.deploy(shop.release(shop.project([bash("Many", body)])))
    shop.finished(deployment)
    base = f"/api/tasks/{deployment['TaskId']}/details"

    whole = shop.get(base)
    short = shop.get(f"{base}?verbose=false&tail=3")

    script = whole["ActivityLogs"][0]["Children"][0]["Children"][0]
    shortened = short["ActivityLogs"][0]["Children"][0]["Children"][0]
    assert len(script["LogElements"]) == 21
    assert [element["Category"] for element in shortened["LogElements"]] == ["Gap", "Info", "Info", "Info"]
    assert shortened["LogElements"][-1]["MessageText"] == "line 20"
    assert whole["PhysicalLogSize"] > 0
    assert script["Id"].startswith(f"{deployment['TaskId']}_")


def test_a_health_check_finds_regions_healthy_and_skips_disabled_targets(shop: Workshop) -> None:
    task = run_task(shop, "Health", EnvironmentId=shop.named("environments", "Production")["Id"])
    machine = shop.named("machines", "Production web-server region")
    disabled = shop.named("machines", "ACME-WEB-00")

    assert task["State"] == "Success"
    assert machine["HealthStatus"] == "Healthy"
    assert disabled["HealthStatus"] == "Unknown"
    assert shop.get(machine["Links"]["Connection"])["MachineId"] == machine["Id"]


def test_the_integrity_check_of_a_sound_database_succeeds(shop: Workshop) -> None:
    task = run_task(shop, "SystemIntegrityCheck")

    assert task["State"] == "Success", shop.log({"TaskId": task["Id"]})


def test_an_ad_hoc_script_runs_on_the_server_and_on_regions(shop: Workshop) -> None:
    alone = run_task(shop, "AdHocScript", ScriptBody="echo alone", Syntax="Bash")
    roles = run_task(
        shop,
        "AdHocScript",
        ScriptBody='echo "here $(get_octopusvariable Octopus.Machine.Name)"',
        Syntax="Bash",
        TargetRoles=["db-server"],
        EnvironmentIds=[shop.named("environments", "Test")["Id"]],
    )

    assert "alone" in shop.lines({"TaskId": alone["Id"]})
    assert "here Test db-server region" in shop.lines({"TaskId": roles["Id"]})


def test_mail_cannot_be_sent_and_the_task_says_why(shop: Workshop) -> None:
    task = run_task(shop, "TestEmail", EmailAddress="qa@acme.test")

    assert task["State"] == "Failed"
    assert "SMTP is not configured" in task["ErrorMessage"]


def test_only_finished_tasks_may_be_given_another_state(shop: Workshop, filled: Filled) -> None:
    task = run_task(shop, "TestEmail", EmailAddress="qa@acme.test")
    waiting = filled.facts["WaitingInterruption"]["TaskId"]

    unexplained = shop.send("POST", f"/api/tasks/{task['Id']}/state", {"State": "Success"})
    running = shop.send("POST", f"/api/tasks/{waiting}/state", {"State": "Failed", "Reason": "why not"})
    changed = shop.post(f"/api/tasks/{task['Id']}/state", {"State": "Success", "Reason": "sent by hand"})

    assert "reason" in refused(unexplained)
    assert "can only be changed" in refused(running)
    assert changed["State"] == "Success"


def test_maintenance_tasks_can_run_again_and_deployments_cannot(shop: Workshop) -> None:
    task = run_task(shop, "SynchronizeBuiltInPackageRepositoryIndex")
    again = shop.post(f"/api/tasks/rerun/{task['Id']}")
    deployment = shop.get("deployments?take=1")["Items"][0]

    assert task["CanRerun"]
    assert shop.finished({"TaskId": again["Id"]})["State"] == "Success"
    assert "cannot be re-run" in refused(shop.send("POST", f"/api/tasks/rerun/{deployment['TaskId']}", {}))


@pytest.mark.parametrize(("name", "sentence"), [("Nonsense", "no task type"), ("Deploy", "cannot be created directly")])
def test_tasks_that_cannot_be_created_are_refused(shop: Workshop, name: str, sentence: str) -> None:
    reply = shop.send("POST", "/api/tasks", {"Name": name, "Arguments": {}, "SpaceId": shop.space})

    assert sentence in refused(reply)


def test_a_draining_node_takes_no_tasks(shop: Workshop) -> None:
    node = shop.get("/api/octopusservernodes/all")[0]
    shop.put(f"/api/octopusservernodes/{node['Id']}", {**node, "IsInMaintenanceMode": True})
    body: Json = {"Name": "SynchronizeBuiltInPackageRepositoryIndex", "Arguments": {}, "SpaceId": shop.space}
    task = shop.post("/api/tasks", body)
    shop.get("/api/tasks?take=1")
    state_while_draining = shop.get(f"/api/tasks/{task['Id']}")["State"]
    shop.put(f"/api/octopusservernodes/{node['Id']}", {**node, "IsInMaintenanceMode": False})

    assert state_while_draining == "Queued"
    assert shop.finished({"TaskId": task["Id"]})["State"] == "Success"


def test_the_scheduler_has_logs(shop: Workshop) -> None:
    names = [entry["Name"] for entry in shop.get("/api/scheduler")["TaskStatus"]]

    log = shop.until(
        lambda: shop.get("/api/scheduler/CheckSystemIntegrity/logs")["ActivityLog"]["LogElements"], "the first check"
    )

    assert "CheckSystemIntegrity" in names
    assert log[0]["MessageText"].startswith("Queued ServerTasks-")


def test_the_scheduler_can_be_stopped_started_and_triggered(shop: Workshop) -> None:
    shop.get("/api/scheduler/stop")
    stopped = shop.get("/api/scheduler")["IsRunning"]
    shop.get("/api/scheduler/trigger")
    still_stopped = shop.get("/api/scheduler")["IsRunning"]
    shop.get("/api/scheduler/start")

    assert (stopped, still_stopped) == (False, False)
    assert shop.get("/api/scheduler")["IsRunning"]
