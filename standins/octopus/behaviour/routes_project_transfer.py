"""Routes of projects as files, since 2021.1: the requests of the official scripts.

OctopusDeploy/OctopusDeploy-Api, ExportImportProjects.ps1. Who may: nobody but a space manager (help.octopus.com, topic
28488). The permissions asked for are those that, together, only the role Space Manager has among the built-in ones.
Statuses and the bodies besides ``TaskId`` are not published.
"""

from __future__ import annotations

from typing import Final

from standins.octopus.api.errors import invalid, not_found
from standins.octopus.behaviour import project_transfer
from standins.octopus.behaviour.documents import folded, mapped, text_of, texts
from standins.octopus.contract import Call, Document, Reply, Route

SINCE: Final = "2021.1"
_MANAGER = ("TeamEdit", "ProjectDelete", "VariableEdit", "AccountDelete", "CertificateExportPrivateKey")


def _require_manager(call: Call, space: str | None) -> None:
    if call.rights is not None:
        for permission in _MANAGER:
            call.rights.require(permission, space=space)


def _password(body: Document) -> str:
    password = text_of(folded(body.get("password")).get("newvalue"))
    if not password:
        raise invalid("Please provide a password: it protects the sensitive values of the export.")
    return password


def export(call: Call) -> Reply:
    _require_manager(call, call.space)
    body = folded(call.body)
    wanted = list(dict.fromkeys(texts(body, "includedprojectids")))
    if not wanted:
        raise invalid("Please select at least one project to export.")
    password = _password(body)
    found = {project["Id"]: project for project in call.transaction.load_many("Project", wanted)}
    for project_id in wanted:
        project = found.get(project_id)
        if project is None or project.get("SpaceId") != call.space:
            raise not_found(project_id)
        if mapped(project, "PersistenceSettings").get("Type") == "VersionControlled":
            raise invalid(f"The project '{project['Name']}' is version-controlled, which exports do not support.")
    task = project_transfer.queue(
        call, project_transfer.EXPORT, "Project export", {"IncludedProjectIds": wanted}, password
    )
    return Reply({"TaskId": task["Id"]})


def upload(call: Call) -> Reply:
    """The multipart part ``fileData``; for the official script the file's name is its ``UploadedFileId``."""
    _require_manager(call, call.space)
    if not call.files or not call.files[0].content:
        raise invalid("No file was uploaded. Please send the export as multipart/form-data.")
    path = project_transfer.upload_path(call.server, call.space, call.files[0].name)
    if not path.name:
        raise invalid("The uploaded file has no name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(call.files[0].content)
    return Reply({"UploadedFileId": path.name})


def _start_import(call: Call, name: str, description: str) -> Reply:
    _require_manager(call, call.space)
    body = folded(call.body)
    source = folded(body.get("importsource"))
    password = _password(body)
    if source.get("type") == "space":
        space, task_id = text_of(source.get("spaceid")), text_of(source.get("taskid"))
        _require_manager(call, space)
        if project_transfer.export_file(call.server, call.transaction, space, task_id) is None:
            raise invalid(f"The task '{task_id}' left no export in the space '{space}'.")
        arguments: Document = {"Type": "space", "SpaceId": space, "TaskId": task_id}
    elif source.get("type") == "upload":
        file = text_of(source.get("uploadedfileid"))
        if not file or not project_transfer.upload_path(call.server, call.space, file).is_file():
            raise invalid(f"No file '{file}' was uploaded to this space.")
        arguments = {"Type": "upload", "UploadedFileId": file}
    else:
        raise invalid("The type of the ImportSource must be space or upload.")
    task = project_transfer.queue(call, name, description, {"ImportSource": arguments}, password)
    return Reply({"TaskId": task["Id"]})


def start_import(call: Call) -> Reply:
    return _start_import(call, project_transfer.IMPORT, "Project import")


def preview(call: Call) -> Reply:
    return _start_import(call, project_transfer.PREVIEW, "Project import preview")


ROUTES = (
    Route("POST", "projects/import-export/export", export, permission="ProjectView", since=SINCE),
    Route("POST", "projects/import-export/import-files", upload, permission="ProjectCreate", since=SINCE),
    Route("POST", "projects/import-export/import", start_import, permission="ProjectCreate", since=SINCE),
    Route("POST", "projects/import-export/import/preview", preview, permission="ProjectCreate", since=SINCE),
)
