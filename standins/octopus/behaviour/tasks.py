"""The life of a server task as a document: queued, claimed, paused, finished, cancelled.

States: Queued, Executing, Cancelling, Success, Failed, Canceled, TimedOut (OctopusClients TaskState). A task that
waits for a person stays Executing with ``HasPendingInterruptions``; its thread ends and any node may go on with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from standins.octopus.behaviour import activity
from standins.octopus.behaviour.moments import iso, moment
from standins.octopus.contract import Document, Server, Transaction

COMPLETED = ("Success", "Failed", "Canceled", "TimedOut")
ACTIVE = ("Queued", "Executing", "Cancelling")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a task is about, for filters, scoping of permissions and concurrency."""

    space: str | None = None
    project: str | None = None
    environment: str | None = None
    tenant: str | None = None
    runbook: str | None = None
    concurrency_tag: str | None = None


def queue(
    server: Server,
    transaction: Transaction,
    name: str,
    description: str,
    *,
    arguments: Mapping[str, Any],
    subject: Subject,
    queue_time: datetime | None = None,
    expiry: datetime | None = None,
) -> Document:
    """Insert a Queued task. The caller wakes the engine after its transaction has committed."""
    now = server.now()
    task: Document = {
        "Name": name,
        "Description": description,
        "Arguments": dict(arguments),
        "State": "Queued",
        "QueueTime": iso(queue_time or now),
        "QueueTimeExpiry": iso(expiry) if expiry else None,
        "StartTime": None,
        "CompletedTime": None,
        "LastUpdatedTime": iso(now),
        "ErrorMessage": "",
        "ConcurrencyTag": subject.concurrency_tag,
        "HasPendingInterruptions": False,
        "HasWarningsOrErrors": False,
        "ServerNodeId": None,
        "ProjectId": subject.project,
        "EnvironmentId": subject.environment,
        "TenantId": subject.tenant,
        "DurationSeconds": 0,
        "LogCorrelationId": None,
    }
    if server.at_least("2019.1"):
        task["SpaceId"] = subject.space
    if server.at_least("2019.11"):
        task["RunbookId"] = subject.runbook
    return transaction.insert("ServerTask", task)


def claim(server: Server, transaction: Transaction, ids: Iterable[str], node_id: str) -> list[Document]:
    """Make queued tasks this node's. The conditional update decides between nodes; the loser reads another owner."""
    wanted = list(ids)
    if not wanted:
        return []
    now = iso(server.now())
    marks = ", ".join("?" for _ in wanted)
    transaction.execute(
        "UPDATE dbo.[ServerTask] SET [State] = N'Executing', [StartTime] = ?, [ServerNodeId] = ? "
        f"WHERE [State] = N'Queued' AND [Id] IN ({marks})",
        now,
        node_id,
        *wanted,
    )
    claimed: list[Document] = []
    for task in transaction.load_many("ServerTask", wanted):
        if (
            task["State"] == "Executing"
            and task["ServerNodeId"] == node_id
            and moment(task["StartTime"]) == moment(now)
        ):
            task["LogCorrelationId"] = activity.new_correlation(task["Id"])
            task["LastUpdatedTime"] = now
            transaction.update("ServerTask", task)
            claimed.append(task)
    return claimed


def resume(transaction: Transaction, ids: Iterable[str], node_id: str) -> list[Document]:
    """Take over tasks whose interruptions were answered; they have no owner while they wait."""
    wanted = list(ids)
    if not wanted:
        return []
    marks = ", ".join("?" for _ in wanted)
    transaction.execute(
        "UPDATE dbo.[ServerTask] SET [ServerNodeId] = ? WHERE [State] IN (N'Executing', N'Cancelling') "
        f"AND [ServerNodeId] IS NULL AND [HasPendingInterruptions] = 0 AND [Id] IN ({marks})",
        node_id,
        *wanted,
    )
    return [task for task in transaction.load_many("ServerTask", wanted) if task["ServerNodeId"] == node_id]


def finish(server: Server, transaction: Transaction, task: Document, state: str, error: str = "") -> None:
    """Put a task into a terminal state."""
    now = server.now()
    started = moment(task.get("StartTime"))
    task["State"] = state
    task["CompletedTime"] = iso(now)
    task["LastUpdatedTime"] = iso(now)
    task["ErrorMessage"] = error
    task["HasPendingInterruptions"] = False
    task["DurationSeconds"] = max(0, round((now - started).total_seconds())) if started else 0
    task.pop("Progress", None)
    transaction.update("ServerTask", task)


def is_completed(task: Document) -> bool:
    return task["State"] in COMPLETED
