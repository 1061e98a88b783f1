"""The two tasks of projects as files: the export, whose zip is an artifact, and the import.

The lines of the import's log up to "Validation complete" are recorded (OctopusDeploy/Issues 7197, 7728, 9541), and so
is the task's description, "Project import"; those of the export are not, nor is any line about single things.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from standins.octopus.behaviour import artifacts, events, tasks
from standins.octopus.behaviour.dispatcher import Runner, Running, TaskFailed
from standins.octopus.behaviour.documents import mapped, text_of, texts
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import Call, Document, Server, Transaction
from standins.octopus.transfer.arriving import Arrival
from standins.octopus.transfer.bundle import Bundle, NotAnExport, pack
from standins.octopus.transfer.reach import Reach

EXPORT: Final = "ExportProjects"
IMPORT: Final = "ImportProjects"
PREVIEW: Final = "PreviewImportProjects"

#: Names of the artifact: the official scripts look for ``Octopus-Export-*.zip``.
_FILE = "Octopus-Export-{moment}.zip"
_SECRET = "SealedPassword"  # noqa: S105 - the name of a property of the stored task that the API does not show


class _Preview(Exception):
    """Ends the transaction of a preview: nothing of it stays."""


def queue(call: Call, name: str, description: str, arguments: Document, password: str) -> Document:
    """A queued task; the password waits in it under the master key, outside its arguments."""
    task = tasks.queue(
        call.server, call.transaction, name, description, arguments=arguments, subject=tasks.Subject(space=call.space)
    )
    task[_SECRET] = call.server.master_key.encrypt(password)
    call.transaction.update("ServerTask", task)
    events.record(
        call.server,
        call.transaction,
        "Created",
        f"Task {description} was created",
        related=[task["Id"]],
        source=events.Source.of(call),
        space=call.space,
    )
    return task


def upload_path(server: Server, space: str | None, name: str) -> Path:
    """Where an uploaded export waits: the Imports folder that came in 2021.1."""
    folder = server.folders.imports or server.folders.artifacts / "Imports"
    return folder / (space or "") / Path(name.replace("\\", "/")).name


def export_file(server: Server, transaction: Transaction, space: str, task_id: str) -> Path | None:
    """The zip that an export task of a space of this instance left."""
    found = transaction.query("Artifact", where={"ServerTaskId": task_id}, space=space)
    zips = [item for item in found if str(item["Filename"]).startswith("Octopus-Export-")]
    path = artifacts.path_of(server, zips[0]["Id"]) if zips else None
    return path if path is not None and path.is_file() else None


def _export(running: Running) -> None:
    server, task = running.server, running.task
    space = task.get("SpaceId")
    running.log.info("Starting export")
    with server.store.transaction() as transaction:
        documents = Reach(server, transaction, space).collect(texts(task["Arguments"], "IncludedProjectIds"))
    running.check_cancelled()
    names = sorted(project["Name"] for project in documents.get("Project", {}).values())
    for name in names:
        running.log.info(f"Exporting project '{name}'")
    content = pack(
        documents,
        version=server.version,
        password=server.master_key.decrypt(task[_SECRET]),
        key=server.master_key,
        projects=names,
    )
    moment = f"{server.now():%Y-%m-%d-%H%M%S}"
    document: Document = {
        "Filename": _FILE.format(moment=moment),
        "Source": "Octopus Server",
        "Created": iso(server.now()),
        "ProjectId": None,
        "EnvironmentId": None,
        "TenantId": None,
        "LogCorrelationId": task["LogCorrelationId"],
    }
    artifacts.link(server, document, task, [])
    with server.store.transaction() as transaction:
        stored = transaction.insert("Artifact", document)
    artifacts.store(server, stored["Id"], content)
    running.log.info(f"Exported {len(names)} projects into {document['Filename']}")


def _import(running: Running) -> None:
    server, task = running.server, running.task
    running.log.info("Starting import")
    running.log.info("Extracting exported files")
    try:
        bundle = Bundle(_content(running), server.master_key.decrypt(task[_SECRET]))
    except NotAnExport as problem:
        raise TaskFailed(str(problem)) from problem
    running.log.info("Extraction complete")
    running.log.info("Validating export package")
    _validate(server, bundle)
    running.log.info("Validation complete")
    try:
        with server.store.transaction() as transaction:
            _arrive(running, transaction, bundle)
    except _Preview:
        running.log.info("This is a preview: nothing was imported")


def _arrive(running: Running, transaction: Transaction, bundle: Bundle) -> None:
    task = running.task
    arrival = Arrival(running.server, transaction, task.get("SpaceId"), bundle, running.log.info)
    projects = arrival.run()
    running.check_cancelled()
    for name in arrival.skipped:
        running.log.warning(f"The project '{name}' exists in this space and is not imported")
    if task["Name"] == PREVIEW:
        raise _Preview
    for project in projects:
        events.record(
            running.server,
            transaction,
            "Created",
            f"Project {project['Name']} was imported",
            references={project["Name"]: project["Id"]},
            related=[task["Id"]],
            space=project.get("SpaceId"),
            project=project["Id"],
        )
    running.log.info(f"Imported {len(projects)} projects")


def _content(running: Running) -> bytes:
    source = mapped(running.task["Arguments"], "ImportSource")
    if source.get("Type") == "upload":
        path = upload_path(running.server, running.task.get("SpaceId"), text_of(source.get("UploadedFileId")))
    else:
        with running.server.store.transaction() as transaction:
            space, task_id = text_of(source.get("SpaceId")), text_of(source.get("TaskId"))
            path = export_file(running.server, transaction, space, task_id)
    if path is None or not path.is_file():
        raise TaskFailed("The file to import is not there.")
    return path.read_bytes()


def _validate(server: Server, bundle: Bundle) -> None:
    """Only from an earlier or equal version of Octopus Server (octopus.com/docs/projects/export-import)."""
    if bundle.version > server.version:
        raise TaskFailed(
            f"The projects were exported from Octopus Server {bundle.version}, which is newer than this server, "
            f"{server.version}. Projects can be imported from an earlier or equal version only."
        )
    if bundle.version < server.version:
        # A real server upgrades the documents of the file ("Upgrading export set..."); with what is not published.
        raise TaskFailed(
            f"This stand-in for Octopus Server imports exports of its own version, {server.version}; "
            f"this one is of {bundle.version}."
        )


RUNNERS: dict[str, Runner] = {EXPORT: _export, IMPORT: _import, PREVIEW: _import}
