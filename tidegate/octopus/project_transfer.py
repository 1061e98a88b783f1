"""Projects as files: the export task of one server, the import task of another (Octopus docs, projects/export-import).

Requests: the official scripts (OctopusDeploy/OctopusDeploy-Api, ExportImportProjects.ps1). The file's secrets lie under
its password.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from tidegate.errors import HarnessError, Refused
from tidegate.octopus.client import OctopusClient
from tidegate.secrets import Secret
from tidegate.versions import Version
from tidegate.waiting import wait_until

#: The first version that exports and imports projects.
FIRST: Final = Version(2021, 1, 0)
_FILE: Final = "Octopus-Export-"
#: Large exports "can take some time" (Octopus blog, 2021-06); nothing says how long.
_PATIENCE: Final = 3600.0


def export_projects(
    client: OctopusClient, space: str, projects: Sequence[str], password: Secret, started: Callable[[str], None]
) -> bytes:
    """The file of these projects of one space. ``started`` is told the task as soon as it is known."""
    answer = client.post(
        f"/api/{space}/projects/import-export/export",
        {"IncludedProjectIds": list(projects), "Password": _sensitive(password)},
    )
    task = str(answer["TaskId"])
    started(task)
    wait_for_task(client, task, "the export of projects")
    files = _files(client, space, task)
    if not files:
        raise HarnessError(f"the export task {task} ended well and left no {_FILE}….zip", where=client.url)
    received = client.send("GET", f"/api/{space}/artifacts/{files[0]}/content")
    if not received.ok:
        raise Refused(f"the file of the export answered {received.status}", where=client.url)
    return received.content


def delete_export(client: OctopusClient, space: str, task: str) -> None:
    """Delete the file that an export task left; the task itself and its audit events stay."""
    for artifact in _files(client, space, task):
        client.delete(f"/api/{space}/artifacts/{artifact}")


def import_projects(client: OctopusClient, space: str, content: bytes, password: Secret) -> str:
    """Import an export into a space, and the task that did it. Raises :class:`HarnessError` with the task's words."""
    name = f"{_FILE}tidegate.zip"
    uploaded = client.send(
        "POST", f"/api/{space}/projects/import-export/import-files", files={"fileData": (name, content)}
    )
    if not uploaded.ok:
        raise Refused(f"uploading an export answered {uploaded.status}: {uploaded.error_message}", where=client.url)
    answer = client.post(
        f"/api/{space}/projects/import-export/import",
        {"ImportSource": {"Type": "upload", "UploadedFileId": name}, "Password": _sensitive(password)},
    )
    task = str(answer["TaskId"])
    wait_for_task(client, task, "the import of projects")
    return task


def _sensitive(password: Secret) -> dict[str, Any]:
    return {"HasValue": True, "NewValue": password.reveal()}


def _files(client: OctopusClient, space: str, task: str) -> list[str]:
    found = client.items(f"/api/{space}/artifacts", regarding=task)
    return [str(one["Id"]) for one in found if str(one.get("Filename")).startswith(_FILE)]


def wait_for_task(client: OctopusClient, task: str, what: str, *, expected: str | None = "Success") -> None:
    """Wait for a server task; raises :class:`HarnessError` with its words unless it ended as expected.

    ``expected`` is a state, None means any.
    """
    seen: list[dict[str, Any]] = []

    def ended() -> bool:
        seen[:] = [client.get(f"/api/tasks/{task}")]
        return bool(seen[0].get("IsCompleted"))

    wait_until(ended, timeout=_PATIENCE, poll=0.5, what=what, where=client.url)
    state = str(seen[0].get("State"))
    if expected is not None and state != expected:
        raise HarnessError(
            f"{what} ended as {state}: {seen[0].get('ErrorMessage') or 'see the log of its task'}",
            where=f"task {task} on {client.url}",
            next_step="read the task's log: it names the document that is in the way",
        )
