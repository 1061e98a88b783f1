"""Routes of dashboards, progression and the reports made from the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from xml.sax.saxutils import escape

from standins.octopus.api.access import visible
from standins.octopus.api.queries import split_list
from standins.octopus.api.rendering import page, render, resource, skip_and_take
from standins.octopus.behaviour import dashboards, lifecycles, progress
from standins.octopus.behaviour.documents import is_true, mapped, space_of, text_of, texts
from standins.octopus.behaviour.moments import duration_text, moment
from standins.octopus.behaviour.routes_releases import find_project
from standins.octopus.behaviour.tasks import COMPLETED
from standins.octopus.contract import Call, Document, Reply, Route
from standins.octopus.portions import MOST_NAMED


def dashboard(call: Call) -> Reply:
    settings = _settings(call)
    projects = _visible(call, "Project", "Name")
    environments = _visible(call, "Environment", "SortOrder")
    wanted_projects = split_list(call.query.get("projectid")) or texts(settings, "IncludedProjectIds")
    projects = dashboards.within(projects, "Id", wanted_projects)
    projects = dashboards.within(projects, "ProjectGroupId", texts(settings, "IncludedProjectGroupIds"))
    environments = dashboards.within(environments, "Id", texts(settings, "IncludedEnvironmentIds"))
    rows = dashboards.current_rows(call.transaction, wanted_projects)
    board = _board(call, projects, environments, rows, with_previous=True)
    return Reply({**board, "IsFiltered": bool(call.query.get("projectid"))})


def dynamic(call: Call) -> Reply:
    wanted = split_list(call.query.get("projects"))
    wanted_environments = split_list(call.query.get("environments"))
    projects = _visible(call, "Project", "Name", wanted)
    environments = _visible(call, "Environment", "SortOrder", wanted_environments)
    rows = dashboards.current_rows(call.transaction, wanted)
    with_previous = is_true(call.query.get("includeprevious"))
    board = _board(call, projects, environments, rows, with_previous=with_previous)
    # Here the earlier ones are among the items, marked IsPrevious (go-octopusdeploy, its tests against real servers).
    board["Items"] += board.pop("PreviousItems")
    # go-octopusdeploy relies on it for what it filtered by.
    return Reply({**board, "IsFiltered": bool(wanted or wanted_environments)})


def _settings(call: Call) -> Document:
    """What the caller chose to see; everything, unless the caller chose."""
    if call.user is None or is_true(call.query.get("showall")):
        return {}
    found = call.transaction.query("DashboardConfiguration", space=space_of(call))
    for entry in found:
        if entry.get("UserId") == call.user["Id"]:
            return entry
    return {}


def _visible(call: Call, name: str, order: str, wanted: Sequence[str] = ()) -> list[Document]:
    """What the caller may see; only those wanted, where any are."""
    target = resource(call, name)
    where = {"Id": list(wanted)} if 0 < len(wanted) <= MOST_NAMED else {}
    found = call.transaction.query(target.kind, where=where, space=space_of(call), order_by=order)
    return dashboards.within(visible(call, target, found), "Id", wanted)


def _board(
    call: Call, projects: list[Document], environments: list[Document], rows: list[Document], *, with_previous: bool
) -> Document:
    shown_projects = {project["Id"] for project in projects}
    shown_environments = {environment["Id"] for environment in environments}
    rows = [row for row in rows if row["ProjectId"] in shown_projects and row["EnvironmentId"] in shown_environments]
    groups = {group["Id"]: group for group in _visible(call, "ProjectGroup", "Name")}
    previous = _previous(call, rows) if with_previous else []
    tenants = _tenants(call, shown_projects)
    return {
        "Id": None,
        "Projects": [_project(call, project, environments) for project in projects],
        "ProjectGroups": [
            {
                "Id": group["Id"],
                "Name": group["Name"],
                "EnvironmentIds": sorted(shown_environments),
                "Links": {"Self": _link(call, f"projectgroups/{group['Id']}")},
            }
            for group in groups.values()
            if any(project["ProjectGroupId"] == group["Id"] for project in projects)
        ],
        "Environments": [
            {
                "Id": environment["Id"],
                "Name": environment["Name"],
                "Links": {"Self": _link(call, f"environments/{environment['Id']}")},
            }
            for environment in environments
        ],
        "Tenants": tenants,
        "Items": [dashboards.item(call, row, current=True) for row in rows],
        "PreviousItems": [dashboards.item(call, row, current=False) for row in previous],
        "ProjectLimit": 200,
        "IsFiltered": False,
        "Links": {"Self": _link(call, "dashboard")},
    }


def _link(call: Call, path: str) -> str:
    return f"/api/{call.space}/{path}" if call.space else f"/api/{path}"


def _project(call: Call, project: Document, environments: list[Document]) -> Document:
    mode = text_of(project.get("TenantedDeploymentMode")) or "Untenanted"
    return {
        "Id": project["Id"],
        "Name": project["Name"],
        "Slug": project["Slug"],
        "ProjectGroupId": project["ProjectGroupId"],
        "EnvironmentIds": [environment["Id"] for environment in environments],
        "IsDisabled": bool(project["IsDisabled"]),
        "TenantedDeploymentMode": mode,
        "CanPerformUntenantedDeployment": mode != "Tenanted",
        "Links": {"Self": _link(call, f"projects/{project['Id']}")},
    }


def _tenants(call: Call, projects: set[str]) -> list[Document]:
    return [
        {
            "Id": tenant["Id"],
            "Name": tenant["Name"],
            "ProjectEnvironments": mapped(tenant, "ProjectEnvironments"),
            "TenantTags": texts(tenant, "TenantTags"),
            "Links": {"Self": _link(call, f"tenants/{tenant['Id']}")},
        }
        for tenant in _visible(call, "Tenant", "Name")
        if not projects.isdisjoint(mapped(tenant, "ProjectEnvironments"))
    ]


def _previous(call: Call, rows: Iterable[Document]) -> list[Document]:
    """Beside a deployment that did not succeed: the last one that did."""
    open_places = {_place(row): row for row in rows if row["State"] != "Success"}
    if not open_places:
        return []
    successes = dashboards.successes(call.transaction, {row["ProjectId"] for row in open_places.values()})
    return dashboards.rows_by_id(call.transaction, [row["Id"] for row in successes if _place(row) in open_places])


def _place(row: Mapping[str, Any]) -> tuple[str, str, str | None]:
    return row["ProjectId"], row["EnvironmentId"], row["TenantId"]


# -- progression -------------------------------------------------------------------------------------------------


def project_progression(call: Call) -> Reply:
    """The releases of a project with what was deployed of each, by environment."""
    project = find_project(call, call.path["id"], "ReleaseView")
    environments = progress.environments(call.transaction, project.get("SpaceId"))
    channels = {
        channel["Id"]: channel for channel in call.transaction.query("Channel", where={"ProjectId": project["Id"]})
    }
    phases = {
        channel_id: lifecycles.phases_of(progress.lifecycle_of(call.transaction, project, channel), environments)
        for channel_id, channel in channels.items()
    }
    limit = call.query.get("releasehistorycount", "")
    ids = [
        row[0]
        for row in call.transaction.execute(
            "SELECT [Id] FROM dbo.[Release_WithDeploymentProcess] WHERE [ProjectId] = ?"
            + (" AND [SpaceId] = ?" if call.space else "")
            + " ORDER BY [Assembled] DESC",
            project["Id"],
            *([call.space] if call.space else []),
        )
    ][: int(limit) if limit.isdigit() and int(limit) else 30]
    releases = call.transaction.load_many("Release", ids)
    rows = dashboards.rows_of(call.transaction, "d.[ProjectId] = ?", project["Id"])
    return Reply(
        {
            "Id": None,
            "Environments": [{"Id": entry["Id"], "Name": entry["Name"]} for entry in environments],
            "ChannelEnvironments": {
                channel_id: _references(environments, entry) for channel_id, entry in phases.items()
            },
            "Releases": [
                _release(call, release, channels, phases, [row for row in rows if row["ReleaseId"] == release["Id"]])
                for release in releases
            ],
            "Links": {"Self": call.url.partition("?")[0]},
        }
    )


def _references(environments: list[Document], phases: Iterable[lifecycles.Phase]) -> list[Document]:
    reachable = {entry for phase in phases for entry in phase.environments}
    return [{"Id": entry["Id"], "Name": entry["Name"]} for entry in environments if entry["Id"] in reachable]


def _release(
    call: Call,
    release: Document,
    channels: Mapping[str, Document],
    phases: Mapping[str, list[lifecycles.Phase]],
    rows: list[Document],
) -> Document:
    deployed = frozenset(row["EnvironmentId"] for row in rows if row["State"] == "Success" and not row["TenantId"])
    by_environment: dict[str, list[Document]] = {}
    for row in rows:
        by_environment.setdefault(row["EnvironmentId"], []).append(dashboards.item(call, row, current=False))
    channel = channels.get(str(release.get("ChannelId")))
    return {
        "Release": render(call, "Release", release),
        "Channel": render(call, "Channel", channel) if channel else None,
        "Deployments": by_environment,
        "NextDeployments": lifecycles.next_deployments(phases.get(str(release.get("ChannelId")), []), deployed),
        "HasUnresolvedDefect": progress.has_unresolved_defect(release),
        "ReleaseRetentionPeriod": None,
        "TentacleRetentionPeriod": None,
    }


# -- runbooks ----------------------------------------------------------------------------------------------------


def runbook_progression(call: Call) -> Reply:
    project = find_project(call, call.path["id"], "RunbookRunView")
    environments = progress.environments(call.transaction, project.get("SpaceId"))
    items = _runbook_items(call, {"ProjectId": project["Id"]})
    by_environment: dict[str, list[Document]] = {}
    for entry in items:
        by_environment.setdefault(entry["EnvironmentId"], []).append(entry)
    return Reply(
        {
            "Id": None,
            "Environments": [{"Id": entry["Id"], "Name": entry["Name"]} for entry in environments],
            "RunbookRuns": by_environment,
            "Links": {"Self": call.url.partition("?")[0]},
        }
    )


def runbook_task_runs(call: Call) -> Reply:
    where: dict[str, Any] = {}
    for name, column in (
        ("projectids", "ProjectId"),
        ("runbookids", "RunbookId"),
        ("environmentids", "EnvironmentId"),
        ("tenantids", "TenantId"),
        ("taskids", "TaskId"),
    ):
        wanted = split_list(call.query.get(name))
        if wanted:
            where[column] = wanted
    items = _runbook_items(call, where)
    skip, take = skip_and_take(call)
    return Reply(page(call, "RunbooksDashboardItem", items[skip : skip + take], len(items)))


def _runbook_items(call: Call, where: Mapping[str, Any]) -> list[Document]:
    found = visible(
        call,
        resource(call, "RunbookRun"),
        call.transaction.query("RunbookRun", where=where, space=space_of(call), order_by="Created DESC"),
    )
    tasks = {task["Id"]: task for task in call.transaction.load_many("ServerTask", [run["TaskId"] for run in found])}
    snapshots = {
        entry["Id"]: entry
        for entry in call.transaction.load_many("RunbookSnapshot", {run["RunbookSnapshotId"] for run in found})
    }
    return [
        _runbook_item(call, run, tasks[run["TaskId"]], snapshots.get(run["RunbookSnapshotId"], {}))
        for run in found
        if run["TaskId"] in tasks
    ]


def _runbook_item(call: Call, run: Document, task: Document, snapshot: Document) -> Document:
    started, completed = moment(task["StartTime"]), moment(task["CompletedTime"])
    seconds = ((completed or call.server.now()) - started).total_seconds() if started else 0.0
    names = ("State", "QueueTime", "StartTime", "CompletedTime", "ErrorMessage")
    return {
        "Id": run["Id"],
        **{
            name: run.get(name) for name in ("ProjectId", "RunbookId", "RunbookSnapshotId", "EnvironmentId", "TenantId")
        },
        "RunbookSnapshotName": snapshot.get("Name"),
        "RunbookSnapshotNotes": snapshot.get("Notes"),
        "TaskId": task["Id"],
        "RunBy": run.get("DeployedBy"),
        "Created": run["Created"],
        **{name: task[name] for name in names},
        "HasPendingInterruptions": task["HasPendingInterruptions"],
        "HasWarningsOrErrors": task["HasWarningsOrErrors"],
        "Duration": duration_text(seconds),
        "IsCompleted": task["State"] in COMPLETED,
        "Links": {"Self": _link(call, f"runbookRuns/{run['Id']}"), "Task": f"/api/tasks/{task['Id']}"},
    }


# -- reports -----------------------------------------------------------------------------------------------------


def counted_by_week(call: Call) -> Reply:
    """Deployments a project had in each of the last weeks."""
    wanted = split_list(call.query.get("projectids"))
    rows = call.transaction.query(
        "Deployment", where={"ProjectId": wanted} if wanted else {}, space=space_of(call), order_by="Created"
    )
    counts: Counter[tuple[str, str]] = Counter()
    for row in visible(call, resource(call, "Deployment"), rows):
        created = moment(row["Created"])
        if created is not None:
            monday = (created - timedelta(days=created.weekday())).date().isoformat()
            counts[row["ProjectId"], monday] += 1
    projects = wanted or sorted({project for project, _ in counts})
    return Reply(
        [
            {
                "Id": None,
                "ProjectId": project,
                "ReportData": {
                    "Labels": sorted(week for owner, week in counts if owner == project),
                    "Series": [
                        {"Label": "Deployments", "Data": [counts[key] for key in sorted(counts) if key[0] == project]}
                    ],
                },
                "Links": {"Self": call.url.partition("?")[0]},
            }
            for project in projects
        ]
    )


def deployments_xml(call: Call) -> Reply:
    """The history table as XML (Octopus docs, "Reporting on deployments"; the Grafana data source reads it)."""
    columns = (
        "DeploymentId",
        "DeploymentName",
        "ProjectId",
        "ProjectName",
        "ProjectSlug",
        "EnvironmentId",
        "EnvironmentName",
        "ReleaseId",
        "ReleaseVersion",
        "TaskId",
        "TaskState",
        "Created",
        "QueueTime",
        "StartTime",
        "CompletedTime",
        "DurationSeconds",
        "DeployedBy",
    )
    wanted = call.query.get("projectid")
    rows = call.transaction.execute(
        f"SELECT {', '.join(f'h.[{column}]' for column in columns)} FROM dbo.[DeploymentHistory] h"
        + (" WHERE h.[ProjectId] = ?" if wanted else "")
        + " ORDER BY h.[Created]",
        *([wanted] if wanted else []),
    )
    seen = {project["Id"] for project in _visible(call, "Project", "Name")}
    body = "".join(
        "<Deployment>"
        + "".join(
            f"<{column}>{escape(str(value))}</{column}>"
            for column, value in zip(columns, row, strict=True)
            if value is not None
        )
        + "</Deployment>"
        for row in rows
        if row[columns.index("ProjectId")] in seen
    )
    return Reply(
        f'<?xml version="1.0" encoding="utf-8"?><Deployments>{body}</Deployments>', media_type="application/xml"
    )


ROUTES = (
    Route("GET", "dashboard", dashboard, permission="DeploymentView"),
    Route("GET", "dashboard/dynamic", dynamic, permission="DeploymentView"),
    Route("GET", "progression/{id}", project_progression, permission="ReleaseView"),
    Route("GET", "projects/{id}/progression", project_progression, permission="ReleaseView", since="2021.1"),
    Route("GET", "progression/runbooks/taskRuns", runbook_task_runs, permission="RunbookRunView", since="2019.11"),
    Route("GET", "progression/runbooks/{id}", runbook_progression, permission="RunbookRunView", since="2019.11"),
    Route("GET", "reporting/deployments-counted-by-week", counted_by_week, permission="DeploymentView", until="2026.1"),
    Route("GET", "reporting/deployments/xml", deployments_xml, permission="DeploymentView"),
)
