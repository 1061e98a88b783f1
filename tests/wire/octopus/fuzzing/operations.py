"""For every writing operation of a server a request that it takes: what the mutants are made from."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tests.support.octopus_shop import certificate, open_shop, secret
from tests.wire.octopus.api.client import WireClient

WRITING = ("post", "put", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the document with a request for it. ``taken``: the server answered this very request with success."""

    method: str
    template: str
    path: str
    body: Any
    statuses: frozenset[int]
    taken: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


class Recording(WireClient):
    """Remembers the last request that each operation took."""

    def __init__(self, url: str, key: str | None, version: str, document: Mapping[str, Any]) -> None:
        super().__init__(url, key, version)
        self.taken: dict[tuple[str, str], tuple[str, Any]] = {}
        self.tried: dict[tuple[str, str], tuple[str, Any]] = {}
        self._templates = [(template, matcher(template), rows) for template, rows in document["paths"].items()]

    def send(self, method: str, url: str, body: Any = None, **more: Any) -> Any:
        answer = super().send(method, url, body, **more)
        path = url.partition("?")[0]
        template = self.template(method, path) if method != "GET" else ""
        if template:
            sent: tuple[str, Any] = (path, {} if body is None else body)
            (self.taken if answer.status_code < 300 else self.tried)[method, template] = sent
        return answer

    def template(self, method: str, path: str) -> str:
        """The path of the document that a request's path belongs to, without its space."""
        plain = re.sub(r"^/api/Spaces-\d+(?=/.)", "/api", path, flags=re.IGNORECASE)
        found = [
            template
            for template, pattern, rows in self._templates
            if method.lower() in rows and pattern.fullmatch(plain)
        ]
        return min(found, key=lambda template: template.count("{"), default="")


def matcher(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), re.IGNORECASE)


def operations(client: Recording, document: Mapping[str, Any]) -> list[Operation]:
    """Every writing operation, in the document's order. What none of the requests below tried is asked with ``{}``."""
    shop = open_shop(client)
    act(client, shop)
    ids = {**_ids(client), **_ids_of(shop)}
    put_back(client, document, ids)
    below_projects(client, document, ids)
    found: list[Operation] = []
    for template, rows in document["paths"].items():
        for method in WRITING:
            if method not in rows or "{baseSpaceId}" in template or template in _KEPT.get(method, ()):
                continue
            statuses = frozenset(int(status) for status in rows[method]["responses"])
            known = client.taken.get((method.upper(), template))
            path, body = known or client.tried.get((method.upper(), template)) or (_filled(template, ids), {})
            found.append(Operation(method.upper(), template, path, body, statuses, known is not None))
    return found


#: Left alone: the caller would be shut out, or everything would be gone.
_KEPT: Mapping[str, tuple[str, ...]] = {
    "delete": ("/api/spaces/{id}", "/api/users/{id}", "/api/users/{userId}/apikeys/{id}"),
    "post": ("/api/users/{id}/revoke-sessions",),
}


def _ids(client: WireClient) -> dict[str, str]:
    """A thing of every collection by its name in lower case."""
    found: dict[str, str] = {}
    links = client.get("/api")["Links"]
    if "SpaceHome" in links:
        links = {**client.get("/api/Spaces-1")["Links"], **links}
    for link in links.values():
        path = cast("str", link).partition("{")[0]
        answer = client.http.get(path) if path.startswith("/api/") and path.count("/") <= 3 else None
        if answer is not None and answer.status_code == 200 and "json" in answer.headers["content-type"]:
            body: Any = answer.json()
            items: Any = cast("dict[str, Any]", body).get("Items") if isinstance(body, dict) else None
            if items and isinstance(items[-1], dict) and "Id" in items[-1]:
                found[path.rstrip("/").rsplit("/", 1)[-1].lower()] = items[-1]["Id"]
    return found


def _filled(template: str, ids: Mapping[str, str]) -> str:
    parts = template.split("/")
    for index, part in enumerate(parts):
        if part.startswith("{"):
            owner = {"{projectId}": "projects", "{userId}": "users"}.get(part, parts[index - 1].lower())
            parts[index] = ids.get(owner, "nothing")
    return "/".join(parts)


def _ids_of(shop: Mapping[str, Any]) -> dict[str, str]:
    """The shop's own things: those of the server's that may not be changed stay out of it."""
    found: dict[str, str] = {}
    for thing in shop.values():
        parts = re.sub(r"^/api/(Spaces-\d+/)?", "", str(thing.get("Links", {}).get("Self", ""))).split("/")
        if len(parts) == 2:
            found[parts[0].lower()] = parts[1]
    return found


def put_back(client: Recording, document: Mapping[str, Any], ids: Mapping[str, str]) -> None:
    """What can be changed is read and sent back as it is."""
    for template, rows in document["paths"].items():
        if "put" in rows and "get" in rows and "{baseSpaceId}" not in template:
            path = _filled(template, ids)
            shown = client.http.get(path)
            if shown.status_code == 200 and "json" in shown.headers["content-type"]:
                client.send("PUT", path, shown.json())


def below_projects(client: Recording, document: Mapping[str, Any], ids: Mapping[str, str]) -> None:
    """Routes below a project take what those of the collection itself took."""
    for method, template in list(client.taken):
        below = template.replace("/api/", "/api/projects/{projectId}/")
        for name in (below, below.replace("projecttriggers", "triggers")):
            if method.lower() in document["paths"].get(name, {}):
                path, body = client.taken[method, template]
                own = path.replace("/api/", f"/api/projects/{ids['projects']}/").replace("projecttriggers", "triggers")
                client.send(method, own, {**body, "Name": f"{body['Name']} below"} if method == "POST" else body)


def act(client: Recording, shop: Mapping[str, Any]) -> None:
    """What a release manager does with the shop. An answer with no success means that this version has none of it."""
    project, environment = shop["project"], shop["test"]["Id"]
    values = {"ProjectId": project["Id"], "ChannelId": _default_channel(client, project)}
    _empty_process(client, project)
    release = client.post("/api/releases", {**values, "Version": "1.0.0", "ReleaseNotes": "First"})
    client.send("PUT", release["Links"]["Self"], release)
    order: dict[str, Any] = {
        "ReleaseId": release["Id"],
        "EnvironmentId": environment,
        "TenantId": None,
        "QueueTime": "2098-01-01T00:00:00.000+00:00",
        "QueueTimeExpiry": "2098-01-02T00:00:00.000+00:00",
        "SkipActions": [],
        "SpecificMachineIds": [],
        "ExcludedMachineIds": [],
        "FormValues": {"a": "b"},
        "Comments": "Please",
        "UseGuidedFailure": False,
        "ForcePackageDownload": False,
        "ForcePackageRedeployment": False,
    }
    deployment = client.send("POST", "/api/deployments", order).json()
    previews = {"DeploymentPreviews": [{"EnvironmentId": environment, "TenantId": shop["tenant"]["Id"]}]}
    for path, body in _actions(client, shop, release, deployment):
        client.send("POST", path, body)
    client.send("POST", f"/api/releases/{release['Id']}/deployments/previews", previews)
    _executions(client, shop)
    _runbooks(client, shop)
    for collection, thing in (("environments", "test"), ("tagsets", "tagset"), ("workerpools", "pool")):
        client.send("PUT", f"/api/{collection}/sortorder", [shop[thing]["Id"]])


def _default_channel(client: WireClient, project: Mapping[str, Any]) -> str:
    channels = client.get(f"/api/projects/{project['Id']}/channels")["Items"]
    return next(channel["Id"] for channel in channels if channel["IsDefault"])


def _empty_process(client: Recording, project: Mapping[str, Any]) -> None:
    """A step that runs on the server, so that a deployment has something to do."""
    process = client.get(f"/api/deploymentprocesses/{project['DeploymentProcessId']}")
    script = {
        "Octopus.Action.RunOnServer": "true",
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": "Bash",
        "Octopus.Action.Script.ScriptBody": "echo hello",
    }
    process["Steps"] = [
        {"Name": "Say", "Actions": [{"Name": "Say", "ActionType": "Octopus.Script", "Properties": script}]}
    ]
    client.send("PUT", f"/api/deploymentprocesses/{process['Id']}", process)


def _actions(
    client: Recording, shop: Mapping[str, Any], release: Mapping[str, Any], deployment: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    mark = uuid.uuid4().hex[:6]
    task = client.post("/api/tasks", {"Name": "Health", "Description": "Now", "Arguments": {"Timeout": "00:05:00"}})
    yield f"/api/tasks/{deployment.get('TaskId')}/cancel", {}
    yield f"/api/tasks/{task['Id']}/state", {"State": "Failed", "Reason": "So"}
    yield f"/api/tasks/rerun/{task['Id']}", {}
    yield f"/api/tasks/{task['Id']}/prioritize", {}
    yield f"/api/releases/{release['Id']}/snapshot-variables", {}
    yield f"/api/releases/{release['Id']}/defects", {"Description": "Bad"}
    yield f"/api/releases/{release['Id']}/defects/resolve", {}
    build: dict[str, Any] = {
        "BuildEnvironment": "Jenkins",
        "BuildNumber": "7",
        "BuildUrl": "https://build.example.test/7",
        "Branch": "main",
        "VcsType": "Git",
        "VcsRoot": "https://vcs.example.test",
        "VcsCommitNumber": "abc",
        "Commits": [{"Id": "a1", "Comment": "Mend it"}],
    }
    yield "/api/build-information", {"PackageId": f"Shop.x{mark}", "Version": "1.0.0", "OctopusBuildInformation": build}
    yield "/api/artifacts", {"Filename": "a.txt", "ServerTaskId": task["Id"]}
    yield (
        "/api/channels/rule-test",
        {"version": "1.0.0", "versionRange": "[1.0,2.0)", "preReleaseTag": "^$", "feedType": "NuGet"},
    )
    yield "/api/certificates/generate", {"Name": f"Made {mark}", "SubjectCommonName": "x.example.test"}
    yield f"/api/certificates/{shop['certificate']['Id']}/replace", {"CertificateData": certificate(), "Password": None}
    yield f"/api/certificates/{shop['certificate']['Id']}/archive", {}
    yield f"/api/certificates/{shop['certificate']['Id']}/unarchive", {}
    me = client.get("/api/users/me")["Id"]
    yield f"/api/users/{me}/apikeys", {"Purpose": "Trial", "Expires": "2098-01-01T00:00:00.000+00:00"}
    yield "/api/users/invitations", {"AddToTeamIds": [shop["team"]["Id"]], "SpaceId": "Spaces-1"}
    yield "/api/users/login", {"Username": "jane", "Password": "Passw0rd!", "RememberMe": True}
    yield "/api/spaces", {"Name": f"Space {mark}", "SpaceManagersTeamMembers": [me], "TaskQueueStopped": False}
    git = {"Type": "UsernamePassword", "Username": "u", "Password": secret("p")}
    yield "/api/git-credentials", {"Name": f"Git {mark}", "Details": git}
    yield "/api/authentication/checklogininitiated", {"State": "x", "Url": "/"}
    yield "/api/teammembership/previewteam", shop["team"]
    yield (
        "/api/deploymentfreezes",
        {
            "Name": f"Freeze {mark}",
            "Start": "2097-01-01T00:00:00+00:00",
            "End": "2097-02-01T00:00:00+00:00",
            "ProjectEnvironmentScope": {shop["project"]["Id"]: [shop["live"]["Id"]]},
            "TenantProjectEnvironmentScope": [],
            "RecurringSchedule": {
                "Type": "Weekly",
                "Unit": 1,
                "EndType": "AfterOccurrences",
                "EndAfterOccurrences": 2,
                "DaysOfWeek": ["Monday"],
            },
        },
    )
    yield (
        "/api/projects/import-export/export",
        {
            "IncludedProjectIds": [shop["project"]["Id"]],
            "Password": secret("transfer"),
        },
    )
    yield (
        "/api/projects/import-export/import",
        {"ImportSource": {"Type": "space", "SpaceId": "Spaces-1"}, "Password": secret("x")},
    )
    yield (
        "/api/migrations/partialexport",
        {"PackageId": "x", "PackageVersion": "1.0.0", "Password": "x", "Projects": ["Web shop"]},
    )
    yield (
        f"/api/actiontemplates/{shop['template']['Id']}/actionsUpdate",
        {"Version": 0, "ActionIdsByProcessId": {}, "DefaultPropertyValues": {}, "Overrides": {}},
    )
    for kind, more in (
        ("NewDeploymentTarget", {}),
        (
            "DailyScheduledTrigger",
            {"StartTime": "2098-01-01T09:00:00+00:00", "Interval": "OnceDaily", "RunAfterHours": None},
        ),
        ("OnceDailySchedule", {"StartTime": "2098-01-01T09:00:00+00:00", "DaysOfWeek": ["Monday"], "Timezone": "UTC"}),
        ("CronExpressionSchedule", {"CronExpression": "0 0 0 1 1 *", "Timezone": "UTC"}),
        (
            "DaysPerMonthSchedule",
            {
                "StartTime": "2098-01-01T09:00:00+00:00",
                "MonthlyScheduleType": "DateOfMonth",
                "DateOfMonth": "1",
                "DayNumberOfMonth": "1",
                "DayOfWeek": "Monday",
                "Timezone": "UTC",
            },
        ),
        (
            "ContinuousDailySchedule",
            {
                "Interval": "OnceHourly",
                "HourInterval": 2,
                "MinuteInterval": None,
                "RunAfter": "2098-01-01T09:00:00+00:00",
                "RunUntil": "2098-01-01T19:00:00+00:00",
                "DaysOfWeek": ["Monday"],
                "Timezone": "UTC",
            },
        ),
    ):
        yield (
            "/api/projecttriggers",
            {
                "Name": f"{kind} {mark}",
                "ProjectId": shop["project"]["Id"],
                "Filter": {"FilterType": kind, **more},
                "Action": {
                    "ActionType": "DeployLatestRelease",
                    "SourceEnvironmentIds": [shop["test"]["Id"]],
                    "DestinationEnvironmentId": shop["live"]["Id"],
                    "ChannelId": None,
                    "ShouldRedeployWhenReleaseIsCurrent": True,
                    "TenantIds": [],
                    "TenantTags": [],
                },
            },
        )


def _executions(client: Recording, shop: Mapping[str, Any]) -> None:
    base = {"spaceId": "Spaces-1", "spaceIdOrName": "Spaces-1", "projectName": shop["project"]["Name"]}
    client.send(
        "POST",
        "/api/Spaces-1/releases/create/v1",
        {
            **base,
            "releaseVersion": "2.0.0",
            "packages": ["Say:1.0"],
            "packageVersion": "1.0.0",
            "channelName": "Default",
            "releaseNotes": "",
            "ignoreIfAlreadyExists": True,
            "ignoreChannelRules": False,
            "packagePrerelease": "",
            "gitRef": None,
        },
    )
    order: dict[str, Any] = {
        **base,
        "releaseVersion": "1.0.0",
        "forcePackageDownload": False,
        "specificMachineNames": [],
        "excludedMachineNames": [],
        "skipStepNames": [],
        "useGuidedFailure": False,
        "runAt": "2098-01-01T00:00:00+00:00",
        "noRunAfter": "2098-01-02T00:00:00+00:00",
        "variables": {"a": "b"},
    }
    client.send(
        "POST", "/api/Spaces-1/deployments/create/untenanted/v1", {**order, "environmentNames": [shop["test"]["Name"]]}
    )
    client.send(
        "POST",
        "/api/Spaces-1/deployments/create/tenanted/v1",
        {**order, "environmentName": shop["test"]["Name"], "tenants": [shop["tenant"]["Name"]], "tenantTags": []},
    )


def _runbooks(client: Recording, shop: Mapping[str, Any]) -> None:
    if "runbook" not in shop:
        return
    runbook, environment = shop["runbook"], shop["test"]["Id"]
    snapshot = client.send(
        "POST",
        "/api/runbookSnapshots?publish=true",
        {
            "ProjectId": runbook["ProjectId"],
            "RunbookId": runbook["Id"],
            "Name": "First",
            "Notes": "",
            "SelectedPackages": [],
        },
    ).json()
    if "Id" not in snapshot:
        return
    client.send("PUT", f"/api/runbookSnapshots/{snapshot['Id']}", snapshot)
    client.send("POST", f"/api/runbookSnapshots/{snapshot['Id']}/snapshot-variables", {})
    later = {"QueueTime": "2098-01-01T00:00:00.000+00:00", "QueueTimeExpiry": None}
    order: dict[str, Any] = {
        "RunbookId": runbook["Id"],
        "RunbookSnapshotId": snapshot["Id"],
        "EnvironmentId": environment,
        "TenantId": None,
        "SkipActions": [],
        "SpecificMachineIds": [],
        "ExcludedMachineIds": [],
        "FormValues": {},
        "Comments": "",
        "UseGuidedFailure": False,
        **later,
    }
    client.send("POST", "/api/runbookRuns", order)
    client.send(
        "POST",
        f"/api/runbooks/{runbook['Id']}/run",
        {**order, "EnvironmentIds": [environment], "TenantIds": [], "TenantTagNames": []},
    )
    names = {
        "spaceId": "Spaces-1",
        "spaceIdOrName": "Spaces-1",
        "projectName": shop["project"]["Name"],
        "runbookName": runbook["Name"],
        "environmentNames": [shop["test"]["Name"]],
        "tenants": [],
        "tenantTags": [],
        "snapshot": "First",
        "runAt": later["QueueTime"],
        "variables": {"a": "b"},
        "specificMachineNames": [],
        "skipStepNames": [],
    }
    client.send("POST", "/api/Spaces-1/runbook-runs/create/v1", names)
