"""Deployments as documents: who may go where, and what is queued for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from standins.octopus.behaviour import events, freezes, lifecycles, progress, tasks
from standins.octopus.behaviour.documents import mapped, texts
from standins.octopus.behaviour.inputs import guided_failure_mode
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import ApiError, Document, Server, Transaction

BAD_REQUEST = "There was a problem with your request."


@dataclass(frozen=True, slots=True)
class Order:
    """What the caller wants deployed."""

    release: Document
    environment: Document
    tenant: Document | None = None
    skip_actions: Sequence[str] = ()
    specific_machines: Sequence[str] = ()
    excluded_machines: Sequence[str] = ()
    form_values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    comments: str = ""
    guided_failure: Any = None
    force_download: bool = False
    force_redeployment: bool = False
    queue_time: datetime | None = None
    expiry: datetime | None = None
    #: Why freezes do not hold this one back: ``freezes.as_override``, or that a deployment target came.
    despite_freezes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: A trigger or a lifecycle wants it: a freeze lets it be made, and fail.
    automatic: bool = False


def create(server: Server, transaction: Transaction, order: Order, source: events.Source) -> Document:
    """Insert the deployment and its task. Raises ``ApiError`` when the lifecycle or the tenancy forbids it."""
    release = order.release
    project = transaction.load("Project", release["ProjectId"])
    if project is None:
        raise ApiError(404, f"The resource '{release['ProjectId']}' was not found.")
    channel = transaction.load("Channel", release["ChannelId"]) if release.get("ChannelId") else None
    _refuse_wrong_tenancy(project, order)
    _refuse_wrong_environment(transaction, project, release, channel, order)
    _refuse_frozen(server, transaction, project, order)
    name = _name(transaction, release, order)
    task = _queue(server, transaction, project, release, order)
    document = _document(server, project, order, name=name, task=task, source=source)
    deployment = transaction.insert("Deployment", document)
    task["Arguments"] = {"DeploymentId": deployment["Id"]}
    transaction.update("ServerTask", task)
    record(
        server,
        transaction,
        "DeploymentQueued",
        f"Scheduled to deploy {project['Name']} release {release['Version']} to {order.environment['Name']}"
        + (f" for {order.tenant['Name']}" if order.tenant else "")
        + f" at {task['QueueTime']}",
        deployment,
        references={
            project["Name"]: project["Id"],
            f"release {release['Version']}": release["Id"],
            order.environment["Name"]: order.environment["Id"],
        },
        source=source,
    )
    return deployment


def _refuse_wrong_tenancy(project: Document, order: Order) -> None:
    mode = project.get("TenantedDeploymentMode") or "Untenanted"
    problems: list[str] = []
    if project["IsDisabled"]:
        problems.append("The project is disabled, so its releases cannot be deployed.")
    if order.tenant is None and mode == "Tenanted":
        problems.append("This project requires a tenant to be chosen for each deployment.")
    if order.tenant is not None:
        if mode == "Untenanted":
            problems.append("This project does not support deployments to tenants.")
        connected = texts(mapped(order.tenant, "ProjectEnvironments"), project["Id"])
        if mode != "Untenanted" and order.environment["Id"] not in connected:
            problems.append(
                f"The tenant {order.tenant['Name']} is not connected to the project {project['Name']} "
                f"in the environment {order.environment['Name']}."
            )
    if problems:
        raise ApiError(400, BAD_REQUEST, problems)


def _refuse_wrong_environment(
    transaction: Transaction, project: Document, release: Document, channel: Document | None, order: Order
) -> None:
    tenant = order.tenant["Id"] if order.tenant else None
    environments = progress.environments(transaction, release.get("SpaceId"))
    reach = progress.reach(transaction, project, release, channel, environments, tenant=tenant)
    if order.environment["Id"] in reach.deployable:
        return
    known = any(order.environment["Id"] in phase.environments for phase in reach.phases)
    reason = (
        "it is blocked by an unresolved defect"
        if known and reach.blocked
        else "earlier phases of the lifecycle are not complete"
        if known
        else "the environment is in no phase of the lifecycle"
    )
    raise ApiError(
        400,
        BAD_REQUEST,
        [f"The release {release['Version']} cannot be deployed to {order.environment['Name']}: {reason}."],
    )


def despite(order: Order, override: Mapping[str, Any]) -> Order:
    """The same order, held back by fewer freezes."""
    return replace(order, despite_freezes={**order.despite_freezes, **override})


def _refuse_frozen(server: Server, transaction: Transaction, project: Document, order: Order) -> None:
    if order.automatic:
        return
    target: Document = {
        "ProjectId": project["Id"],
        "EnvironmentId": order.environment["Id"],
        "TenantId": order.tenant["Id"] if order.tenant else None,
        **order.despite_freezes,
    }
    found = freezes.in_force(transaction, server, target)
    if found:
        raise ApiError(400, BAD_REQUEST, freezes.sentences(found, project["Name"], order.environment["Name"]))


def _name(transaction: Transaction, release: Document, order: Order) -> str:
    """ "Deploy to Test", and "(#2)" for the second time."""
    where = {"ReleaseId": release["Id"], "EnvironmentId": order.environment["Id"]}
    where["TenantId"] = order.tenant["Id"] if order.tenant else None
    earlier = transaction.count("Deployment", where=where)
    name = f"Deploy to {order.environment['Name']}" + (f" for {order.tenant['Name']}" if order.tenant else "")
    return f"{name} (#{earlier + 1})" if earlier else name


def _queue(server: Server, transaction: Transaction, project: Document, release: Document, order: Order) -> Document:
    tenant = order.tenant["Id"] if order.tenant else None
    description = f"Deploy {project['Name']} release {release['Version']} to {order.environment['Name']}"
    if order.tenant:
        description += f" for {order.tenant['Name']}"
    subject = tasks.Subject(
        space=release.get("SpaceId"),
        project=project["Id"],
        environment=order.environment["Id"],
        tenant=tenant,
        concurrency_tag="/".join([project["Id"], order.environment["Id"], *([tenant] if tenant else [])]),
    )
    return tasks.queue(
        server,
        transaction,
        "Deploy",
        description,
        arguments={},
        subject=subject,
        queue_time=order.queue_time,
        expiry=order.expiry,
    )


def _document(
    server: Server, project: Document, order: Order, *, name: str, task: Document, source: events.Source
) -> Document:
    release = order.release
    document: Document = {
        "Name": name,
        "Created": iso(server.now()),
        "EnvironmentId": order.environment["Id"],
        "ProjectId": project["Id"],
        "ReleaseId": release["Id"],
        "ProjectGroupId": project["ProjectGroupId"],
        "TaskId": task["Id"],
        "TenantId": order.tenant["Id"] if order.tenant else None,
        "ChannelId": release.get("ChannelId"),
        "DeployedBy": source.user["Username"],
        "DeployedById": source.user["Id"],
        "DeployedToMachineIds": [],
        "DeploymentProcessId": release["ProjectDeploymentProcessSnapshotId"],
        "ManifestVariableSetId": None,
        "ForcePackageDownload": order.force_download,
        "ForcePackageRedeployment": order.force_redeployment,
        "SkipActions": list(order.skip_actions),
        "SpecificMachineIds": list(order.specific_machines),
        "ExcludedMachineIds": list(order.excluded_machines),
        "UseGuidedFailure": guided_failure_mode(project, order.environment, order.guided_failure),
        "Comments": order.comments or None,
        "FormValues": dict(order.form_values),
        "QueueTime": iso(order.queue_time) if order.queue_time else None,
        "QueueTimeExpiry": iso(order.expiry) if order.expiry else None,
        "Changes": [
            {"Version": release["Version"], "ReleaseNotes": release.get("ReleaseNotes"), "BuildInformation": []}
        ],
        "FailureEncountered": False,
        **order.despite_freezes,
    }
    if server.at_least("2019.1"):
        document["SpaceId"] = release.get("SpaceId")
    return document


def record(
    server: Server,
    transaction: Transaction,
    category: str,
    message: str,
    deployment: Document,
    *,
    references: Mapping[str, str],
    source: events.Source = events.SERVER,
) -> None:
    """An event about a deployment; it points at the release, the project, the environment and the task as well."""
    events.record(
        server,
        transaction,
        category,
        message,
        references=references,
        related=[
            deployment["Id"],
            deployment["ReleaseId"],
            deployment["ProjectId"],
            deployment["EnvironmentId"],
            deployment["TaskId"],
            *filter(None, [deployment.get("ChannelId"), deployment.get("ProjectGroupId")]),
        ],
        source=source,
        space=deployment.get("SpaceId"),
        project=deployment["ProjectId"],
        environment=deployment["EnvironmentId"],
        tenant=deployment.get("TenantId"),
    )


def deploy_automatically(
    server: Server, transaction: Transaction, release: Document, source: events.Source
) -> list[str]:
    """Queue what the lifecycle sends on its own, now that the release is made or got further; the deployments' ids."""
    project = transaction.load("Project", release["ProjectId"])
    if project is None or project["IsDisabled"]:
        return []
    channel = transaction.load("Channel", release["ChannelId"]) if release.get("ChannelId") else None
    space_environments = progress.environments(transaction, release.get("SpaceId"))
    reach = progress.reach(transaction, project, release, channel, space_environments)
    if reach.blocked or (project.get("TenantedDeploymentMode") or "Untenanted") == "Tenanted":
        return []
    wanted = lifecycles.automatic_now(reach.phases, reach.deployed)
    if not wanted:
        return []
    queued = {entry["EnvironmentId"] for entry in transaction.query("Deployment", where={"ReleaseId": release["Id"]})}
    by_id = {entry["Id"]: entry for entry in space_environments}
    return [
        create(server, transaction, Order(release, by_id[target], automatic=True), source)["Id"]
        for target in wanted
        if target not in queued
    ]


def snapshot_manifest(
    transaction: Transaction, server: Server, subject: Document, variables: list[dict[str, Any]]
) -> str:
    """The frozen variables of one deployment: ``variableset-<deployment>``."""
    document: Document = {
        "Id": f"variableset-{subject['Id']}",
        "OwnerId": subject["Id"],
        "Version": 0,
        "IsFrozen": True,
        "RelatedDocumentIds": [],
        "Variables": variables,
    }
    if server.at_least("2019.1"):
        document["SpaceId"] = subject.get("SpaceId")
    transaction.insert("VariableSet", document)
    return document["Id"]
