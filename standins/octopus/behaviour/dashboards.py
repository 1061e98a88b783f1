"""Which deployment stands where: the newest and the one before, by project, environment and tenant.

Read from the database's own views (Dashboard, MultiTenancyDashboard), whose names are in dumps of 2018.x databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from standins.octopus.behaviour.moments import duration_text, moment
from standins.octopus.behaviour.tasks import COMPLETED
from standins.octopus.contract import Call, Document, Transaction
from standins.octopus.portions import MOST_NAMED, portions

_COLUMNS = (
    "Id",
    "Created",
    "ProjectId",
    "EnvironmentId",
    "ReleaseId",
    "TaskId",
    "ChannelId",
    "TenantId",
    "ReleaseVersion",
    "State",
    "QueueTime",
    "StartTime",
    "CompletedTime",
    "ErrorMessage",
    "HasPendingInterruptions",
    "HasWarningsOrErrors",
)
_SELECTED = ", ".join(f"[{column}]" for column in _COLUMNS)


def current_rows(transaction: Transaction, projects: Sequence[str] = ()) -> list[Document]:
    """The newest deployment of each project to each environment, for each tenant and for none.

    ``projects`` narrows the query where it can name them all; more may come.
    """
    if 0 < len(projects) <= MOST_NAMED:
        condition = f"[ProjectId] IN ({_marks(projects)})"
        rows = transaction.execute(f"SELECT {_SELECTED} FROM dbo.[MultiTenancyDashboard] WHERE {condition}", *projects)
        return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    # The view compares each deployment with all others of its place: right for one project, slow for thousands. The ids
    # of the newest come from one pass instead.
    newest = transaction.execute(
        "SELECT [Id] FROM (SELECT [Id], ROW_NUMBER() OVER (PARTITION BY [ProjectId], [EnvironmentId], [TenantId] "
        "ORDER BY [Created] DESC) AS [Age] FROM dbo.[Deployment]) d WHERE [Age] = 1"
    )
    return rows_by_id(transaction, [str(row[0]) for row in newest])


def successes(transaction: Transaction, projects: Iterable[str]) -> list[Document]:
    """The newest successful deployment of each of the projects to each environment and tenant."""
    columns = ("Id", "ProjectId", "EnvironmentId", "TenantId")
    selected = ", ".join(f"[{column}]" for column in columns)
    statement = f"SELECT {selected} FROM dbo.[LatestSuccessfulDeployments] WHERE [ProjectId] IN "
    return [
        dict(zip(columns, row, strict=True))
        for some in portions(sorted(projects))
        for row in transaction.execute(f"{statement}({_marks(some)})", *some)
    ]


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" for _ in values)


def rows_by_id(transaction: Transaction, ids: Sequence[str]) -> list[Document]:
    """Dashboard rows of these deployments, however many."""
    return [row for some in portions(ids) for row in rows_of(transaction, f"d.[Id] IN ({_marks(some)})", *some)]


def rows_of(transaction: Transaction, where: str, *parameters: Any) -> list[Document]:
    """Dashboard rows of chosen deployments.

    ``where`` is a condition on d (Deployment), t (ServerTask) or r (Release).
    """
    selected = ", ".join(
        f"r.[Version] AS [{column}]"
        if column == "ReleaseVersion"
        else f"{'t' if column in _OF_TASK else 'd'}.[{column}]"
        for column in _COLUMNS
    )
    rows = transaction.execute(
        f"SELECT {selected} FROM dbo.[Deployment] d INNER JOIN dbo.[ServerTask] t ON t.[Id] = d.[TaskId] "
        f"INNER JOIN dbo.[Release] r ON r.[Id] = d.[ReleaseId] WHERE {where} ORDER BY d.[Created] DESC",
        *parameters,
    )
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]


_OF_TASK = frozenset(
    {
        "State",
        "QueueTime",
        "StartTime",
        "CompletedTime",
        "ErrorMessage",
        "HasPendingInterruptions",
        "HasWarningsOrErrors",
    }
)


def item(call: Call, row: Document, *, current: bool) -> Document:
    """A DashboardItem (2020.5 swagger)."""
    started, completed = moment(row["StartTime"]), moment(row["CompletedTime"])
    seconds = ((completed or call.server.now()) - started).total_seconds() if started else 0.0
    base = f"/api/{call.space}" if call.space else "/api"
    links = {
        "Self": f"{base}/deployments/{row['Id']}",
        "Release": f"{base}/releases/{row['ReleaseId']}",
        "Task": f"/api/tasks/{row['TaskId']}",
    }
    if row["TenantId"]:
        links["Tenant"] = f"{base}/tenants/{row['TenantId']}"
    return {
        "Id": row["Id"],
        "ProjectId": row["ProjectId"],
        "EnvironmentId": row["EnvironmentId"],
        "ReleaseId": row["ReleaseId"],
        "DeploymentId": row["Id"],
        "TaskId": row["TaskId"],
        "TenantId": row["TenantId"],
        "ChannelId": row["ChannelId"],
        "ReleaseVersion": row["ReleaseVersion"],
        "Created": row["Created"],
        "QueueTime": row["QueueTime"],
        "StartTime": row["StartTime"],
        "CompletedTime": row["CompletedTime"],
        "State": row["State"],
        "HasPendingInterruptions": bool(row["HasPendingInterruptions"]),
        "HasWarningsOrErrors": bool(row["HasWarningsOrErrors"]),
        "ErrorMessage": row["ErrorMessage"],
        "Duration": duration_text(seconds),
        "IsCurrent": current,
        "IsPrevious": not current,
        "IsCompleted": row["State"] in COMPLETED,
        "Links": links,
    }


def within(rows: Iterable[Document], name: str, wanted: Sequence[str]) -> list[Document]:
    """Rows whose property is one of those wanted; nothing wanted means all."""
    return [row for row in rows if not wanted or row[name] in wanted]
