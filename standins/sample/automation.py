"""What acts by itself: triggers, subscriptions; and, where the version has them, runbooks and build information."""

from __future__ import annotations

from collections.abc import Mapping

from standins.sample import history, steps
from standins.sample.foundations import Foundations
from standins.sample.instance import Instance, Resource


def build(instance: Instance, made: Foundations, projects: Mapping[str, Resource], past: history.History) -> None:
    for trigger in _triggers(instance, made, projects):
        instance.post("projecttriggers", trigger)
    for subscription in _subscriptions(made, projects):
        instance.post("subscriptions", subscription)
    if instance.since(2019, 11):
        _runbooks(instance, made, projects)
    if instance.since(2019, 4):
        _build_information(instance)
    _attachment(instance, past)


def _triggers(instance: Instance, made: Foundations, projects: Mapping[str, Resource]) -> list[Resource]:
    renamed = instance.since(2019, 11)
    start = "2024-01-01T03:00:00.000+00:00"
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
    promote: Resource = {
        "ActionType": "DeployLatestRelease",
        "DestinationEnvironmentId": made.environment("Development"),
        "ShouldRedeployWhenReleaseIsCurrent": True,
    }
    source = made.environment("Development")
    promote |= {"SourceEnvironmentIds": [source]} if renamed else {"SourceEnvironmentId": source}
    once: Resource = {"FilterType": "DailySchedule", "Interval": "OnceDaily", "StartTime": start, "Timezone": "UTC"}
    weekly: Resource = {
        "FilterType": "DaysPerWeekSchedule",
        "Interval": "OnceDaily",
        "StartTime": start,
        "Timezone": "UTC",
        **dict.fromkeys(days, True),
    }
    if renamed:
        once = {
            "FilterType": "OnceDailySchedule",
            "StartTime": start,
            "DaysOfWeek": [*days, "Saturday", "Sunday"],
            "Timezone": "UTC",
        }
        weekly = {"FilterType": "OnceDailySchedule", "StartTime": start, "DaysOfWeek": days, "Timezone": "UTC"}
    machine = {
        "FilterType": "MachineFilter",
        "EnvironmentIds": [made.environment("Production")],
        "Roles": ["web-server"],
        "EventGroups": ["MachineAvailableForDeployment"],
        "EventCategories": [],
    }
    monthly = {
        "FilterType": "DaysPerMonthSchedule",
        "MonthlyScheduleType": "DateOfMonth",
        "DateOfMonth": "1",
        "StartTime": start,
        "Timezone": "UTC",
    }
    return [
        _trigger(projects["Nightly batch"], "Every night", once, promote),
        _trigger(projects["Warehouse loader"], "Working days", weekly, promote),
        _trigger(projects["Maintenance scripts"], "First of the month", monthly, promote, disabled=True),
        _trigger(
            projects["Catalogue API"],
            "Every six hours",
            {"FilterType": "CronExpressionSchedule", "CronExpression": "0 0 */6 * * *", "Timezone": "UTC"},
            promote,
        ),
        _trigger(
            projects["Storefront"],
            "New web servers",
            machine,
            {"ActionType": "AutoDeploy", "ShouldRedeployWhenMachineHasBeenDeployedTo": False},
        ),
    ]


def _trigger(project: Resource, name: str, schedule: Resource, deed: Resource, *, disabled: bool = False) -> Resource:
    return {"Name": name, "ProjectId": project["Id"], "IsDisabled": disabled, "Filter": schedule, "Action": dict(deed)}


def _subscriptions(made: Foundations, projects: Mapping[str, Resource]) -> list[Resource]:
    everything: Resource = dict.fromkeys(
        (
            "Users",
            "Projects",
            "Environments",
            "EventGroups",
            "EventCategories",
            "EventAgents",
            "Tenants",
            "Tags",
            "DocumentTypes",
        ),
        (),
    )
    # Port 9 (discard) of the machine itself: a notification that gets out reaches nobody.
    hook: Resource = {"WebhookURI": "http://127.0.0.1:9/octopus", "WebhookTimeout": "00:00:10", "WebhookTeams": []}
    mail: Resource = {
        "EmailFrequencyPeriod": "24:00:00",
        "EmailPriority": "Normal",
        "EmailTeams": [],
        "EmailShowDatesInTimeZoneId": "UTC",
    }
    production = {**everything, "EventGroups": ["DeploymentCritical"], "Environments": [made.environment("Production")]}
    storefront = {**everything, "Projects": [projects["Storefront"]["Id"]], "EventCategories": ["DeploymentSucceeded"]}
    return [
        {
            "Name": "Production trouble",
            "Type": "Event",
            "IsDisabled": False,
            "EventNotificationSubscription": {
                "Filter": {key: list(value) for key, value in production.items()},
                **mail,
                **hook,
            },
        },
        {
            "Name": "Storefront news",
            "Type": "Event",
            "IsDisabled": True,
            "EventNotificationSubscription": {
                "Filter": {key: list(value) for key, value in storefront.items()},
                **mail,
                **hook,
            },
        },
    ]


def _runbooks(instance: Instance, made: Foundations, projects: Mapping[str, Resource]) -> None:
    """A published runbook that ran once, one that uses a package no release uses, and a draft."""
    owner = projects["Maintenance scripts"]
    package = ("Acme.Migrations", "1.1.0")
    for name in ("Restart services", "Collect diagnostics", "Rebuild the index"):
        runbook = instance.post(
            "runbooks",
            {
                "Name": name,
                "ProjectId": owner["Id"],
                "Description": f"{name} on demand",
                "EnvironmentScope": "All",
                "Environments": [],
                "MultiTenancyMode": "Untenanted",
                "DefaultGuidedFailureMode": "EnvironmentDefault",
                "RunRetentionPolicy": {"QuantityToKeep": 100, "ShouldKeepForever": False},
            },
        )
        process_id = runbook["RunbookProcessId"]
        uses = name == "Collect diagnostics"
        references = [steps.package_reference(name, name, "scripts", made.built_in_feed, package[0])] if uses else []
        body = f'echo "{name} in #{{Octopus.Environment.Name}}, log level #{{LogLevel}}"'
        only = steps.bash(name, name, body, references=references)
        instance.put(
            f"runbookProcesses/{process_id}",
            {
                "Id": process_id,
                "ProjectId": owner["Id"],
                "RunbookId": runbook["Id"],
                "Version": 0,
                "Steps": [steps.step(name, [only])],
            },
        )
        if name == "Rebuild the index":
            continue
        selected = [{"ActionName": name, "PackageReferenceName": "scripts", "Version": package[1]}] if uses else []
        snapshot = instance.post(
            "runbookSnapshots?publish=true",
            {"ProjectId": owner["Id"], "RunbookId": runbook["Id"], "Name": "Snapshot 1", "SelectedPackages": selected},
        )
        if uses:
            continue
        run = instance.post(
            "runbookRuns",
            {
                "RunbookId": runbook["Id"],
                "RunbookSnapshotId": snapshot["Id"],
                "EnvironmentId": made.environment("Development"),
                "FormValues": {},
            },
        )
        tasks = instance.wait_for([run["TaskId"]])
        if tasks[run["TaskId"]]["State"] != "Success":
            raise history.DeploymentFailed(f"The runbook {name} ended as {tasks[run['TaskId']]['State']}")


def _build_information(instance: Instance) -> None:
    information = {
        "BuildEnvironment": "Jenkins",
        "BuildNumber": "1017",
        "BuildUrl": "https://ci.acme.test/job/storefront/1017",
        "Branch": "main",
        "VcsType": "Git",
        "VcsRoot": "https://git.acme.test/storefront.git",
        "VcsCommitNumber": "0123456789abcdef0123456789abcdef01234567",
        "Commits": [{"Id": "0123456789abcdef0123456789abcdef01234567", "Comment": "Make the cart remember"}],
    }
    if instance.since(2019, 9):
        path, part = "build-information", "OctopusBuildInformation"
    else:
        path, part = "package-metadata", "OctopusPackageMetadata"
    instance.post(path, {"PackageId": "Acme.Storefront", "Version": "1.1.0", part: information})


def _attachment(instance: Instance, past: history.History) -> None:
    """A file a person attached to a finished deployment; how it says where it belongs changed in 2019.1."""
    deployment = past.deployments[0]
    body: Resource = {"Filename": "acceptance-notes.txt", "Source": "Quality assurance"}
    if instance.since(2019, 1):
        body["ServerTaskId"] = deployment["TaskId"]
    else:
        body["RelatedDocumentIds"] = [deployment["Id"], deployment["TaskId"], deployment["ReleaseId"]]
    artifact = instance.post("artifacts", body)
    instance.upload(
        "PUT", f"artifacts/{artifact['Id']}/content", "acceptance-notes.txt", b"Accepted by the night shift.\n"
    )
