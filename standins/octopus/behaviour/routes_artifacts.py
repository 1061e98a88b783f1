"""Routes of artifacts: the list by what they regard, their records and their content."""

from __future__ import annotations

from standins.octopus.api.access import in_reach, require_for
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import Selection, select, selection_of
from standins.octopus.api.rendering import page, render, resource
from standins.octopus.behaviour import artifacts, events
from standins.octopus.behaviour.documents import folded, text_of, texts
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import Call, Document, Reply, Route

_RESOURCE = "Artifact"

#: Kinds of ids ``regarding`` accepts, and how their tasks are found.
_BY_COLUMN = {"Projects": "ProjectId", "Environments": "EnvironmentId", "Tenants": "TenantId"}
_RUNS = {
    "Deployments": ("Deployment", "Id"),
    "Releases": ("Deployment", "ReleaseId"),
    "RunbookRuns": ("RunbookRun", "Id"),
    "RunbookSnapshots": ("RunbookRun", "RunbookSnapshotId"),
}


def show(call: Call, artifact: Document) -> Document:
    return render(call, _RESOURCE, artifact)


def list_artifacts(call: Call) -> Reply:
    selection = selection_of(call, resource(call, _RESOURCE))
    name = selection.contains.pop("Name", None)
    if name:
        selection.contains["Filename"] = name
    regarding = call.query.get("regarding")
    if regarding:
        _narrow(call, selection, regarding)
    found, total = select(call, resource(call, _RESOURCE), selection)
    return Reply(page(call, _RESOURCE, [show(call, entry) for entry in found], total))


def _narrow(call: Call, selection: Selection, regarding: str) -> None:
    prefix = regarding.split("-", 1)[0]
    if not call.server.at_least("2019.1"):
        selection.contains["RelatedDocumentIds"] = regarding
    elif prefix in _BY_COLUMN:
        selection.where[_BY_COLUMN[prefix]] = regarding
    elif prefix in _RUNS:
        kind, column = _RUNS[prefix]
        runs = call.transaction.query(kind, where={column: regarding})
        selection.where["ServerTaskId"] = [run["TaskId"] for run in runs]
    else:
        selection.where["ServerTaskId"] = regarding


def _find(call: Call) -> Document:
    wanted = call.path["id"]
    return in_reach(call, resource(call, _RESOURCE), call.transaction.load("Artifact", wanted), wanted)


def get_artifact(call: Call) -> Reply:
    return Reply(show(call, _find(call)))


def create_artifact(call: Call) -> Reply:
    body = folded(call.body)
    file_name = text_of(body.get("filename"))
    if not file_name:
        raise invalid("Please provide a value for Filename.")
    document: Document = {
        "Filename": file_name[:200],
        "Source": body.get("source"),
        "Created": iso(call.server.now()),
        "LogCorrelationId": body.get("logcorrelationid"),
        "ProjectId": None,
        "EnvironmentId": None,
        "TenantId": None,
    }
    if call.server.at_least("2019.1"):
        _link_to_task(call, document, text_of(body.get("servertaskid")))
    else:
        # Before 2019.1 clients could attach an artifact to anything, also to nothing (OctopusDeploy/Issues 5226).
        document["RelatedDocumentIds"] = texts(body, "relateddocumentids")
        _copy_places(call, document)
    stored = call.transaction.insert("Artifact", document)
    events.created(call, "Artifact", {**stored, "Name": stored["Filename"]})
    return Reply(show(call, stored), 201)


def _link_to_task(call: Call, document: Document, task_id: str) -> None:
    task = call.transaction.load("ServerTask", task_id) if task_id else None
    if task is None:
        raise invalid("ServerTaskId: please name the task the artifact belongs to.")
    document["ServerTaskId"] = task_id
    document["SpaceId"] = task.get("SpaceId") or call.space
    for column in ("ProjectId", "EnvironmentId", "TenantId"):
        document[column] = task.get(column)


def _copy_places(call: Call, document: Document) -> None:
    for related in texts(document, "RelatedDocumentIds"):
        column = _BY_COLUMN.get(related.split("-", 1)[0])
        if column:
            document[column] = related
        elif related.startswith("ServerTasks-"):
            task = call.transaction.load("ServerTask", related) or {}
            for name in ("ProjectId", "EnvironmentId", "TenantId"):
                document[name] = document[name] or task.get(name)


def update_artifact(call: Call) -> Reply:
    artifact = _find(call)
    require_for(call, resource(call, _RESOURCE), "ArtifactEdit", artifact)
    before = dict(artifact)
    body = folded(call.body)
    artifact["Filename"] = text_of(body.get("filename"))[:200] or artifact["Filename"]
    artifact["Source"] = body.get("source")
    call.transaction.update("Artifact", artifact)
    events.modified(call, "Artifact", artifact, before)
    return Reply(show(call, artifact))


def delete_artifact(call: Call) -> Reply:
    artifact = _find(call)
    require_for(call, resource(call, _RESOURCE), "ArtifactDelete", artifact)
    artifacts.delete(call.server, call.transaction, artifact["Id"])
    events.deleted(call, "Artifact", {**artifact, "Name": artifact["Filename"]})
    return Reply({})


def content(call: Call) -> Reply:
    artifact = _find(call)
    path = artifacts.path_of(call.server, artifact["Id"])
    if not path.is_file():
        raise not_found(artifact["Id"])
    name = artifact["Filename"].replace('"', "")
    return Reply(
        path, media_type="application/octet-stream", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def upload(call: Call) -> Reply:
    """Raw bytes or a multipart part of any name; 204 as documented."""
    artifact = _find(call)
    artifacts.store(call.server, artifact["Id"], call.files[0].content if call.files else call.raw_body)
    return Reply(None, 204)


ROUTES = (
    Route("GET", "artifacts", list_artifacts, permission="ArtifactView"),
    Route("POST", "artifacts", create_artifact, permission="ArtifactCreate"),
    Route("GET", "artifacts/{id}", get_artifact, permission="ArtifactView"),
    Route("PUT", "artifacts/{id}", update_artifact, permission="ArtifactEdit"),
    Route("DELETE", "artifacts/{id}", delete_artifact, permission="ArtifactDelete"),
    Route("GET", "artifacts/{id}/content", content, permission="ArtifactView"),
    Route("PUT", "artifacts/{id}/content", upload, permission="ArtifactCreate", statuses=(204,)),
)
