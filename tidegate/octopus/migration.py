"""Projects as a package: the migration API, which runs `Octopus.Migrator` on the server, since 2018.6.0.

Octopus docs, octopus-rest-api/migration-api.

While such a task runs the server is in maintenance mode, and at its end it is taken out of it. Source and target must
have the same version; things are matched by name, the space among them. The package of an export that is sent nowhere
else is in the server's own built-in feed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tidegate.errors import HarnessError, Refused
from tidegate.octopus.client import OctopusClient
from tidegate.octopus.project_transfer import wait_for_task
from tidegate.octopus.spaces import in_space
from tidegate.secrets import Secret
from tidegate.versions import Version

#: The first version that has this API. The tool itself is older, and takes its password on its command line.
FIRST: Final = Version(2018, 6, 0)
_EXTENSION: Final = ".zip"


@dataclass(frozen=True, slots=True)
class MigrationPackage:
    """The name of a package in a built-in feed."""

    id: str
    version: str

    @classmethod
    def fresh(cls) -> MigrationPackage:
        return cls("Tidegate.Subset", f"1.0.0-{secrets.token_hex(6)}")

    @property
    def file(self) -> str:
        return f"{self.id}.{self.version}{_EXTENSION}"


def export_migration(  # noqa: PLR0917 - as export_projects, and the name of the package
    client: OctopusClient,
    space: str,
    projects: Sequence[str],
    package: MigrationPackage,
    password: Secret,
    started: Callable[[str], None],
) -> bytes:
    """The package of these projects, given by name, of one space (empty before there were spaces).

    Deployment targets, workers and deployments stay behind: a test instance must not reach what production deploys to.
    ``started`` is told the task as soon as it is known.
    """
    request: dict[str, Any] = {
        "PackageId": package.id,
        "PackageVersion": package.version,
        "Password": password.reveal(),
        "Projects": list(projects),
        "EncryptPackage": True,
        "IgnoreMachines": True,
        "IgnoreDeployments": True,
        "IgnoreTenants": False,
        "IgnoreCertificates": False,
        "IncludeTaskLogs": False,
    }
    if space:
        request |= {"SpaceId": space, "DestinationPackageFeedSpaceId": space}
    task = str(client.post("/api/migrations/partialexport", request)["TaskId"])
    started(task)
    wait_for_task(client, task, "the partial export of projects")
    found = _packages(client, space, package)
    if not found:
        raise HarnessError(
            f"the export task {task} ended well and left no package {package.id} {package.version} in the feed",
            where=client.url,
            next_step='read the task\'s log for where the package went, delete it, and use approach = "clone"',
        )
    received = client.send("GET", in_space(space, f"packages/{found[0]}/raw"))
    if not received.ok:
        raise Refused(f"the package of the export answered {received.status}", where=client.url)
    return received.content


def delete_migration_package(client: OctopusClient, space: str, package: MigrationPackage) -> None:
    """Delete the package of an export from the built-in feed; the task and its audit events stay."""
    for one in _packages(client, space, package):
        client.delete(in_space(space, f"packages/{one}"))


def end_migrations(client: OctopusClient, tasks: Sequence[str], package: MigrationPackage) -> None:
    """Cancel what still runs of these tasks, and of others that name the package, and wait until it has ended."""
    # Servers without spaces take no notice of the last two.
    running = client.items("/api/tasks", active=True, spaces="all", includeSystem=True)
    active = [str(one["Id"]) for one in running if _is_of(one, package)]
    for task in dict.fromkeys([*tasks, *active]):
        if not client.get(f"/api/tasks/{task}").get("IsCompleted"):
            client.send("POST", f"/api/tasks/{task}/cancel")  # refused where it has just ended
            wait_for_task(client, task, "the cancelled export", expected=None)


def import_migration(
    client: OctopusClient, space: str, content: bytes, package: MigrationPackage, password: Secret
) -> str:
    """Import a package, and the task that did it; ``space`` is where the package waits. What it holds goes into the
    space that has the name of the one it came from. Raises :class:`HarnessError` with the task's words.
    """
    pushed = client.send("POST", in_space(space, "packages/raw"), files={"file": (package.file, content)})
    if not pushed.ok:
        raise Refused(f"uploading an export answered {pushed.status}: {pushed.error_message}", where=client.url)
    request: dict[str, Any] = {
        "PackageId": package.id,
        "PackageVersion": package.version,
        "Password": password.reveal(),
        "IsEncryptedPackage": True,
        "IsDryRun": False,
        "OverwriteExisting": False,
        "DeletePackageOnCompletion": True,
    }
    if space:
        request["PackageFeedSpaceId"] = space
    task = str(client.post("/api/migrations/import", request)["TaskId"])
    wait_for_task(client, task, "the import of projects")
    return task


def _packages(client: OctopusClient, space: str, package: MigrationPackage) -> list[str]:
    found = client.items(in_space(space, "packages"), nuGetPackageId=package.id)
    wanted = (package.id, package.version)
    return [str(one["Id"]) for one in found if (one.get("PackageId"), one.get("Version")) == wanted]


def _is_of(task: dict[str, Any], package: MigrationPackage) -> bool:
    arguments: dict[str, Any] = task.get("Arguments") or {}
    return (arguments.get("PackageId"), arguments.get("PackageVersion")) == (package.id, package.version)
