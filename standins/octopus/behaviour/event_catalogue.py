"""Names the audit log knows: categories, groups, document types and agents, by version.

Sources: Octopus docs "Subscription Events" (groups, events, document types since 3.5); category ids from the Go
client's event filters and OctopusClients' EventCategory usages; OctopusClients 8.0 for the runbook names (2019.11).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from standins.octopus.api.versions import in_force
from standins.octopus.contract import Version


@dataclass(frozen=True, slots=True)
class Named:
    """An id with the text shown for it, and the first version that has it."""

    id: str
    name: str
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    name: str
    categories: tuple[str, ...]
    since: str = ""
    until: str = ""


N = TypeVar("N", Named, Group)

CATEGORIES: tuple[Named, ...] = (
    Named("Created", "Document created"),
    Named("Modified", "Document modified"),
    Named("Deleted", "Document deleted"),
    Named("Comment", "Comment"),
    Named("DeploymentQueued", "Deployment queued"),
    Named("DeploymentStarted", "Deployment started"),
    Named("DeploymentSucceeded", "Deployment succeeded"),
    Named("DeploymentFailed", "Deployment failed"),
    Named("DeploymentResumed", "Deployment resumed"),
    Named("TaskCanceled", "Task canceled"),
    Named("ManualInterventionInterruptionRaised", "Manual intervention interruption raised"),
    Named("GuidedFailureInterruptionRaised", "Guided failure interruption raised"),
    Named("MachineAdded", "Machine created"),
    Named("MachineDeleted", "Machine deleted"),
    Named("MachineDisabled", "Machine disabled"),
    Named("MachineEnabled", "Machine enabled"),
    Named("MachineHealthy", "Machine found healthy"),
    Named("MachineUnhealthy", "Machine found to be unhealthy"),
    Named("MachineUnavailable", "Machine found to be unavailable"),
    Named("MachineHasWarnings", "Machine found to have warnings"),
    Named("MachineDeploymentRelatedPropertyWasUpdated", "Machine deployment-related property modified"),
    Named("MachineCleanupFailed", "Machine cleanup failed"),
    Named("AutoDeploySucceeded", "Auto-deploy trigger succeeded"),
    Named("AutoDeployBlocked", "Auto-deploy trigger blocked"),
    Named("CertificateExpired", "Certificate expired"),
    Named("CertificateExpiryWarning20Days", "Certificate expiry 20-day warning"),
    Named("CertificateExpiryWarning10Days", "Certificate expiry 10-day warning"),
    Named("CertificatePrivateKeyExported", "Certificate private-key exported"),
    Named("CertificateReplaced", "Certificate replaced"),
    Named("LoginSucceeded", "Login succeeded"),
    Named("LoginFailed", "Login failed"),
    Named("RunbookRunQueued", "Runbook run queued", since="2019.11"),
    Named("RunbookRunStarted", "Runbook run started", since="2019.11"),
    Named("RunbookRunSucceeded", "Runbook run succeeded", since="2019.11"),
    Named("RunbookRunFailed", "Runbook run failed", since="2019.11"),
    Named("RunbookSnapshotPublished", "Runbook snapshot published", since="2019.11"),
)

_DEPLOYMENT = (
    "DeploymentQueued",
    "DeploymentStarted",
    "DeploymentSucceeded",
    "DeploymentFailed",
    "DeploymentResumed",
    "ManualInterventionInterruptionRaised",
    "GuidedFailureInterruptionRaised",
    "TaskCanceled",
)
_MACHINE = (
    "MachineAdded",
    "MachineDeleted",
    "MachineDisabled",
    "MachineEnabled",
    "MachineHealthy",
    "MachineUnhealthy",
    "MachineUnavailable",
    "MachineHasWarnings",
    "MachineDeploymentRelatedPropertyWasUpdated",
    "MachineCleanupFailed",
)

GROUPS: tuple[Group, ...] = (
    Group("AutoDeploy", "Auto-deploy events", ("AutoDeploySucceeded", "AutoDeployBlocked")),
    Group("AutoDeployCritical", "Auto-deploy critical-events", ("AutoDeployBlocked",)),
    Group("Deployment", "Deployment events", _DEPLOYMENT),
    Group(
        "DeploymentCritical",
        "Deployment critical-events",
        ("DeploymentFailed", "ManualInterventionInterruptionRaised", "GuidedFailureInterruptionRaised"),
    ),
    Group("Machine", "Machine events", _MACHINE),
    Group(
        "MachineCritical",
        "Machine critical-events",
        ("MachineUnhealthy", "MachineUnavailable", "MachineHasWarnings", "MachineCleanupFailed"),
    ),
    Group(
        "MachineAvailableForDeployment",
        "Machine becomes available for deployment",
        ("MachineAdded", "MachineEnabled", "MachineHealthy", "MachineHasWarnings"),
    ),
    Group(
        "MachineUnavailableForDeployment",
        "Machine is no longer available for deployment",
        ("MachineDeleted", "MachineDisabled", "MachineUnhealthy", "MachineUnavailable"),
    ),
    Group(
        "CertificateExpiry",
        "Certificate expiry events",
        ("CertificateExpired", "CertificateExpiryWarning20Days", "CertificateExpiryWarning10Days"),
    ),
    Group("Document", "Document events", ("Created", "Modified", "Deleted")),
    Group(
        "RunbookRun",
        "Runbook run events",
        ("RunbookRunQueued", "RunbookRunStarted", "RunbookRunSucceeded", "RunbookRunFailed"),
        since="2019.11",
    ),
)

#: Id prefix of a document → what messages call it, and the text of the document-type filter.
DOCUMENT_TYPES: tuple[Named, ...] = (
    Named("Accounts", "Account"),
    Named("ActionTemplates", "Action Template"),
    Named("ApiKeys", "Api Key"),
    Named("Artifacts", "Artifact"),
    Named("Certificates", "Certificate"),
    Named("Channels", "Channel"),
    Named("CommunityActionTemplates", "Community Action Template"),
    Named("DashboardConfigurations", "Dashboard Configuration"),
    Named("Deployments", "Deployment"),
    Named("Environments", "Deployment Environment"),
    Named("deploymentprocess", "Deployment Process"),
    Named("Feeds", "Feed"),
    Named("Interruptions", "Interruption"),
    Named("Invitations", "Invitation"),
    Named("LibraryVariableSets", "Library Variable Set"),
    Named("Lifecycles", "Lifecycle"),
    Named("Machines", "Machine"),
    Named("MachinePolicies", "Machine Policy"),
    Named("Projects", "Project"),
    Named("ProjectGroups", "Project Group"),
    Named("ProjectTriggers", "Project Trigger"),
    Named("Proxies", "Proxy"),
    Named("Releases", "Release"),
    Named("Runbooks", "Runbook", since="2019.11"),
    Named("RunbookProcess", "Runbook Process", since="2019.11"),
    Named("RunbookSnapshots", "Runbook Snapshot", since="2019.11"),
    Named("RunbookRuns", "Runbook Run", since="2019.11"),
    Named("scopeduserroles", "Scoped User Role", since="2019.1"),
    Named("ServerTasks", "Server Task"),
    Named("Spaces", "Space", since="2019.1"),
    Named("Subscriptions", "Subscription"),
    Named("TagSets", "Tag Set"),
    Named("Teams", "Team"),
    Named("Tenants", "Tenant"),
    Named("TenantVariables", "Tenant Variable"),
    Named("Users", "User"),
    Named("userroles", "User Role"),
    Named("variableset", "Variable Set"),
    Named("Workers", "Worker"),
    Named("WorkerPools", "Worker Pool"),
)

AGENTS: tuple[Named, ...] = (
    Named("Browser", "Browser"),
    Named("OctopusClient", "Octopus.Client"),
    Named("Octo", "Octo Command Line"),
    Named("Server", "Server"),
    Named("Tentacle", "Tentacle"),
    Named("Unknown", "Unknown"),
)


def known(items: Iterable[N], version: Version) -> list[N]:
    """The entries this version has."""
    return [item for item in items if in_force(version, item.since, item.until)]


def categories_of(groups: Iterable[str]) -> set[str]:
    """Every category in the named groups."""
    wanted = set(groups)
    return {category for group in GROUPS if group.id in wanted for category in group.categories}
