"""What a release manager does with a shop, so that every operation has a request that it takes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.octopus_shop import certificate, secret
from tests.wire.octopus.api.client import WireClient
from tests.wire.octopus.fuzzing.recording import Recording


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
