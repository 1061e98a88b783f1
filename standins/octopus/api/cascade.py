"""What goes with a document that is deleted."""

from __future__ import annotations

from standins.octopus.api.versions import in_force
from standins.octopus.behaviour.documents import mapped
from standins.octopus.contract import Document, Store, Transaction, Version

#: Kinds that belong to a project, with the version they came with. Tasks and events stay: they are history.
_OF_PROJECTS = (
    ("Deployment", "ProjectId", ""),
    ("Release", "ProjectId", ""),
    ("RunbookRun", "ProjectId", "2019.11"),
    ("RunbookSnapshot", "ProjectId", "2019.11"),
    ("RunbookProcess", "ProjectId", "2019.11"),
    ("Runbook", "ProjectId", "2019.11"),
    ("Channel", "ProjectId", ""),
    ("DeploymentProcess", "OwnerId", ""),
    ("VariableSet", "OwnerId", ""),
    ("TenantVariable", "OwnerId", ""),
    ("DeploymentSettings", "ProjectId", "2021.2"),
)


def delete_project_documents(transaction: Transaction, version: Version, project: Document) -> None:
    """Everything a project owns, and its place in tenants."""
    for kind, column, since in _OF_PROJECTS:
        if in_force(version, since, ""):
            for document in transaction.query(kind, where={column: project["Id"]}):
                transaction.delete(kind, document["Id"])
    for tenant in transaction.query("Tenant", contains={"ProjectIds": project["Id"]}):
        environments = {
            document_id: places
            for document_id, places in mapped(tenant, "ProjectEnvironments").items()
            if document_id != project["Id"]
        }
        transaction.update("Tenant", {**tenant, "ProjectEnvironments": environments, "ProjectIds": list(environments)})


def delete_owned(transaction: Transaction, owner: Document, *kinds: str) -> None:
    """The variable sets and processes of an owner, with their frozen copies."""
    for kind in kinds:
        for document in transaction.query(kind, where={"OwnerId": owner["Id"]}):
            transaction.delete(kind, document["Id"])


#: Everything that lives in a space.
_OF_SPACES = [
    "Account",
    "ActionTemplate",
    "ActionTemplateVersion",
    "Artifact",
    "BuildInformation",
    "Certificate",
    "Channel",
    "DashboardConfiguration",
    "Deployment",
    "DeploymentEnvironment",
    "DeploymentProcess",
    "DeploymentSettings",
    "Event",
    "Feed",
    "Interruption",
    "Invitation",
    "LibraryVariableSet",
    "Lifecycle",
    "Machine",
    "MachinePolicy",
    "NuGetPackage",
    "Project",
    "ProjectGroup",
    "ProjectTrigger",
    "Proxy",
    "Release",
    "Runbook",
    "RunbookProcess",
    "RunbookRun",
    "RunbookSnapshot",
    "ScopedUserRole",
    "ServerTask",
    "Subscription",
    "TagSet",
    "Team",
    "Tenant",
    "TenantVariable",
    "VariableSet",
    "Worker",
    "WorkerPool",
]


def delete_space_documents(transaction: Transaction, store: Store, space: str) -> None:
    """Everything in a space, table by table."""
    for name in _OF_SPACES:
        try:
            kind = store.kind(name)
        except LookupError:
            continue  # not in this version
        transaction.execute(f"DELETE FROM dbo.[{kind.table}] WHERE [SpaceId] = ?", space)
