"""What the server does without being asked: triggers, notifications, runbooks on demand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.serving import Handler, served
from tests.wire.octopus.behaviour.workshop import Json, Workshop, bash, refused

#: Fires every second.
EVERY_SECOND = {"FilterType": "CronExpressionSchedule", "CronExpression": "* * * * * *", "Timezone": "UTC"}


def deployed(shop: Workshop, project: Json) -> list[Json]:
    found: list[Json] = shop.get(f"deployments?projects={project['Id']}&take=50")["Items"]
    return found


def test_a_scheduled_trigger_fires_only_while_it_is_enabled(shop: Workshop) -> None:
    project = shop.project([bash("Say", "echo hi")])
    shop.finished(shop.deploy(shop.release(project)))
    development, test = (shop.named("environments", name)["Id"] for name in ("Development", "Test"))
    action = {
        "ActionType": "DeployLatestRelease",
        "SourceEnvironmentIds": [development],
        "DestinationEnvironmentId": test,
        "ShouldRedeployWhenReleaseIsCurrent": False,
    }
    body = {"Name": "Soon", "ProjectId": project["Id"], "IsDisabled": True, "Filter": EVERY_SECOND, "Action": action}
    trigger = shop.post("projecttriggers", body)
    quiet = len(deployed(shop, project))

    shop.put(f"projecttriggers/{trigger['Id']}", {**trigger, "IsDisabled": False})
    fired = shop.until(lambda: len(deployed(shop, project)) > quiet and deployed(shop, project), "the trigger to fire")
    shop.delete(f"projecttriggers/{trigger['Id']}")

    assert quiet == 1
    assert fired[0]["EnvironmentId"] == test
    assert fired[0]["DeployedBy"] == "system"


def test_a_trigger_that_cannot_do_its_work_is_told_to_the_audit_log(shop: Workshop) -> None:
    project = shop.project([bash("Say", "echo hi")])
    action = {
        "ActionType": "DeployLatestRelease",
        "SourceEnvironmentIds": [shop.named("environments", "Development")["Id"]],
        "DestinationEnvironmentId": shop.named("environments", "Test")["Id"],
    }
    trigger = shop.post(
        "projecttriggers", {"Name": "Vain", "ProjectId": project["Id"], "Filter": EVERY_SECOND, "Action": action}
    )

    query = f"events?projects={project['Id']}&eventCategories=AutoDeployBlocked"
    told = shop.until(lambda: shop.get(query)["Items"], "the event")
    shop.delete(f"projecttriggers/{trigger['Id']}")

    assert trigger["Id"] in told[0]["RelatedDocumentIds"]


def test_a_target_that_becomes_available_gets_what_is_deployed(shop: Workshop) -> None:
    role = "late-comer"
    project = shop.project(
        [bash("Touch", "echo on #{Octopus.Machine.Name}", roles=[role], on_server=False)],
        ProjectConnectivityPolicy={"AllowDeploymentsToNoTargets": True},
    )
    shop.finished(shop.deploy(shop.release(project), "Sandbox"))
    sandbox = shop.named("environments", "Sandbox")["Id"]
    watch = {
        "FilterType": "MachineFilter",
        "EnvironmentIds": [sandbox],
        "Roles": [role],
        "EventGroups": ["MachineAvailableForDeployment"],
        "EventCategories": [],
    }
    body = {"Name": "Late", "ProjectId": project["Id"], "Filter": watch, "Action": {"ActionType": "AutoDeploy"}}
    trigger = shop.post("projecttriggers", body)
    machine = shop.post(
        "machines",
        {"Name": "LATE", "EnvironmentIds": [sandbox], "Roles": [role], "Endpoint": {"CommunicationStyle": "None"}},
    )
    task = shop.post(
        "/api/tasks", {"Name": "Health", "Arguments": {"MachineIds": [machine["Id"]]}, "SpaceId": shop.space}
    )
    shop.finished({"TaskId": task["Id"]})

    found = shop.until(lambda: len(deployed(shop, project)) > 1 and deployed(shop, project), "the automatic deployment")
    shop.finished(found[0])
    shop.delete(f"projecttriggers/{trigger['Id']}")
    lines = shop.lines(found[0])
    shop.delete(f"machines/{machine['Id']}")

    assert found[0]["SpecificMachineIds"] == [machine["Id"]]
    assert "on LATE" in lines


@dataclass(frozen=True)
class Sink:
    """Keeps what is posted to it."""

    url: str
    received: list[Json]


class _Keep(Handler):
    received: list[Json]

    def do_POST(self) -> None:
        self.received.append(json.loads(self.body()))
        self.answer(status=204)


@pytest.fixture
def sink() -> Iterator[Sink]:
    received: list[Json] = []
    with served(_Keep, received=received) as url:
        yield Sink(url, received)


def test_a_subscription_posts_the_events_its_filter_lets_through(shop: Workshop, sink: Sink) -> None:
    project = shop.project([bash("Say", "echo hi")])
    notification = {
        "Filter": {"Projects": [project["Id"]], "EventCategories": ["DeploymentSucceeded"]},
        "WebhookURI": f"{sink.url}/hook",
        "WebhookTimeout": "00:00:05",
    }
    subscription = shop.post(
        "subscriptions", {"Name": "Sink", "Type": "Event", "EventNotificationSubscription": notification}
    )
    deployment = shop.deploy(shop.release(project))
    shop.finished(deployment)

    shop.until(lambda: sink.received, "the notification")
    shop.put(
        f"subscriptions/{subscription['Id']}", {**shop.get(f"subscriptions/{subscription['Id']}"), "IsDisabled": True}
    )
    shop.delete(f"subscriptions/{subscription['Id']}")

    event = sink.received[0]["Payload"]["Event"]
    assert sink.received[0]["EventType"] == "SubscriptionPayload"
    assert event["Category"] == "DeploymentSucceeded"
    assert deployment["Id"] in event["RelatedDocumentIds"]
    assert len(sink.received) == 1


def test_runbooks_are_published_and_run(shop: Workshop) -> None:
    project = shop.project([bash("Unused", "echo unused")])
    runbook = shop.post("runbooks", {"Name": "Tidy", "ProjectId": project["Id"], "EnvironmentScope": "All"})
    process = shop.get(f"runbookProcesses/{runbook['RunbookProcessId']}")
    body = "echo tidying #{Octopus.Environment.Name} with #{Octopus.RunbookSnapshot.Name}"
    shop.put(f"runbookProcesses/{process['Id']}", {**process, "Steps": [bash("Tidy", body)]})
    environments = [shop.named("environments", name)["Id"] for name in ("Development", "Test")]

    unpublished = shop.send("POST", f"runbooks/{runbook['Id']}/run", {"EnvironmentIds": environments})
    snapshot = shop.post(
        "runbookSnapshots?publish=true", {"ProjectId": project["Id"], "RunbookId": runbook["Id"], "Name": "One"}
    )
    runs = shop.post(f"runbooks/{runbook['Id']}/run", {"EnvironmentIds": environments})
    tasks = [shop.finished(run) for run in runs]

    assert "no published snapshot" in refused(unpublished)
    assert shop.get(f"runbooks/{runbook['Id']}")["PublishedRunbookSnapshotId"] == snapshot["Id"]
    assert [task["State"] for task in tasks] == ["Success", "Success"]
    assert "tidying Test with One" in shop.lines(runs[1])
    assert shop.get(f"runbookRuns?runbooks={runbook['Id']}")["TotalResults"] == 2
    assert shop.get(f"projects/{project['Id']}/runbookSnapshots/One")["Id"] == snapshot["Id"]
    assert shop.get(f"runbooks/{runbook['Id']}/runbookSnapshots")["TotalResults"] == 1
    categories = [event["Category"] for event in shop.get(f"events?regarding={runs[0]['Id']}")["Items"]]
    assert categories == ["RunbookRunSucceeded", "RunbookRunStarted", "RunbookRunQueued"]


def test_the_dashboard_and_the_progression_show_what_stands_where(shop: Workshop) -> None:
    project = shop.project([bash("Say", "if [ #{Octopus.Release.Number} = 2.0.0 ]; then exit 1; fi")])
    good, bad = shop.release(project, "1.0.0"), shop.release(project, "2.0.0")
    shop.finished(shop.deploy(good))
    shop.finished(shop.deploy(bad))

    board = shop.get(f"dashboard?projectId={project['Id']}")
    dynamic = shop.get(f"dashboard/dynamic?projects={project['Id']}&includePrevious=true")
    progression = shop.get(f"progression/{project['Id']}")

    assert [(item["ReleaseVersion"], item["IsPrevious"]) for item in dynamic["Items"]] == [
        ("2.0.0", False),
        ("1.0.0", True),
    ]
    assert "PreviousItems" not in dynamic
    assert [(item["ReleaseVersion"], item["State"], item["IsCurrent"]) for item in board["Items"]] == [
        ("2.0.0", "Failed", True)
    ]
    assert [(item["ReleaseVersion"], item["State"]) for item in board["PreviousItems"]] == [("1.0.0", "Success")]
    assert [entry["Release"]["Version"] for entry in progression["Releases"]] == ["2.0.0", "1.0.0"]
