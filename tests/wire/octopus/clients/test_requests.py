"""The requests of clients that are written in languages this machine may lack: go-octopusdeploy, the `octopus` command
line and the Terraform provider built on it, Octopus.Client for .NET. As their sources make them, and what they read.

The server found wanting most often was the Go client's: its own end-to-end tests ran against the stand-in when these
were written.
"""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.wire.octopus.clients.conftest import NEW, Target
from tests.wire.sqlserver.processes import wait_until

S = "/api/Spaces-1"


@pytest.fixture(scope="session")
def go(target: Callable[[str], Target]) -> Iterator[httpx.Client]:
    """Speaks as go-octopusdeploy does."""
    server = target(NEW)
    headers = {"X-Octopus-ApiKey": server.key, "User-Agent": "go-octopusdeploy/2.114.1 (linux; amd64) go/1.23"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        yield client


def created(answer: httpx.Response) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def name(kind: str) -> str:
    return f"{kind} {uuid.uuid4().hex[:8]}"


def test_connecting(go: httpx.Client) -> None:
    root = go.get("/api/").json()
    spaces = go.get("/api/spaces").json()
    home = go.get(S).json()

    assert root["Links"]["Self"] == "/api"
    assert "Spaces-1" in [space["Id"] for space in spaces["Items"]]
    # The client looks a link up in the space's root first, then in the server's.
    for link in ("Accounts", "Projects", "Environments", "Feeds", "Tenants", "PackageUpload", "Tasks", "Web", "Users"):
        assert home["Links"].get(link) or root["Links"].get(link), link


@pytest.mark.parametrize("path", ["accounts/none", "projects/Projects-999999", "projects/no-such-project", "tenants/x"])
def test_what_is_not_there_has_a_message_and_nothing_else(go: httpx.Client, path: str) -> None:
    """A 404 with `Errors`, even none, is no 404 to the Go client: Terraform would not notice a lost resource."""
    answer = go.get(f"{S}/{path}")

    assert answer.status_code == 404
    assert list(answer.json()) == ["ErrorMessage"]


def test_links_that_are_asked_for_as_they_stand(go: httpx.Client) -> None:
    group = created(go.post(f"{S}/projectgroups", json={"Name": name("Group")}))

    assert go.get(group["Links"]["Projects"]).json()["Items"] == []
    lifecycle = go.get(f"{S}/lifecycles/all").json()[0]
    assert go.get(lifecycle["Links"]["Projects"]).status_code == 200


def test_a_board_says_that_it_is_filtered(go: httpx.Client) -> None:
    board = go.get(f"{S}/dashboard/dynamic", params={"projects": "Projects-999999999"}).json()

    assert (board["IsFiltered"], board["Items"]) == (True, [])
    assert go.get(f"{S}/dashboard/dynamic").json()["IsFiltered"] is False


def test_feeds_without_an_address(go: httpx.Client) -> None:
    secret = {"HasValue": True, "NewValue": "secret-key"}
    for kind, more in (("AwsElasticContainerRegistry", {"Region": "ap-southeast-2"}), ("S3", {})):
        body = {"Name": name("Feed"), "FeedType": kind, "AccessKey": "access-key", "SecretKey": secret, **more}
        feed = created(go.post("/api/feeds", json=body))
        assert feed["FeedType"] == kind
        assert go.delete(feed["Links"]["Self"]).status_code == 200
    refused = go.post("/api/feeds", json={"Name": name("Feed"), "FeedType": "NuGet"})
    assert refused.status_code == 400


def test_accounts_by_open_id(go: httpx.Client) -> None:
    keys = {"DeploymentSubjectKeys": ["space", "project"]}
    for kind, more in (
        ("AmazonWebServicesOidcAccount", {"RoleArn": "arn:aws:iam::1:role/x", "SessionDuration": "3600"}),
        ("AzureOidc", {key: str(uuid.uuid4()) for key in ("SubscriptionNumber", "ClientId", "TenantId")}),
        ("GenericOidcAccount", {"Audience": "somebody"}),
    ):
        account = created(go.post(f"{S}/accounts", json={"Name": name("A"), "AccountType": kind, **keys, **more}))
        read = go.get(account["Links"]["Self"]).json()
        assert {key: read[key] for key in {**keys, **more}} == {**keys, **more}
        assert go.delete(account["Links"]["Self"]).status_code == 200


def test_git_credentials(go: httpx.Client) -> None:
    allowed = {"Enabled": True, "AllowedRepositories": ["https://github.com/*"]}
    body: dict[str, Any] = {
        "Name": name("Git"),
        "Details": {"Type": "UsernamePassword", "Username": "u", "Password": {"HasValue": True, "NewValue": "p"}},
        "RepositoryRestrictions": allowed,
    }
    credential = created(go.post(f"{S}/git-credentials", json=body))

    found = go.get(f"{S}/git-credentials", params={"skip": 0, "take": 30, "name": body["Name"]}).json()
    assert [item["Id"] for item in found["Items"]] == [credential["Id"]]
    changed: dict[str, Any] = {**credential, "Description": "changed"}
    changed.pop("RepositoryRestrictions")
    saved = created(go.put(credential["Links"]["Self"], json=changed))
    assert (saved["Description"], saved["RepositoryRestrictions"]) == ("changed", allowed)


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("content.txt", uuid.uuid4().hex)
    return buffer.getvalue()


def test_the_command_line_releases_deploys_and_waits(go: httpx.Client) -> None:
    """`octopus package upload`, `build-information upload`, `release create`, `release deploy`, `task wait`."""
    package = f"Go.{uuid.uuid4().hex}"
    project, environment = _project(go, package)
    file = {"file": (f"{package}.1.0.0.zip", zipped(), "application/octet-stream")}
    assert go.get(f"{S}/packages/{package}/1.0.0/delta-signature").status_code == 404
    assert go.post(f"{S}/packages/raw?overwriteMode=FailIfExists", files=file).status_code == 201
    assert go.post(f"{S}/packages/raw?overwriteMode=IgnoreIfExists", files=file).status_code == 200
    assert go.post(f"{S}/packages/raw?overwriteMode=FailIfExists", files=file).status_code == 409
    info: dict[str, Any] = {"spaceId": "Spaces-1", "packageId": package, "version": "1.0.0"}
    info["octopusBuildInformation"] = {"buildNumber": "7", "buildEnvironment": "Jenkins", "commits": []}
    created(go.post(f"{S}/build-information?overwriteMode=FailIfExists", json=info))
    pushed = go.get(f"{S}/build-information", params={"packageId": package}).json()["Items"]
    assert [item["BuildNumber"] for item in pushed] == ["7"]

    base = {"spaceId": "Spaces-1", "spaceIdOrName": "Spaces-1", "projectName": project["Name"]}
    release = created(go.post(f"{S}/releases/create/v1", json={**base, "packageVersion": "1.0.0"}))
    shown = go.get(f"{S}/releases/{release['ReleaseId']}").json()
    assert go.get(f"{S}/channels/{shown['ChannelId']}").json()["Type"] == "Lifecycle"
    order = {**base, "releaseVersion": release["ReleaseVersion"], "environmentNames": [environment["Name"]]}
    queued = created(go.post(f"{S}/deployments/create/untenanted/v1", json=order))["DeploymentServerTasks"]
    task = queued[0]["ServerTaskId"]

    def done() -> bool:
        (item,) = go.get(f"{S}/tasks", params={"ids": task}).json()["Items"]
        return bool(item["IsCompleted"])

    wait_until(done, "the deployment to end", 60)
    details = go.get(f"{S}/tasks/{task}/details").json()
    assert details["Task"]["FinishedSuccessfully"] is True, details
    # The form of a space's route that the client cancels by.
    assert go.post(f"/api/spaces/Spaces-1/tasks/{task}/cancel").status_code < 500
    assert go.get(f"{S}/projects/{project['Id']}/releases/{release['ReleaseVersion']}").status_code == 200


def _project(go: httpx.Client, package: str) -> tuple[dict[str, Any], dict[str, Any]]:
    environment = created(go.post(f"{S}/environments", json={"Name": name("Go")}))
    phases = [{"Name": "Only", "OptionalDeploymentTargets": [environment["Id"]]}]
    lifecycle = created(go.post(f"{S}/lifecycles", json={"Name": name("Go"), "Phases": phases}))
    group = created(go.post(f"{S}/projectgroups", json={"Name": name("Go")}))
    body = {"Name": name("Go"), "ProjectGroupId": group["Id"], "LifecycleId": lifecycle["Id"]}
    project = created(go.post(f"{S}/projects", json=body))
    process = go.get(f"{S}/projects/{project['Id']}/deploymentprocesses").json()
    feed = go.get(f"{S}/feeds", params={"feedType": "BuiltIn", "take": 1}).json()["Items"][0]
    used = {"Name": "tool", "PackageId": package, "FeedId": feed["Id"], "AcquisitionLocation": "Server"}
    script = {
        "Octopus.Action.RunOnServer": "true",
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": "Bash",
        "Octopus.Action.Script.ScriptBody": "echo hello",
    }
    action = {"Name": "Say", "ActionType": "Octopus.Script", "Properties": script, "Packages": [used]}
    process["Steps"] = [{"Name": "Say", "Actions": [action]}]
    created(go.put(f"{S}/projects/{project['Id']}/deploymentprocesses", json=process))
    return project, environment


def test_what_a_space_keeps_by_default(go: httpx.Client) -> None:
    """Read by type and changed by id (go-octopusdeploy, pkg/retention)."""
    path = f"{S}/retentionpolicies"
    policy = go.get(path, params={"RetentionType": "LifecycleRelease"}).json()
    wanted = {**policy, "Strategy": "Count", "QuantityToKeep": 4, "Unit": "Days"}
    wrong = {**policy, "Strategy": "Count", "QuantityToKeep": 0}

    changed = go.put(f"{path}/{policy['Id']}", json=wanted)
    again = go.get(path, params={"RetentionType": "LifecycleRelease"}).json()
    go.put(f"{path}/{policy['Id']}", json=policy)

    assert (policy["RetentionType"], policy["Strategy"]) == ("LifecycleRelease", "Forever")
    assert changed.json() == wanted == again
    assert go.put(f"{path}/{policy['Id']}", json=wrong).status_code == 400
    assert go.get(path, params={"RetentionType": "Nothing"}).status_code == 400
    assert go.get(f"{path}/{policy['Id']}x").status_code == 404


def test_how_much_there_is_of_everything(go: httpx.Client) -> None:
    counts = go.get("/api/serverstatus/counts").json()

    assert counts["Global"]["Spaces"] >= 1
    assert counts["Project"]["Projects"] == go.get("/api/projects").json()["TotalResults"]


def test_the_spaces_of_a_user_are_told_as_spaces_are(go: httpx.Client) -> None:
    me = go.get("/api/users/me").json()

    found = go.get(f"/api/users/{me['Id']}/spaces").json()

    assert found
    assert found == [go.get(f"/api/spaces/{space['Id']}").json() for space in found]


def test_the_process_of_a_runbook_below_its_project(go: httpx.Client) -> None:
    """api-client.ts, RunbookProcessRepository."""
    group, lifecycle = (go.get(f"{S}/{path}/all").json()[0]["Id"] for path in ("projectgroups", "lifecycles"))
    body = {"Name": name("Project"), "ProjectGroupId": group, "LifecycleId": lifecycle}
    project = created(go.post(f"{S}/projects", json=body))
    runbook = created(go.post(f"{S}/runbooks", json={"Name": "Restart", "ProjectId": project["Id"]}))
    path = f"{S}/projects/{project['Id']}/runbookProcesses/{runbook['RunbookProcessId']}"

    process = go.get(path).json()
    changed = go.put(path, json=process)

    assert process["RunbookId"] == runbook["Id"]
    assert changed.status_code == 200
    assert changed.json()["Id"] == runbook["RunbookProcessId"]
