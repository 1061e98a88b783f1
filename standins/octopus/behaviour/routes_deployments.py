"""Routes of deployments: creating and reading them, previews and the promotion template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from standins.octopus.api.access import in_reach, named, require_for
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import Selection, select, selection_of, split_list
from standins.octopus.api.rendering import page, render, resource
from standins.octopus.behaviour import (
    deployments,
    events,
    forms,
    inputs,
    progress,
    releases,
    routes_releases,
    snapshots,
)
from standins.octopus.behaviour.documents import folded, is_true, listed, mapped, text_of, texts
from standins.octopus.behaviour.lifecycles import Phase
from standins.octopus.behaviour.moments import asked_moment
from standins.octopus.behaviour.plan import Place, PlannedAction, plan
from standins.octopus.behaviour.variables import Scope
from standins.octopus.contract import Call, Document, Reply, Route

_RESOURCE = "Deployment"


def show(call: Call, deployment: Document) -> Document:
    return render(call, _RESOURCE, deployment)


def _selection(call: Call) -> Selection:
    selection = selection_of(call, resource(call, _RESOURCE))
    for name, column in (
        ("projects", "ProjectId"),
        ("environments", "EnvironmentId"),
        ("tenants", "TenantId"),
        ("channels", "ChannelId"),
    ):
        wanted = split_list(call.query.get(name))
        if wanted:
            selection.where[column] = wanted
    return selection


def _page(call: Call, selection: Selection) -> Reply:
    states = split_list(call.query.get("taskstate"))
    if states:
        rows = call.transaction.execute(
            "SELECT [Id] FROM dbo.[ServerTask] WHERE [Name] = N'Deploy' "
            f"AND [State] IN ({', '.join('?' for _ in states)})",
            *states,
        )
        in_state = {row[0] for row in rows}
        selection.tests.append(lambda deployment: deployment["TaskId"] in in_state)
    target = resource(call, _RESOURCE)
    found, total = select(call, target, selection)
    return Reply(page(call, _RESOURCE, [show(call, entry) for entry in found], total))


def list_deployments(call: Call) -> Reply:
    return _page(call, _selection(call))


def list_of_release(call: Call) -> Reply:
    release = routes_releases.find(call, call.path["id"])
    selection = _selection(call)
    selection.where["ReleaseId"] = release["Id"]
    return _page(call, selection)


def find(call: Call) -> Document:
    wanted = call.path["id"]
    return in_reach(call, resource(call, _RESOURCE), call.transaction.load("Deployment", wanted), wanted)


def get_deployment(call: Call) -> Reply:
    return Reply(show(call, find(call)))


def delete_deployment(call: Call) -> Reply:
    deployment = find(call)
    require_for(call, resource(call, _RESOURCE), "DeploymentDelete", deployment)
    task = call.transaction.load("ServerTask", deployment["TaskId"])
    if task is not None and task["State"] in {"Executing", "Cancelling"}:
        raise invalid("The deployment cannot be deleted while it is running.")
    releases.delete_run(call.server, call.transaction, "Deployment", deployment)
    events.deleted(call, "Deployment", deployment)
    return Reply({})


def create_deployment(call: Call) -> Reply:
    return Reply(show(call, place_order(call, order_of(call, folded(call.body)))), 201)


def order_of(call: Call, body: Document) -> deployments.Order:
    """What a request body asks for; its names are folded."""
    release = named(call, "Release", text_of(body.get("releaseid")))
    environment = named(call, "DeploymentEnvironment", text_of(body.get("environmentid")))
    tenant = named(call, "Tenant", text_of(body.get("tenantid"))) if body.get("tenantid") else None
    return deployments.Order(
        release,
        environment,
        tenant,
        skip_actions=texts(body, "skipactions"),
        specific_machines=texts(body, "specificmachineids"),
        excluded_machines=texts(body, "excludedmachineids"),
        form_values=mapped(body, "formvalues"),
        comments=text_of(body.get("comments")),
        guided_failure=body.get("useguidedfailure"),
        force_download=is_true(body.get("forcepackagedownload")),
        force_redeployment=is_true(body.get("forcepackageredeployment")),
        queue_time=asked_moment(body.get("queuetime"), "QueueTime"),
        expiry=asked_moment(body.get("queuetimeexpiry"), "QueueTimeExpiry"),
    )


def place_order(call: Call, order: deployments.Order) -> Document:
    """Check rights and prompts, then queue; every route that deploys comes through here."""
    project_id, tenant = order.release["ProjectId"], order.tenant
    if call.rights is not None:
        call.rights.require(
            "DeploymentCreate",
            space=order.release.get("SpaceId"),
            projects=[project_id],
            environments=[order.environment["Id"]],
            tenants=[tenant["Id"]] if tenant else None,
        )
    values = inputs.snapshot_values(call.transaction, order.release)
    unanswered = forms.missing(values, _scope(order.release, order.environment["Id"], tenant), order.form_values)
    if unanswered:
        raise invalid(*(f"Please provide a value for the prompted variable '{label}'." for label in unanswered))
    return deployments.create(call.server, call.transaction, order, events.Source.of(call))


def _scope(release: Document, environment: str, tenant: Document | None) -> Scope:
    return Scope(
        environment=environment,
        channel=release.get("ChannelId"),
        tenant=tenant["Id"] if tenant else None,
        tenant_tags=frozenset(texts(tenant, "TenantTags")) if tenant else frozenset(),
        process_owner=release["ProjectId"],
    )


# -- previews ----------------------------------------------------------------------------------------------------


def preview(call: Call) -> Reply:
    release = routes_releases.find(call, call.path["id"])
    tenant_id = call.path.get("tenant")
    return Reply(_preview(call, release, call.path["environment"], tenant_id))


def previews(call: Call) -> Reply:
    """Several at once: ``{DeploymentPreviews:[{EnvironmentId, TenantId}]}`` (go-octopusdeploy)."""
    release = routes_releases.find(call, call.path["id"])
    wanted = [folded(entry) for entry in listed(folded(call.body), "deploymentpreviews")]
    return Reply(
        [
            _preview(call, release, text_of(entry.get("environmentid")), text_of(entry.get("tenantid")) or None)
            for entry in wanted
        ]
    )


def _preview(call: Call, release: Document, environment_id: str, tenant_id: str | None) -> Document:
    environment = call.transaction.load("DeploymentEnvironment", environment_id)
    tenant = call.transaction.load("Tenant", tenant_id) if tenant_id else None
    if environment is None or (tenant_id and tenant is None):
        raise not_found(environment_id if environment is None else str(tenant_id))
    project = routes_releases.find_project(call, release["ProjectId"])
    process = call.transaction.load("DeploymentProcess", release["ProjectDeploymentProcessSnapshotId"])
    if process is None:
        raise not_found(release["ProjectDeploymentProcessSnapshotId"])
    place = Place(
        environment["Id"],
        release.get("ChannelId"),
        tenant["Id"] if tenant else None,
        frozenset(texts(tenant, "TenantTags")) if tenant else frozenset(),
    )
    machines = call.transaction.query("Machine", contains={"EnvironmentIds": environment["Id"]}, order_by="Name")
    values = inputs.snapshot_values(call.transaction, release)
    shown: Document = {
        "Id": None,
        "StepsToExecute": steps_to_execute(process, place, machines),
        "Form": forms.form_of(values, _scope(release, environment["Id"], tenant)),
        "UseGuidedFailureModeByDefault": inputs.guided_failure_mode(project, environment, None),
        "Links": {"Self": call.url.partition("?")[0]},
    }
    change: Document = {
        "Version": release["Version"],
        "ReleaseNotes": release.get("ReleaseNotes"),
        "BuildInformation": [],
    }
    if call.server.at_least("2020.1"):
        shown["Changes"] = [change]
        shown["ChangesMarkdown"] = release.get("ReleaseNotes") or ""
    else:
        shown["ReleaseNotes"] = [{"Version": release["Version"], "Notes": release.get("ReleaseNotes")}]
    return shown


def steps_to_execute(process: Document, place: Place, machines: Sequence[Document]) -> list[Document]:
    return [_template_step(action) for step in plan(process, place, machines) for action in step.actions]


def _template_step(action: PlannedAction) -> Document:
    disabled = [_reference(machine) for machine in action.excluded if machine.get("IsDisabled")]
    return {
        "ActionId": action.id,
        "ActionName": action.name,
        "ActionNumber": action.number,
        "Roles": list(action.roles),
        "MachineNames": [machine["Name"] for machine in action.machines],
        "Machines": [
            {
                "Id": machine["Id"],
                "Name": machine["Name"],
                "HasLatestCalamari": bool(machine.get("HasLatestCalamari")),
                # The preview's own enumeration has no "Unknown" (2020.5 swagger).
                "HealthStatus": health if (health := machine.get("HealthStatus")) != "Unknown" else None,
            }
            for machine in action.machines
        ],
        "CanBeSkipped": not action.required,
        "IsDisabled": False,
        "HasNoApplicableMachines": action.lacks_machines,
        "UnavailableMachines": disabled,
        "ExcludedMachines": [_reference(machine) for machine in action.excluded if not machine.get("IsDisabled")],
    }


def _reference(machine: Mapping[str, Any]) -> Document:
    return {"Id": machine["Id"], "Name": machine["Name"]}


def deployment_template(call: Call) -> Reply:
    """Where a release can go now: environments, and tenants with theirs."""
    release = routes_releases.find(call, call.path["id"])
    project = routes_releases.find_project(call, release["ProjectId"])
    environments = {entry["Id"]: entry for entry in progress.environments(call.transaction, release.get("SpaceId"))}
    reach = routes_releases.reach_of(call, release)
    allowed = [entry for entry in reach.deployable if _may_deploy(call, release, entry)]
    base = (
        f"/api{'/' + release['SpaceId'] if release.get('SpaceId') else ''}/releases/{release['Id']}/deployments/preview"
    )
    mode = text_of(project.get("TenantedDeploymentMode")) or "Untenanted"
    return Reply(
        {
            "Id": None,
            "IsDeploymentProcessModified": _process_modified(call, project, release),
            "IsVariableSetModified": _variables_modified(
                call, project["VariableSetId"], release["ProjectVariableSetSnapshotId"]
            ),
            "IsLibraryVariableSetModified": _libraries_modified(call, project, release),
            "DeploymentNotes": release.get("ReleaseNotes"),
            "PromoteTo": [_target(environments[entry], f"{base}/{entry}") for entry in allowed]
            if mode != "Tenanted"
            else [],
            "TenantPromotions": _tenant_promotions(call, project, reach.phases, environments, base)
            if mode != "Untenanted"
            else [],
            "Links": {"Self": call.url.partition("?")[0]},
        }
    )


def _may_deploy(call: Call, release: Document, environment: str) -> bool:
    return call.rights is None or call.rights.allows(
        "DeploymentCreate", space=release.get("SpaceId"), projects=[release["ProjectId"]], environments=[environment]
    )


def _target(environment: Document, link: str) -> Document:
    return {"Id": environment["Id"], "Name": environment["Name"], "Links": {"Preview": link}}


def _tenant_promotions(
    call: Call, project: Document, phases: Sequence[Phase], environments: Mapping[str, Document], base: str
) -> list[Document]:
    order = [environment for phase in phases for environment in phase.environments]
    connected = call.transaction.query("Tenant", contains={"ProjectIds": project["Id"]}, order_by="Name")
    found: list[Document] = []
    for tenant in connected:
        own = texts(mapped(tenant, "ProjectEnvironments"), project["Id"])
        targets = [environment for environment in order if environment in own]
        found.append(
            {
                "Id": tenant["Id"],
                "Name": tenant["Name"],
                "PromoteTo": [_target(environments[entry], f"{base}/{entry}/{tenant['Id']}") for entry in targets],
                "Links": {
                    "Self": f"/api{'/' + tenant['SpaceId'] if tenant.get('SpaceId') else ''}/tenants/{tenant['Id']}"
                },
            }
        )
    return found


def _process_modified(call: Call, project: Document, release: Document) -> bool:
    current = call.transaction.load("DeploymentProcess", project["DeploymentProcessId"])
    frozen = call.transaction.load("DeploymentProcess", release["ProjectDeploymentProcessSnapshotId"])
    return current is None or frozen is None or snapshots.differs(current, frozen)


def _variables_modified(call: Call, current_id: str, frozen_id: str | None) -> bool:
    current = call.transaction.load("VariableSet", current_id)
    frozen = call.transaction.load("VariableSet", frozen_id) if frozen_id else None
    return current is None or frozen is None or snapshots.differs(current, frozen)


def _libraries_modified(call: Call, project: Document, release: Document) -> bool:
    sets = call.transaction.load_many("LibraryVariableSet", texts(project, "IncludedLibraryVariableSetIds"))
    frozen = {
        entry["OwnerId"]: entry["Id"]
        for entry in call.transaction.load_many("VariableSet", texts(release, "LibraryVariableSetSnapshotIds"))
    }
    return any(_variables_modified(call, entry["VariableSetId"], frozen.get(entry["Id"])) for entry in sets)


ROUTES = (
    Route("GET", "deployments", list_deployments, permission="DeploymentView", operation="indexDeployments"),
    Route("POST", "deployments", create_deployment, permission="DeploymentCreate", operation="createDeployment"),
    Route("GET", "deployments/{id}", get_deployment, permission="DeploymentView", operation="getDeploymentById"),
    Route("DELETE", "deployments/{id}", delete_deployment, permission="DeploymentDelete"),
    Route("GET", "releases/{id}/deployments", list_of_release, permission="DeploymentView"),
    Route("GET", "releases/{id}/deployments/template", deployment_template, permission="ReleaseView"),
    Route("GET", "releases/{id}/deployments/preview/{environment}", preview, permission="ReleaseView"),
    Route("GET", "releases/{id}/deployments/preview/{environment}/{tenant}", preview, permission="ReleaseView"),
    Route("POST", "releases/{id}/deployments/previews", previews, permission="ReleaseView", since="2020.1"),
)
