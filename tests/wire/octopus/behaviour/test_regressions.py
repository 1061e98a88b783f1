"""Each seeded regression really shows after an upgrade, where the issue says it does, and not on a fresh installation.

An instance is filled and upgraded for each group of regressions that do not disturb one another.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from standins.octopus.store.connection import connect
from tests.support.octopus_server import OctopusProcess
from tests.wire.octopus.behaviour.conftest import load_sample
from tests.wire.octopus.behaviour.test_automation import EVERY_SECOND
from tests.wire.octopus.behaviour.test_packages import run_task
from tests.wire.octopus.behaviour.workshop import Json, Workshop, bash, enter, refused, variable

OLD, NEW = "2020.6.4671", "2021.1.7500"

Serve = Callable[[str, str], Any]


@dataclass(frozen=True, slots=True)
class Upgraded:
    """An instance that was filled at the old version and runs at the new one, and what it was like before."""

    shop: Workshop
    server: OctopusProcess
    facts: dict[str, Any]
    before: dict[str, Any]


@contextmanager
def upgraded(serve: Serve, folder: Path, numbers: str) -> Generator[Upgraded]:
    """Fill a server of the old version, then start the new one with these regressions on the same database."""
    database = f"Seeded{uuid.uuid4().hex[:8]}"
    with serve(OLD, database) as server:
        facts = load_sample(server.url, folder / "sample.json")
        with enter(server.url) as shop:
            before = _look(shop)
    with ExitStack() as stack:
        with seeded(numbers):
            server = stack.enter_context(serve(NEW, database))
        yield Upgraded(stack.enter_context(enter(server.url)), server, facts, before)


@contextmanager
def seeded(numbers: str) -> Generator[None]:
    """For servers that are started meanwhile."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OCTOPUS_STANDIN_REGRESSIONS", numbers)
        environment.setenv("OCTOPUS_STANDIN_REGRESSION_SECONDS", "1.5")
        yield


def _look(shop: Workshop) -> dict[str, Any]:
    """What the data regressions change, as it was."""
    tenant = shop.get("tenants/all")[0]
    return {
        "triggers": {
            item["Id"]: item["Filter"].get("StartTime") for item in shop.get("projecttriggers?take=100")["Items"]
        },
        "tenant": shop.get(f"tenants/{tenant['Id']}/variables"),
        "roles": {role["Name"]: role for role in shop.get("/api/userroles/all")},
        "docker": _process(shop, "Message bus"),
        "storefront": _process(shop, "Storefront"),
    }


def _process(shop: Workshop, name: str) -> Json:
    found: Json = shop.get(f"deploymentprocesses/{shop.named('projects', name)['DeploymentProcessId']}")
    return found


# -- the upgrade without any -------------------------------------------------------------------------------------


def test_without_regressions_the_upgrade_changes_none_of_it(serve: Serve, tmp_path: Path) -> None:
    with upgraded(serve, tmp_path, "") as instance:
        shop = instance.shop
        after = _look(shop)

        assert after["triggers"] == instance.before["triggers"]
        assert _secrets(after["tenant"]) == _secrets(instance.before["tenant"])
        assert after["docker"]["Steps"] == instance.before["docker"]["Steps"]
        shop.put(f"/api/userroles/{_auditor(shop)['Id']}", _auditor(shop))
        question = instance.facts["WaitingInterruption"]["Id"]
        shop.put(f"interruptions/{question}/responsible", {})
        shop.post(f"interruptions/{question}/submit", {"Result": "Proceed"})


def _auditor(shop: Workshop) -> Json:
    return next(role for role in shop.get("/api/userroles/all") if role["Name"] == "Release auditor")


def _secrets(variables: Json) -> list[bool]:
    return sorted(_has_value(variables))


def _has_value(value: Any) -> Iterator[bool]:
    if isinstance(value, dict):
        properties = cast("Json", value)
        if "HasValue" in properties:
            yield properties["HasValue"]
        else:
            for item in properties.values():
                yield from _has_value(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _has_value(item)


# -- regressions of the data, together: each touches other rows ----------------------------------------------------


@pytest.fixture(scope="module")
def changed_data_instance(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    numbers = "12,23,41,50,57,66,80,101,122,133"
    with upgraded(serve, tmp_path_factory.mktemp("data"), numbers) as instance:
        yield instance


@pytest.fixture(scope="module")
def changed_data(changed_data_instance: Upgraded) -> Workshop:
    return changed_data_instance.shop


def test_12_feed_ids_become_objects(changed_data: Workshop) -> None:
    package = _process(changed_data, "Storefront")["Steps"][1]["Actions"][0]["Packages"][0]

    assert not isinstance(package["FeedId"], str)


def test_50_a_migrated_role_cannot_be_saved(changed_data: Workshop) -> None:
    role = _auditor(changed_data)

    assert "ReleaseView" in role["GrantedSystemPermissions"]
    assert changed_data.send("PUT", f"/api/userroles/{role['Id']}", role).status_code == 400


def test_57_a_permission_moves_between_built_in_roles(changed_data: Workshop, changed_data_instance: Upgraded) -> None:
    roles = {role["Name"]: role["GrantedSpacePermissions"] for role in changed_data.get("/api/userroles/all")}
    before = {name: role["GrantedSpacePermissions"] for name, role in changed_data_instance.before["roles"].items()}

    assert "TenantView" in next(held for name, held in before.items() if name.lower() == "project deployer")
    assert "TenantView" not in next(held for name, held in roles.items() if name.lower() == "project deployer")
    assert "TenantView" in next(held for name, held in roles.items() if name.lower() == "environment viewer")


def test_66_secret_tenant_variables_are_gone(changed_data: Workshop, changed_data_instance: Upgraded) -> None:
    tenant = changed_data.get("tenants/all")[0]

    assert any(_secrets(changed_data_instance.before["tenant"]))
    assert not any(_secrets(changed_data.get(f"tenants/{tenant['Id']}/variables")))


def test_80_trigger_times_are_shifted(changed_data: Workshop, changed_data_instance: Upgraded) -> None:
    after = {
        item["Id"]: item["Filter"].get("StartTime") for item in changed_data.get("projecttriggers?take=100")["Items"]
    }

    moved = {key for key, time_ in after.items() if time_ and time_ != changed_data_instance.before["triggers"][key]}
    assert moved
    assert {after[key][11:16] for key in moved} == {"17:00"}


def test_122_the_releases_page_fails_on_a_missing_column(changed_data: Workshop) -> None:
    project = changed_data.named("projects", "Storefront")
    reply = changed_data.send("GET", f"projects/{project['Id']}/releases")

    assert "Invalid column name 'SpaceId'" in refused(reply, 500)
    assert changed_data.send("GET", "releases").status_code == 200


def test_23_indexes_vanish_and_the_integrity_check_says_so(changed_data: Workshop) -> None:
    assert run_task(changed_data, "SystemIntegrityCheck")["State"] == "Failed"


def test_41_another_node_is_there(changed_data: Workshop) -> None:
    nodes = changed_data.get("/api/octopusservernodes/summary")["Nodes"]

    assert "STRANGER" in {node["Name"] for node in nodes if not node["IsOffline"]}


def test_101_tentacles_have_no_address(changed_data: Workshop) -> None:
    machines = changed_data.get("machines/all")
    tentacles = [one for one in machines if "Tentacle" in one["Endpoint"]["CommunicationStyle"]]

    assert tentacles
    assert not any(one["Endpoint"].get("Uri") for one in tentacles)


def test_133_roles_hold_a_permission_nobody_knew(changed_data: Workshop) -> None:
    assert any("TelemetryView" in role["GrantedSystemPermissions"] for role in changed_data.get("/api/userroles/all"))


# -- regressions of the running server, together -------------------------------------------------------------------


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
    role = _auditor(changed_server)

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
    process = _process(changed_server, "Storefront")
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


# -- regressions that need a server of their own -------------------------------------------------------------------


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
    after = _process(late_and_stuck, "Message bus")["Steps"][0]["Actions"][0]["Packages"][0]["FeedId"]

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
