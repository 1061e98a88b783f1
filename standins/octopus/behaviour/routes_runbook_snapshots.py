"""Routes of runbook snapshots: making, publishing, reading and changing them (2019.11 and later)."""

from __future__ import annotations

from typing import Any

from standins.octopus.api.access import in_reach, require_for
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import Selection, select, selection_of
from standins.octopus.api.rendering import page, render, resource
from standins.octopus.behaviour import events, releases, runbook_runs, snapshots
from standins.octopus.behaviour.documents import folded, is_true, listed, text_of
from standins.octopus.behaviour.plan import process_packages
from standins.octopus.behaviour.routes_releases import find_project, selected
from standins.octopus.contract import Call, Document, Reply, Route

SINCE = "2019.11"


def reach(call: Call, name: str, wanted: str) -> Document:
    target = resource(call, name)
    return in_reach(call, target, call.transaction.load(target.kind, wanted), wanted)


def listed_page(call: Call, name: str, selection: Selection) -> Reply:
    found, total = select(call, resource(call, name), selection)
    return Reply(page(call, name, [render(call, name, entry) for entry in found], total))


def list_snapshots(call: Call) -> Reply:
    return listed_page(call, "RunbookSnapshot", selection_of(call, resource(call, "RunbookSnapshot")))


def snapshots_of_runbook(call: Call) -> Reply:
    runbook = reach(call, "Runbook", call.path["id"])
    selection = selection_of(call, resource(call, "RunbookSnapshot"))
    selection.where["RunbookId"] = runbook["Id"]
    if call.query.get("searchbyname"):
        selection.contains["Name"] = call.query["searchbyname"]
    return listed_page(call, "RunbookSnapshot", selection)


def snapshots_of_project(call: Call) -> Reply:
    project = find_project(call, call.path["id"])
    selection = selection_of(call, resource(call, "RunbookSnapshot"))
    selection.where["ProjectId"] = project["Id"]
    if call.query.get("searchbyname"):
        selection.contains["Name"] = call.query["searchbyname"]
    return listed_page(call, "RunbookSnapshot", selection)


def snapshot_by_name(call: Call) -> Reply:
    project = find_project(call, call.path["id"])
    wanted = call.path["name"]
    found = call.transaction.query("RunbookSnapshot", where={"ProjectId": project["Id"], "Name": wanted}, take=1)
    document = found[0] if found else call.transaction.load("RunbookSnapshot", wanted)
    return Reply(render(call, "RunbookSnapshot", in_reach(call, resource(call, "RunbookSnapshot"), document, wanted)))


def get_snapshot(call: Call) -> Reply:
    return Reply(render(call, "RunbookSnapshot", reach(call, "RunbookSnapshot", call.path["id"])))


def create_snapshot(call: Call) -> Reply:
    body = folded(call.body)
    runbook = reach(call, "Runbook", text_of(body.get("runbookid")))
    require_for(call, resource(call, "Runbook"), "RunbookEdit", runbook)
    project = find_project(call, runbook["ProjectId"])
    snapshot = make_snapshot(
        call,
        project,
        runbook,
        name=text_of(body.get("name")).strip() or next_name(call, runbook),
        notes=body.get("notes"),
        packages=[selected(entry) for entry in listed(body, "selectedpackages")],
    )
    if is_true(call.query.get("publish")):
        _publish(call, runbook, snapshot)
    return Reply(render(call, "RunbookSnapshot", snapshot), 201)


def make_snapshot(
    call: Call, project: Document, runbook: Document, *, name: str, notes: str | None, packages: list[Document]
) -> Document:
    process = runbook_runs.process_of(call.transaction, runbook)
    chosen = {(entry["ActionName"], entry["PackageReferenceName"]) for entry in packages if entry["Version"]}
    missing = [use for use in process_packages(process) if (use.action["Name"], use.reference) not in chosen]
    if missing:
        raise invalid(*(f"No package version was specified for the step '{use.action['Name']}'." for use in missing))
    snapshot = runbook_runs.create_snapshot(
        call.server, call.transaction, project, runbook, name=name, notes=notes, packages=packages
    )
    events.record(
        call.server,
        call.transaction,
        "Created",
        f"Runbook snapshot {name} of {runbook['Name']} was created",
        references={name: snapshot["Id"], runbook["Name"]: runbook["Id"]},
        source=events.Source.of(call),
        space=project.get("SpaceId"),
        project=project["Id"],
    )
    return snapshot


def _publish(call: Call, runbook: Document, snapshot: Document) -> None:
    runbook_runs.publish(call.transaction, runbook, snapshot)
    events.record(
        call.server,
        call.transaction,
        "RunbookSnapshotPublished",
        f"Runbook snapshot {snapshot['Name']} of {runbook['Name']} was published",
        references={snapshot["Name"]: snapshot["Id"], runbook["Name"]: runbook["Id"]},
        source=events.Source.of(call),
        space=snapshot.get("SpaceId"),
        project=snapshot["ProjectId"],
    )


def update_snapshot(call: Call) -> Reply:
    snapshot = reach(call, "RunbookSnapshot", call.path["id"])
    require_for(call, resource(call, "RunbookSnapshot"), "RunbookEdit", snapshot)
    before = dict(snapshot)
    body = folded(call.body)
    snapshot["Name"] = text_of(body.get("name")) or snapshot["Name"]
    snapshot["Notes"] = body.get("notes")
    snapshot["SelectedPackages"] = [selected(entry) for entry in listed(body, "selectedpackages")]
    call.transaction.update("RunbookSnapshot", snapshot)
    events.modified(call, "RunbookSnapshot", snapshot, before)
    return Reply(render(call, "RunbookSnapshot", snapshot))


def delete_snapshot(call: Call) -> Reply:
    snapshot = reach(call, "RunbookSnapshot", call.path["id"])
    require_for(call, resource(call, "RunbookSnapshot"), "RunbookEdit", snapshot)
    runbook = call.transaction.load("Runbook", snapshot["RunbookId"])
    if runbook is not None and runbook.get("PublishedRunbookSnapshotId") == snapshot["Id"]:
        raise invalid("A published snapshot cannot be deleted.")
    for run in call.transaction.query("RunbookRun", where={"RunbookSnapshotId": snapshot["Id"]}):
        releases.delete_run(call.server, call.transaction, "RunbookRun", run)
    call.transaction.delete("RunbookSnapshot", snapshot["Id"])
    events.deleted(call, "RunbookSnapshot", snapshot)
    return Reply({})


def snapshot_variables(call: Call) -> Reply:
    snapshot = reach(call, "RunbookSnapshot", call.path["id"])
    require_for(call, resource(call, "RunbookSnapshot"), "RunbookEdit", snapshot)
    project = find_project(call, snapshot["ProjectId"])
    snapshot["ProjectVariableSetSnapshotId"] = snapshots.freeze_project_variables(call.transaction, project)
    snapshot["FrozenProjectVariableSetId"] = snapshot["ProjectVariableSetSnapshotId"]
    snapshot["LibraryVariableSetSnapshotIds"] = snapshots.freeze_library_variables(call.transaction, project)
    call.transaction.update("RunbookSnapshot", snapshot)
    return Reply(render(call, "RunbookSnapshot", snapshot))


def next_name(call: Call, runbook: Document) -> str:
    """``Snapshot`` and a code, as the portal suggests; here the code is the number of the snapshot."""
    count = call.transaction.count("RunbookSnapshot", where={"RunbookId": runbook["Id"]})
    return f"Snapshot {count + 1}"


def snapshot_template(call: Call) -> Reply:
    wanted = call.path["id"]
    if "runbookprocesses/" in call.url.lower():
        process = call.transaction.load("RunbookProcess", wanted)
        if process is None:
            raise not_found(wanted)
        runbook = reach(call, "Runbook", process["OwnerId"])
    else:
        runbook = reach(call, "Runbook", wanted)
        process = runbook_runs.process_of(call.transaction, runbook)
    project = find_project(call, runbook["ProjectId"])
    template = releases.template(call.transaction, project, process, None)
    shown: dict[str, Any] = {
        "Id": None,
        "NextNameIncrement": next_name(call, runbook),
        "RunbookProcessId": process["Id"],
        "Packages": template["Packages"],
        "Links": {"Self": call.url.partition("?")[0]},
    }
    if not call.server.at_least("2022.1"):
        shown["RunbookId"] = runbook["Id"]
    return Reply(shown)


def _row(method: str, path: str, handler: Any, permission: str) -> Route:
    return Route(method, path, handler, permission=permission, since=SINCE)


ROUTES = (
    _row("GET", "runbookSnapshots", list_snapshots, "RunbookView"),
    _row("POST", "runbookSnapshots", create_snapshot, "RunbookEdit"),
    _row("GET", "runbookSnapshots/{id}", get_snapshot, "RunbookView"),
    _row("PUT", "runbookSnapshots/{id}", update_snapshot, "RunbookEdit"),
    _row("DELETE", "runbookSnapshots/{id}", delete_snapshot, "RunbookEdit"),
    _row("POST", "runbookSnapshots/{id}/snapshot-variables", snapshot_variables, "RunbookEdit"),
    _row("GET", "runbooks/{id}/runbookSnapshots", snapshots_of_runbook, "RunbookView"),
    _row("GET", "runbooks/{id}/runbookSnapshotTemplate", snapshot_template, "RunbookView"),
    _row("GET", "runbookProcesses/{id}/runbookSnapshotTemplate", snapshot_template, "RunbookView"),
    _row("GET", "projects/{id}/runbookSnapshots", snapshots_of_project, "RunbookView"),
    _row("GET", "projects/{id}/runbookSnapshots/{name}", snapshot_by_name, "RunbookView"),
)
