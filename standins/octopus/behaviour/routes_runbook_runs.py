"""Routes of runbook runs: queueing and reading them, previews, where a runbook can be run (2019.11 and later)."""

from __future__ import annotations

from typing import Any

from standins.octopus.api.access import named, require_for
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import Selection, selection_of, split_list
from standins.octopus.api.rendering import render, resource
from standins.octopus.behaviour import events, forms, inputs, lifecycles, progress, releases, runbook_runs, snapshots
from standins.octopus.behaviour.documents import folded, is_true, mapped, text_of, texts
from standins.octopus.behaviour.moments import asked_moment
from standins.octopus.behaviour.plan import Place
from standins.octopus.behaviour.routes_deployments import steps_to_execute
from standins.octopus.behaviour.routes_releases import find_project
from standins.octopus.behaviour.routes_runbook_snapshots import SINCE, listed_page, reach
from standins.octopus.behaviour.runbook_runs import RunOrder
from standins.octopus.behaviour.variables import Scope
from standins.octopus.contract import Call, Document, Reply, Route


def _run_selection(call: Call) -> Selection:
    selection = selection_of(call, resource(call, "RunbookRun"))
    for name, column in (
        ("projects", "ProjectId"),
        ("environments", "EnvironmentId"),
        ("tenants", "TenantId"),
        ("runbooks", "RunbookId"),
    ):
        wanted = split_list(call.query.get(name))
        if wanted:
            selection.where[column] = wanted
    return selection


def list_runs(call: Call) -> Reply:
    return listed_page(call, "RunbookRun", _run_selection(call))


def runs_of_snapshot(call: Call) -> Reply:
    snapshot = reach(call, "RunbookSnapshot", call.path["id"])
    selection = _run_selection(call)
    selection.where["RunbookSnapshotId"] = snapshot["Id"]
    return listed_page(call, "RunbookRun", selection)


def get_run(call: Call) -> Reply:
    return Reply(render(call, "RunbookRun", reach(call, "RunbookRun", call.path["id"])))


def delete_run(call: Call) -> Reply:
    run = reach(call, "RunbookRun", call.path["id"])
    require_for(call, resource(call, "RunbookRun"), "RunbookRunDelete", run)
    releases.delete_run(call.server, call.transaction, "RunbookRun", run)
    events.deleted(call, "RunbookRun", run)
    return Reply({})


def place_order(call: Call, order: RunOrder) -> Document:
    """Check rights and prompts, then queue."""
    if call.rights is not None:
        call.rights.require(
            "RunbookRunCreate",
            space=order.runbook.get("SpaceId"),
            projects=[order.runbook["ProjectId"]],
            environments=[order.environment["Id"]],
            tenants=[order.tenant["Id"]] if order.tenant else None,
        )
    values = inputs.snapshot_values(call.transaction, order.snapshot)
    unanswered = forms.missing(values, _scope(order.runbook, order.environment["Id"], order.tenant), order.form_values)
    if unanswered:
        raise invalid(*(f"Please provide a value for the prompted variable '{label}'." for label in unanswered))
    return runbook_runs.create(call.server, call.transaction, order, events.Source.of(call))


def _scope(runbook: Document, environment: str, tenant: Document | None) -> Scope:
    return Scope(
        environment=environment,
        tenant=tenant["Id"] if tenant else None,
        tenant_tags=frozenset(texts(tenant, "TenantTags")) if tenant else frozenset(),
        process_owner=runbook["Id"],
    )


def _order(
    body: Document, runbook: Document, snapshot: Document, environment: Document, tenant: Document | None
) -> RunOrder:
    return RunOrder(
        runbook,
        snapshot,
        environment,
        tenant,
        skip_actions=texts(body, "skipactions"),
        specific_machines=texts(body, "specificmachineids"),
        excluded_machines=texts(body, "excludedmachineids"),
        form_values=mapped(body, "formvalues"),
        comments=text_of(body.get("comments")),
        guided_failure=body.get("useguidedfailure"),
        force_download=is_true(body.get("forcepackagedownload")),
        queue_time=asked_moment(body.get("queuetime"), "QueueTime"),
        expiry=asked_moment(body.get("queuetimeexpiry"), "QueueTimeExpiry"),
    )


def create_run(call: Call) -> Reply:
    """A single run, as clients of 2019.11 make it."""
    body = folded(call.body)
    runbook = named(call, "Runbook", text_of(body.get("runbookid")))
    snapshot_id = text_of(body.get("runbooksnapshotid")) or text_of(runbook.get("PublishedRunbookSnapshotId"))
    snapshot = named(call, "RunbookSnapshot", snapshot_id)
    environment = named(call, "DeploymentEnvironment", text_of(body.get("environmentid")))
    tenant = named(call, "Tenant", text_of(body.get("tenantid"))) if body.get("tenantid") else None
    run = place_order(call, _order(body, runbook, snapshot, environment, tenant))
    return Reply(render(call, "RunbookRun", run), 201)


def run_runbook(call: Call) -> Reply:
    """``runbooks/{id}/run``: several environments and tenants.

    An array of runs since 2020.3.1, one before (C# client).
    """
    body = folded(call.body)
    runbook = reach(call, "Runbook", call.path["id"])
    snapshot = _chosen_snapshot(call, runbook, body)
    environments = texts(body, "environmentids") or [text_of(body.get("environmentid"))]
    tenants = _chosen_tenants(call, runbook, body)
    runs = [
        place_order(call, _order(body, runbook, snapshot, named(call, "DeploymentEnvironment", environment), tenant))
        for environment in environments
        for tenant in tenants or [None]
    ]
    shown = [render(call, "RunbookRun", run) for run in runs]
    return Reply(shown if call.server.at_least("2020.3.1") else shown[0], 201)


def _chosen_snapshot(call: Call, runbook: Document, body: Document) -> Document:
    wanted = text_of(body.get("runbooksnapshotnameorid")) or text_of(body.get("runbooksnapshotid"))
    if not wanted:
        published = text_of(runbook.get("PublishedRunbookSnapshotId"))
        if not published:
            raise invalid(f"The runbook {runbook['Name']} has no published snapshot.")
        return named(call, "RunbookSnapshot", published)
    found = call.transaction.query("RunbookSnapshot", where={"RunbookId": runbook["Id"], "Name": wanted}, take=1)
    return found[0] if found else named(call, "RunbookSnapshot", wanted)


def _chosen_tenants(call: Call, runbook: Document, body: Document) -> list[Document]:
    ids = texts(body, "tenantids") or [text_of(body.get("tenantid"))]
    tenants = [named(call, "Tenant", wanted) for wanted in ids if wanted]
    tags = set(texts(body, "tenanttagnames"))
    if tags:
        connected = call.transaction.query("Tenant", contains={"ProjectIds": runbook["ProjectId"]}, order_by="Name")
        tenants.extend(tenant for tenant in connected if not tags.isdisjoint(texts(tenant, "TenantTags")))
    return tenants


# -- previews and templates --------------------------------------------------------------------------------------


def preview_of_runbook(call: Call) -> Reply:
    runbook = reach(call, "Runbook", call.path["id"])
    project = find_project(call, runbook["ProjectId"])
    process = runbook_runs.process_of(call.transaction, runbook)
    current = call.transaction.load("VariableSet", project["VariableSetId"]) or {}
    return Reply(_preview(call, runbook, process, inputs.values_of(current)))


def preview_of_snapshot(call: Call) -> Reply:
    snapshot = reach(call, "RunbookSnapshot", call.path["id"])
    runbook = reach(call, "Runbook", snapshot["RunbookId"])
    process = call.transaction.load("RunbookProcess", snapshot["FrozenRunbookProcessId"])
    if process is None:
        raise not_found(snapshot["FrozenRunbookProcessId"])
    return Reply(_preview(call, runbook, process, inputs.snapshot_values(call.transaction, snapshot)))


def _preview(call: Call, runbook: Document, process: Document, values: list[inputs.Value]) -> Document:
    environment = call.transaction.load("DeploymentEnvironment", call.path["environment"])
    tenant_id = call.path.get("tenant")
    tenant = call.transaction.load("Tenant", tenant_id) if tenant_id else None
    if environment is None or (tenant_id and tenant is None):
        raise not_found(call.path["environment"] if environment is None else str(tenant_id))
    tags = frozenset(texts(tenant, "TenantTags")) if tenant else frozenset[str]()
    place = Place(environment["Id"], None, tenant["Id"] if tenant else None, tags)
    machines = call.transaction.query("Machine", contains={"EnvironmentIds": environment["Id"]}, order_by="Name")
    return {
        "Id": None,
        "StepsToExecute": steps_to_execute(process, place, machines),
        "Form": forms.form_of(values, _scope(runbook, environment["Id"], tenant)),
        "UseGuidedFailureModeByDefault": inputs.guided_failure_mode(runbook, environment, None),
        "Links": {"Self": call.url.partition("?")[0]},
    }


def run_template(call: Call) -> Reply:
    """Where a runbook can be run; of a snapshot, also whether anything changed since."""
    snapshot = None
    if "runbooksnapshots/" in call.url.lower():
        snapshot = reach(call, "RunbookSnapshot", call.path["id"])
        runbook = reach(call, "Runbook", snapshot["RunbookId"])
    else:
        runbook = reach(call, "Runbook", call.path["id"])
    base = f"/api/{runbook['SpaceId']}/runbooks/{runbook['Id']}/runbookRuns/preview"
    targets = [
        {"Id": entry["Id"], "Name": entry["Name"], "Links": {"RunbookRunPreview": f"{base}/{entry['Id']}"}}
        for entry in environments_of(call, runbook)
    ]
    mode = text_of(runbook.get("MultiTenancyMode")) or "Untenanted"
    return Reply(
        {
            "Id": None,
            "IsRunbookProcessModified": snapshot is not None and _modified(call, runbook, snapshot),
            "IsVariableSetModified": False,
            "IsLibraryVariableSetModified": False,
            "PromoteTo": targets if mode != "Tenanted" else [],
            "TenantPromotions": [],
            "Links": {"Self": call.url.partition("?")[0]},
        }
    )


def _modified(call: Call, runbook: Document, snapshot: Document) -> bool:
    process = runbook_runs.process_of(call.transaction, runbook)
    frozen = call.transaction.load("RunbookProcess", snapshot["FrozenRunbookProcessId"])
    return frozen is None or snapshots.differs(process, frozen)


def environments_of(call: Call, runbook: Document) -> list[Document]:
    everything = progress.environments(call.transaction, runbook.get("SpaceId"))
    scope = text_of(runbook.get("EnvironmentScope")) or "All"
    if scope == "Specified":
        return [entry for entry in everything if entry["Id"] in texts(runbook, "Environments")]
    if scope != "FromProjectLifecycles":
        return everything
    project = find_project(call, runbook["ProjectId"])
    channels = call.transaction.query("Channel", where={"ProjectId": project["Id"]})
    reachable = {
        environment
        for channel in [None, *channels]
        for phase in lifecycles.phases_of(progress.lifecycle_of(call.transaction, project, channel), everything)
        for environment in phase.environments
    }
    return [entry for entry in everything if entry["Id"] in reachable]


def runbook_environments(call: Call) -> Reply:
    runbook = reach(call, "Runbook", call.path["id"])
    return Reply([render(call, "Environment", entry) for entry in environments_of(call, runbook)])


def _row(method: str, path: str, handler: Any, permission: str, *statuses: int) -> Route:
    return Route(method, path, handler, permission=permission, since=SINCE, statuses=statuses)


ROUTES = (
    _row("GET", "runbookSnapshots/{id}/runbookRuns", runs_of_snapshot, "RunbookRunView"),
    _row("GET", "runbookSnapshots/{id}/runbookRuns/template", run_template, "RunbookView"),
    _row("GET", "runbookSnapshots/{id}/runbookRuns/preview/{environment}", preview_of_snapshot, "RunbookView"),
    _row("GET", "runbookSnapshots/{id}/runbookRuns/preview/{environment}/{tenant}", preview_of_snapshot, "RunbookView"),
    _row("GET", "runbookRuns", list_runs, "RunbookRunView"),
    _row("POST", "runbookRuns", create_run, "RunbookRunCreate"),
    _row("GET", "runbookRuns/{id}", get_run, "RunbookRunView"),
    _row("DELETE", "runbookRuns/{id}", delete_run, "RunbookRunDelete"),
    _row("POST", "runbooks/{id}/run", run_runbook, "RunbookRunCreate", 201),
    _row("GET", "runbooks/{id}/environments", runbook_environments, "RunbookView"),
    _row("GET", "runbooks/{id}/runbookRunTemplate", run_template, "RunbookView"),
    _row("GET", "runbooks/{id}/runbookRuns/preview/{environment}", preview_of_runbook, "RunbookView"),
    _row("GET", "runbooks/{id}/runbookRuns/preview/{environment}/{tenant}", preview_of_runbook, "RunbookView"),
)
