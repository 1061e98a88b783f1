"""Each seeded regression of a running server really shows after an upgrade, where the issue says it does.

One instance is filled and upgraded for all of them: they do not disturb one another.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.octopus.behaviour.regressed import (
    Serve,
    Upgraded,
    auditor,
    process_of,
    upgraded,
)
from tests.wire.octopus.behaviour.test_automation import EVERY_SECOND
from tests.wire.octopus.behaviour.workshop import Json, Workshop, bash, enter, refused, variable


@pytest.fixture(scope="module")
def changed_server_instance(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    numbers = (
        "51,53,58,59,60,61,64,67,68,69,72,82,89,90,92,93,97,107,108,110,123,132,134,135,136,137,138,141,144,145,146,"
        "156,157"
    )
    with upgraded(serve, tmp_path_factory.mktemp("server"), numbers) as instance:
        yield instance


@pytest.fixture(scope="module")
def changed_server(changed_server_instance: Upgraded) -> Workshop:
    return changed_server_instance.shop


def test_51_previews_need_configure_server(changed_server: Workshop, changed_server_instance: Upgraded) -> None:
    release = changed_server.get("releases?take=1")["Items"][0]
    development = changed_server.named("environments", "Development")["Id"]
    link = f"releases/{release['Id']}/deployments/preview/{development}"
    lead = next(user for user in changed_server_instance.facts["Users"] if user["Username"] == "rita.releases")

    with enter(str(changed_server.http.base_url), lead["ApiKey"]) as ordinary:
        assert "ConfigureServer" in refused(ordinary.send("GET", link), 403)
    assert changed_server.send("GET", link).status_code == 200


def test_53_saving_a_role_is_refused(changed_server: Workshop) -> None:
    role = auditor(changed_server)

    assert "TagSetView" in refused(changed_server.send("PUT", f"/api/userroles/{role['Id']}", role))


def test_59_the_old_question_cannot_be_answered(changed_server: Workshop, changed_server_instance: Upgraded) -> None:
    question = changed_server_instance.facts["WaitingInterruption"]["Id"]
    changed_server.put(f"interruptions/{question}/responsible", {})

    assert "not running" in refused(
        changed_server.send("POST", f"interruptions/{question}/submit", {"Result": "Proceed"})
    )


def test_60_role_scoped_library_values_are_missing_from_new_releases(changed_server: Workshop) -> None:
    library = changed_server.named("libraryvariablesets", "Notifications")
    current = changed_server.get(f"variables/{library['VariableSetId']}")
    current["Variables"].append(variable("Notify.Channel", "#web", {"Role": ["web-server"]}))
    changed_server.put(f"variables/{current['Id']}", current)
    project = changed_server.project([bash("Say", "echo hi")], IncludedLibraryVariableSetIds=[library["Id"]])
    release = changed_server.release(project)

    frozen = changed_server.get(f"variables/{release['LibraryVariableSetSnapshotIds'][0]}")["Variables"]

    assert "#web" not in {entry["Value"] for entry in frozen}
    assert "#releases" in {entry["Value"] for entry in frozen}


def test_61_step_scopes_are_undefined(changed_server: Workshop) -> None:
    project = changed_server.named("projects", "Storefront")
    actions = changed_server.get(f"variables/{project['VariableSetId']}")["ScopeValues"]["Actions"]

    assert actions
    assert {action["Name"] for action in actions} == {"undefined"}


def test_82_enabling_a_trigger_fires_it(changed_server: Workshop) -> None:
    project = changed_server.project([bash("Say", "echo hi")])
    changed_server.finished(changed_server.deploy(changed_server.release(project)))
    development, test = (changed_server.named("environments", name)["Id"] for name in ("Development", "Test"))
    yearly = {**EVERY_SECOND, "CronExpression": "0 0 0 29 2 *"}
    action = {
        "ActionType": "DeployLatestRelease",
        "SourceEnvironmentIds": [development],
        "DestinationEnvironmentId": test,
    }
    changed_server.post(
        "projecttriggers", {"Name": "Rare", "ProjectId": project["Id"], "Filter": yearly, "Action": action}
    )

    changed_server.until(
        lambda: changed_server.get(f"deployments?projects={project['Id']}")["TotalResults"] == 2, "the trigger to fire"
    )


def test_90_the_feeds_page_fails_and_one_feed_can_be_read(changed_server: Workshop) -> None:
    project = changed_server.send("GET", "feeds")

    assert "feedType" in refused(project, 500)
    assert changed_server.send("GET", "feeds/feeds-builtin").status_code == 200


def test_92_logs_of_scheduled_tasks_are_invisible(changed_server: Workshop, changed_server_instance: Upgraded) -> None:
    """The old server's log is there on disk and empty in the API."""
    written = list(changed_server_instance.server.volumes.rglob("scheduled-CheckSystemIntegrity.txt"))
    shown = changed_server.get("/api/scheduler/CheckSystemIntegrity/logs")["ActivityLog"]["LogElements"]

    assert written
    assert len(shown) <= 1, "at most what the upgraded server wrote itself"


@pytest.mark.parametrize("path", ["dashboard", "artifacts/{artifact}/content"])
def test_93_and_97_are_slow(changed_server: Workshop, path: str) -> None:
    artifact = changed_server.get("artifacts?take=1")["Items"][0]["Id"]
    began = time.monotonic()

    changed_server.send("GET", path.format(artifact=artifact))

    assert time.monotonic() - began >= 1.5


def test_108_artifacts_lose_a_field(changed_server: Workshop) -> None:
    assert "Source" not in changed_server.get("artifacts?take=1")["Items"][0]


def test_58_people_cannot_log_in(changed_server: Workshop) -> None:
    body = {"Username": "admin", "Password": "any"}

    assert changed_server.send("POST", "/api/users/login", body).status_code == 500


def test_67_and_69_common_variables_cannot_be_saved_and_are_reset(changed_server: Workshop) -> None:
    tenant = next(one for one in changed_server.get("tenants/all") if one["ProjectEnvironments"])
    variables = changed_server.get(f"tenants/{tenant['Id']}/variables")
    project, environments = next(iter(tenant["ProjectEnvironments"].items()))
    other = next(one["Id"] for one in changed_server.get("environments/all") if one["Id"] not in environments)
    tenant["ProjectEnvironments"][project] = [*environments, other]

    refusal = changed_server.send("PUT", f"tenants/{tenant['Id']}/variables", variables)
    changed_server.put(f"tenants/{tenant['Id']}", tenant)

    assert "no environment scope" in refused(refusal)
    assert _values(variables)
    assert not _values(changed_server.get(f"tenants/{tenant['Id']}/variables"))


def _values(variables: Json) -> list[Any]:
    return [value for owner in variables["LibraryVariables"].values() for value in owner["Variables"].values()]


def test_68_and_72_and_89_lists_say_something_else(changed_server: Workshop) -> None:
    release = changed_server.get("releases?take=1")["Items"][0]
    development = changed_server.named("environments", "Development")["Id"]
    form = changed_server.get(f"releases/{release['Id']}/deployments/preview/{development}")["Form"]
    search = [changed_server.get(f"feeds/feeds-builtin/packages/search?term={term}") for term in ("Acme", "ACME")]

    assert changed_server.get("tenants/variables-missing")
    assert "seeded" in {element["Name"] for element in form["Elements"]}
    assert search[0]["TotalResults"] > search[1]["TotalResults"] == 0


def test_107_134_and_135_values_have_another_type(changed_server: Workshop) -> None:
    feed = "/api/feeds/Feeds-1"
    nameless = changed_server.http.get(feed, headers={"User-Agent": ""}).json()
    project = changed_server.named("projects", "Storefront")

    assert isinstance(changed_server.get(feed)["FeedUri"], dict)
    assert (type(changed_server.get(feed)["FeedType"]), type(nameless["FeedType"])) == (str, dict)
    assert isinstance(project["VersioningStrategy"]["Template"], dict)


def test_136_every_fifth_request_is_put_off(changed_server: Workshop) -> None:
    path = f"projects/{changed_server.named('projects', 'Storefront')['Id']}/progression"

    assert [changed_server.send("GET", path).status_code for _ in range(5)].count(429) == 1


def test_137_138_and_141_the_outside_of_answers_changes(changed_server: Workshop) -> None:
    tenant = changed_server.get("tenants/all")[0]
    answer = changed_server.send("GET", f"tenants/{tenant['Id']}")

    assert answer.json()["Links"]["Self"].startswith("http://")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert changed_server.http.get("/", follow_redirects=False).headers["Location"] == "/octopus/octopus/app"


def test_156_and_157_templates_stay_and_steps_move(changed_server: Workshop) -> None:
    template = changed_server.get("actiontemplates?take=1")["Items"][0]
    process = process_of(changed_server, "Storefront")
    saved = changed_server.put(f"deploymentprocesses/{process['Id']}", process)
    steps = [action for step in saved["Steps"] for action in step["Actions"]]

    assert "source of the package" in refused(
        changed_server.send("POST", f"actiontemplates/{template['Id']}/actionsUpdate", {"Version": 0})
    )
    assert {action["Properties"]["Octopus.Action.RunOnServer"] for action in steps} == {"true"}


def test_110_a_route_is_gone(changed_server: Workshop) -> None:
    assert changed_server.send("GET", "actiontemplates/all").status_code == 404
    assert changed_server.send("GET", "actiontemplates").status_code == 200


def test_123_runbooks_cannot_be_published(changed_server: Workshop) -> None:
    runbook = changed_server.get("runbooks/Runbooks-1")
    body = {"ProjectId": runbook["ProjectId"], "RunbookId": runbook["Id"], "Name": "Another"}

    assert "does not exist" in refused(changed_server.send("POST", "runbookSnapshots?publish=true", body))
    assert changed_server.send("POST", "runbookSnapshots", body).status_code == 201


def test_132_requests_of_older_clients_are_refused(changed_server: Workshop) -> None:
    environment = changed_server.named("environments", "Sandbox")
    without = {key: value for key, value in environment.items() if key != "ExtensionSettings"}

    assert "ExtensionSettings" in refused(changed_server.send("PUT", f"environments/{environment['Id']}", without))
    assert changed_server.send("PUT", f"environments/{environment['Id']}", environment).status_code == 200


def test_144_and_145_the_audit_log_of_a_deployment_changes(changed_server: Workshop) -> None:
    deployment = changed_server.deploy(changed_server.release(changed_server.project([bash("Say", "echo hi")])))
    changed_server.finished(deployment)
    told = changed_server.get(f"events?regarding={deployment['Id']}&take=50")["Items"]
    succeeded = next(event for event in told if event["Category"] == "DeploymentSucceeded")
    started = next(event for event in told if event["Category"] == "DeploymentStarted")

    assert deployment["TaskId"] in started["RelatedDocumentIds"]
    assert deployment["TaskId"] not in succeeded["RelatedDocumentIds"]
    assert "Deployment history was changed" in {event["Message"] for event in told}


def test_146_an_audit_filter_fails(changed_server: Workshop) -> None:
    assert changed_server.send("GET", "events?documentTypes=Projects").status_code == 500
    assert changed_server.send("GET", "events?take=1").status_code == 200
