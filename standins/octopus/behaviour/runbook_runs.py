"""Runbook snapshots and runs as documents (2019.11 and later)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from standins.octopus.behaviour import events, snapshots, tasks
from standins.octopus.behaviour.documents import mapped, text_of, texts
from standins.octopus.behaviour.inputs import guided_failure_mode
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import ApiError, Document, Server, Transaction

BAD_REQUEST = "There was a problem with your request."


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What the caller wants run."""

    runbook: Document
    snapshot: Document
    environment: Document
    tenant: Document | None = None
    skip_actions: Sequence[str] = ()
    specific_machines: Sequence[str] = ()
    excluded_machines: Sequence[str] = ()
    form_values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    comments: str = ""
    guided_failure: Any = None
    force_download: bool = False
    queue_time: datetime | None = None
    expiry: datetime | None = None


def process_of(transaction: Transaction, runbook: Document) -> Document:
    process = transaction.load("RunbookProcess", runbook["RunbookProcessId"])
    if process is None:
        raise LookupError(f"The process of the runbook {runbook['Name']} is missing.")
    return process


def create_snapshot(
    server: Server,
    transaction: Transaction,
    project: Document,
    runbook: Document,
    *,
    name: str,
    notes: str | None,
    packages: Sequence[Mapping[str, Any]],
) -> Document:
    process = process_of(transaction, runbook)
    document: Document = {
        "Name": name,
        "Assembled": iso(server.now()),
        "ProjectId": project["Id"],
        "RunbookId": runbook["Id"],
        "Notes": notes,
        "SelectedPackages": [dict(entry) for entry in packages],
        "ProjectVariableSetSnapshotId": snapshots.freeze_project_variables(transaction, project),
        "LibraryVariableSetSnapshotIds": snapshots.freeze_library_variables(transaction, project),
        "FrozenRunbookProcessId": snapshots.freeze(transaction, "RunbookProcess", process),
        "SpaceId": project.get("SpaceId"),
    }
    document["FrozenProjectVariableSetId"] = document["ProjectVariableSetSnapshotId"]
    return transaction.insert("RunbookSnapshot", document)


def publish(transaction: Transaction, runbook: Document, snapshot: Document) -> None:
    """The real server checks the ids it is given against a view.

    An interrupted upgrade leaves the view's old text, which knows no runbooks (OctopusDeploy/Issues 6242).
    """
    for wanted in (snapshot["Id"], runbook["Id"]):
        if not transaction.execute("SELECT [Id] FROM dbo.[IdsInUse] WHERE [Id] = ?", wanted):
            raise ApiError(400, BAD_REQUEST, [f"The resource '{wanted}' does not exist."])
    runbook["PublishedRunbookSnapshotId"] = snapshot["Id"]
    transaction.update("Runbook", runbook)


def create(server: Server, transaction: Transaction, order: RunOrder, source: events.Source) -> Document:
    """Insert a run and its task."""
    project = transaction.load("Project", order.runbook["ProjectId"])
    if project is None:
        raise ApiError(404, f"The resource '{order.runbook['ProjectId']}' was not found.")
    _refuse(project, order)
    tenant = order.tenant["Id"] if order.tenant else None
    where = f" for {order.tenant['Name']}" if order.tenant else ""
    task = tasks.queue(
        server,
        transaction,
        "RunbookRun",
        f"Run {order.runbook['Name']} in {order.environment['Name']}{where}",
        arguments={},
        subject=tasks.Subject(
            space=project.get("SpaceId"),
            project=project["Id"],
            environment=order.environment["Id"],
            tenant=tenant,
            runbook=order.runbook["Id"],
            concurrency_tag="/".join(filter(None, [order.runbook["Id"], order.environment["Id"], tenant])),
        ),
        queue_time=order.queue_time,
        expiry=order.expiry,
    )
    run = transaction.insert("RunbookRun", _document(server, project, order, task, source))
    task["Arguments"] = {"RunbookRunId": run["Id"]}
    transaction.update("ServerTask", task)
    events.record(
        server,
        transaction,
        "RunbookRunQueued",
        f"Scheduled to run {project['Name']} runbook {order.runbook['Name']} in {order.environment['Name']}{where}",
        references={order.runbook["Name"]: order.runbook["Id"], order.environment["Name"]: order.environment["Id"]},
        related=[run["Id"], task["Id"], order.snapshot["Id"]],
        source=source,
        space=project.get("SpaceId"),
        project=project["Id"],
        environment=order.environment["Id"],
        tenant=tenant,
    )
    return run


def _refuse(project: Document, order: RunOrder) -> None:
    problems: list[str] = []
    if project["IsDisabled"]:
        problems.append("The project is disabled, so its runbooks cannot be run.")
    scope = text_of(order.runbook.get("EnvironmentScope")) or "All"
    if scope == "Specified" and order.environment["Id"] not in texts(order.runbook, "Environments"):
        problems.append(f"The runbook cannot be run in {order.environment['Name']}.")
    mode = text_of(order.runbook.get("MultiTenancyMode")) or "Untenanted"
    if order.tenant is None and mode == "Tenanted":
        problems.append("This runbook requires a tenant to be chosen for each run.")
    if order.tenant is not None and mode == "Untenanted":
        problems.append("This runbook does not support runs for tenants.")
    if problems:
        raise ApiError(400, BAD_REQUEST, problems)


def _document(server: Server, project: Document, order: RunOrder, task: Document, source: events.Source) -> Document:
    return {
        "Name": f"Run {order.runbook['Name']} in {order.environment['Name']}",
        "Created": iso(server.now()),
        "EnvironmentId": order.environment["Id"],
        "ProjectId": project["Id"],
        "RunbookId": order.runbook["Id"],
        "RunbookSnapshotId": order.snapshot["Id"],
        "TaskId": task["Id"],
        "TenantId": order.tenant["Id"] if order.tenant else None,
        "DeployedBy": source.user["Username"],
        "DeployedById": source.user["Id"],
        "DeployedToMachineIds": [],
        "FrozenRunbookProcessId": order.snapshot["FrozenRunbookProcessId"],
        "ManifestVariableSetId": None,
        "SkipActions": list(order.skip_actions),
        "SpecificMachineIds": list(order.specific_machines),
        "ExcludedMachineIds": list(order.excluded_machines),
        "UseGuidedFailure": guided_failure_mode(order.runbook, order.environment, order.guided_failure),
        "ForcePackageDownload": order.force_download,
        "Comments": order.comments or None,
        "FormValues": dict(order.form_values),
        "QueueTime": iso(order.queue_time) if order.queue_time else None,
        "QueueTimeExpiry": iso(order.expiry) if order.expiry else None,
        "FailureEncountered": False,
        "SpaceId": project.get("SpaceId"),
    }


def run_by_trigger(server: Server, transaction: Transaction, project: Document, action: Document) -> bool:
    """A scheduled trigger runs the published snapshot in every environment it names."""
    runbook = transaction.load("Runbook", text_of(action.get("RunbookId")))
    snapshot_id = text_of((runbook or {}).get("PublishedRunbookSnapshotId"))
    snapshot = transaction.load("RunbookSnapshot", snapshot_id) if snapshot_id else None
    if runbook is None or snapshot is None:
        raise LookupError("The runbook has no published snapshot.")
    tags, ids = set(texts(action, "TenantTags")), texts(action, "TenantIds")
    for environment in transaction.load_many("DeploymentEnvironment", texts(action, "EnvironmentIds")):
        connected = transaction.query("Tenant", contains={"ProjectIds": project["Id"]}) if tags or ids else []
        tenants = [
            tenant
            for tenant in connected
            if (tenant["Id"] in ids or not tags.isdisjoint(texts(tenant, "TenantTags")))
            and environment["Id"] in texts(mapped(tenant, "ProjectEnvironments"), project["Id"])
        ]
        for tenant in tenants or [None]:
            create(server, transaction, RunOrder(runbook, snapshot, environment, tenant), events.SERVER)
    return True
