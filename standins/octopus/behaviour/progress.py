"""How far releases got: which environments they were deployed to, and where they may go next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from standins.octopus.behaviour import lifecycles
from standins.octopus.contract import Document, Transaction


@dataclass(frozen=True, slots=True)
class Reach:
    """A release with what its lifecycle says about it."""

    phases: Sequence[lifecycles.Phase]
    deployed: frozenset[str]  # environments, for the tenant asked about
    blocked: bool

    @property
    def deployable(self) -> list[str]:
        return lifecycles.deployable(self.phases, self.deployed, blocked=self.blocked)

    @property
    def next(self) -> list[str]:
        return lifecycles.next_deployments(self.phases, self.deployed)


def environments(transaction: Transaction, space: str | None) -> list[Document]:
    return transaction.query("DeploymentEnvironment", space=space, order_by="SortOrder")


def lifecycle_of(transaction: Transaction, project: Document, channel: Document | None) -> Document:
    """The channel's lifecycle, else the project's."""
    lifecycle_id = (channel or {}).get("LifecycleId") or project["LifecycleId"]
    lifecycle = transaction.load("Lifecycle", lifecycle_id)
    if lifecycle is None:
        raise LookupError(f"The lifecycle '{lifecycle_id}' no longer exists.")
    return lifecycle


def successes(transaction: Transaction, release_id: str) -> list[tuple[str, str | None]]:
    """(environment, tenant) of every successful deployment of the release."""
    rows = transaction.execute(
        "SELECT d.[EnvironmentId], d.[TenantId] FROM dbo.[Deployment] d "
        "INNER JOIN dbo.[ServerTask] t ON t.[Id] = d.[TaskId] WHERE d.[ReleaseId] = ? AND t.[State] = N'Success'",
        release_id,
    )
    return [(row[0], row[1]) for row in rows]


def reach(
    transaction: Transaction,
    project: Document,
    release: Document,
    channel: Document | None,
    space_environments: Sequence[Document],
    *,
    tenant: str | None = None,
) -> Reach:
    phases = lifecycles.phases_of(lifecycle_of(transaction, project, channel), space_environments)
    done = successes(transaction, release["Id"])
    return Reach(phases, frozenset(entry[0] for entry in done if entry[1] == tenant), has_unresolved_defect(release))


def has_unresolved_defect(release: Document) -> bool:
    return any(defect.get("Status") == "Unresolved" for defect in release.get("Defects") or ())
