"""What belongs to a project, addressed below it: ``/projects/{projectId}/runbooks/{id}`` and the like.

Octopus's newer clients address channels so (go-octopusdeploy), triggers, runbooks, their processes and snapshots
(api-client.ts). The routes without the project stay.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import cast

from standins.octopus.api.catalogue import catalogue_for
from standins.octopus.api.crud import create_item, delete_item, find_item, get_item, list_items, update_item
from standins.octopus.api.errors import not_found
from standins.octopus.api.resources.processes import get_runbook_process, put_runbook_process
from standins.octopus.behaviour import routes_runbook_snapshots as snapshots
from standins.octopus.contract import Call, Document, Handler, Reply, Route

#: The item form of channels is in the links of 2022; the facts have the others from 2023.3 on.
_CHANNELS, _OTHERS = "2022.1", "2023.3"


def _inside(handler: Handler, name: str, call: Call) -> Reply:
    """The handler, for an item of the project in the path or a new one in it."""
    project = find_item(call, "Project", call.path["projectId"])
    path = dict(call.path)
    del path["projectId"]
    body: object = call.body
    if "id" in path:
        kind = catalogue_for(call.server.version)[name].kind
        item = call.transaction.load(kind, path["id"]) or find_item(call, name, path["id"])
        if item.get("ProjectId") != project["Id"]:
            raise not_found(path["id"])
        path["id"] = item["Id"]
    elif isinstance(body, dict):
        body = {**cast("Document", body), "ProjectId": project["Id"]}
    return handler(replace(call, path=path, body=body))


def _route(method: str, path: str, handler: Handler, name: str, permission: str, since: str) -> Route:  # noqa: PLR0917
    inside, statuses = partial(_inside, handler, name), (201,) if method == "POST" else ()
    return Route(method, f"projects/{{projectId}}/{path}", inside, "space", permission, since, statuses=statuses)


def _whole(path: str, name: str, view: str, edit: tuple[str, str, str], since: str) -> tuple[Route, ...]:
    """Create, read, update and delete; lists are served already."""
    create, change, remove = edit
    return (
        _route("POST", path, partial(create_item, name), name, create, since),
        _route("GET", f"{path}/{{id}}", partial(get_item, name), name, view, since),
        _route("PUT", f"{path}/{{id}}", partial(update_item, name), name, change, since),
        _route("DELETE", f"{path}/{{id}}", partial(delete_item, name), name, remove, since),
    )


def all_runbooks(call: Call) -> Reply:
    project = find_item(call, "Project", call.path["projectId"])
    inside = replace(call, path={}, query={**call.query, "projectids": project["Id"], "take": "2147483647"})
    found = list_items("Runbook", inside).body
    return Reply(found["Items"])


_EDIT_RUNBOOK = ("RunbookEdit", "RunbookEdit", "RunbookEdit")

ROUTES = (
    *_whole("channels", "Channel", "ProcessView", ("ProcessEdit", "ProcessEdit", "ProcessEdit"), _CHANNELS),
    *_whole("triggers", "ProjectTrigger", "TriggerView", ("TriggerCreate", "TriggerEdit", "TriggerDelete"), _OTHERS),
    *_whole("runbooks", "Runbook", "RunbookView", _EDIT_RUNBOOK, _OTHERS),
    # Deprecated in 2023.3 (octopus.com/docs/deprecations), so older than that.
    Route("GET", "projects/{projectId}/runbooks/all", all_runbooks, "space", "RunbookView", _CHANNELS),
    _route("GET", "runbookProcesses/{id}", get_runbook_process, "RunbookProcess", "RunbookView", _OTHERS),
    _route("PUT", "runbookProcesses/{id}", put_runbook_process, "RunbookProcess", "RunbookEdit", _OTHERS),
    _route("POST", "runbookSnapshots", snapshots.create_snapshot, "RunbookSnapshot", "RunbookEdit", _OTHERS),
)
