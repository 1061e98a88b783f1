"""Routes of deployment freezes: keeping them, and deploying in spite of one.

Sources: OctopusClients (Model/DeploymentFreezes), go-octopusdeploy (pkg/deploymentfreezes), Octopus docs ("Deployment
freezes", "Project deployment freezes").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standins.octopus.api.access import named
from standins.octopus.api.crud import accept, body_of
from standins.octopus.api.errors import forbidden, invalid, not_found
from standins.octopus.api.queries import split_list
from standins.octopus.api.rendering import resource, skip_and_take
from standins.octopus.behaviour import deployments, events, freezes, routes_deployments
from standins.octopus.behaviour.documents import folded, listed, mapped, text_of, texts
from standins.octopus.contract import Call, Document, Reply, Route

_KIND = "DeploymentFreeze"
_PERMISSION = "DeploymentFreezeAdminister"


def show(call: Call, freeze: Document) -> Document:
    shown = resource(call, _KIND).render(freeze)
    del shown["Links"]  # the models of clients have none
    return shown


def _find(call: Call) -> Document:
    wanted = call.path["id"]
    found = call.transaction.load(_KIND, wanted)
    if found is None:
        raise not_found(wanted)
    return found


def list_freezes(call: Call) -> Reply:
    """``{DeploymentFreezes, Count}``; those that are over are among them unless ``includeComplete`` is false."""
    found = call.transaction.query(_KIND, order_by="Name")
    now = call.server.now()
    states = {freeze["Id"]: freezes.status(freeze, now) for freeze in found}
    wanted = call.query.get("status", "").lower()
    part = call.query.get("partialname", "").lower()
    if wanted:
        found = [freeze for freeze in found if states[freeze["Id"]].lower() == wanted]
    if call.query.get("includecomplete", "").lower() == "false":
        found = [freeze for freeze in found if states[freeze["Id"]] != freezes.EXPIRED]
    found = [freeze for freeze in found if part in freeze["Name"].lower()]
    for name, values_of in (
        ("ids", _id_of),
        ("projectids", freezes.projects_of),
        ("environmentids", freezes.environments_of),
        ("tenantids", freezes.tenants_of),
    ):
        any_of = {value.lower() for value in split_list(call.query.get(name))}
        if any_of:
            found = [freeze for freeze in found if any_of & {value.lower() for value in values_of(freeze)}]
    skip, take = skip_and_take(call)
    shown = [show(call, freeze) for freeze in found[skip : skip + take]]
    return Reply({"DeploymentFreezes": shown, "Count": len(found)})


def _id_of(freeze: Mapping[str, Any]) -> set[str]:
    return {str(freeze["Id"])}


def get_freeze(call: Call) -> Reply:
    return Reply(show(call, _find(call)))


def create_freeze(call: Call) -> Reply:
    freeze = accept(call, resource(call, _KIND), body_of(call), None)
    freeze.pop("Id", None)
    _check(call, freeze)
    _require(call, freeze)
    stored = call.transaction.insert(_KIND, freeze)
    events.created(call, "Deployment freeze", stored)
    return Reply(show(call, stored), 201)


def update_freeze(call: Call) -> Reply:
    before = _find(call)
    _require(call, before)
    freeze = accept(call, resource(call, _KIND), body_of(call), before)
    _check(call, freeze)
    _require(call, freeze)
    call.transaction.update(_KIND, freeze)
    events.modified(call, "Deployment freeze", freeze, before)
    return Reply(show(call, freeze))


def delete_freeze(call: Call) -> Reply:
    freeze = _find(call)
    _require(call, freeze)
    call.transaction.delete(_KIND, freeze["Id"])
    events.deleted(call, "Deployment freeze", freeze)
    return Reply({})


def _check(call: Call, freeze: Document) -> None:
    problems = freezes.problems(freeze)
    for kind, ids in (
        ("Project", freezes.projects_of(freeze)),
        ("DeploymentEnvironment", freezes.environments_of(freeze)),
        ("Tenant", freezes.tenants_of(freeze)),
    ):
        known = {entry["Id"].lower() for entry in call.transaction.load_many(kind, sorted(ids))}
        problems += [f"{kind}: the resource '{wanted}' was not found." for wanted in ids if wanted.lower() not in known]
    if problems:
        raise invalid(*problems)


def _require(call: Call, freeze: Document) -> None:
    """The permission to administer freezes (to edit the project, for a project's own), for all that it is scoped to."""
    rights = call.rights
    if rights is None:
        return
    owner = text_of(freeze.get("OwnerId"))
    permission = "ProjectEdit" if owner.startswith("Projects-") else _PERMISSION
    projects = sorted(freezes.projects_of(freeze) | ({owner} if permission == "ProjectEdit" else set()))
    spaces = {entry["Id"]: entry.get("SpaceId") for entry in call.transaction.load_many("Project", projects)}
    if rights.allows(permission) and not projects:
        return
    scope = mapped(freeze, "ProjectEnvironmentScope")
    tenant_scope: list[dict[str, Any]] = listed(freeze, "TenantProjectEnvironmentScope")
    for project in projects:
        places = {(environment, None) for environment in texts(scope, project)} | {
            (text_of(entry.get("EnvironmentId")), text_of(entry.get("TenantId")))
            for entry in tenant_scope
            if entry.get("ProjectId") == project
        }
        for environment, tenant in places or {(None, None)}:
            rights.require(
                permission,
                space=spaces.get(project),
                projects=[project],
                environments=[environment] if environment else None,
                tenants=[tenant] if tenant else None,
            )
    if not projects:
        raise forbidden(permission)


# -- deploying all the same ------------------------------------------------------------------------------------------


def override(call: Call, chosen: list[Document], reason: str) -> Document:
    """What a deployment carries that may ignore these freezes; the caller may administer each of them."""
    if not reason.strip():
        raise invalid("Please provide a reason for overriding the deployment freeze.")
    for freeze in chosen:
        _require(call, freeze)
    return freezes.as_override(chosen, reason, call.server.now())


def by_names(call: Call, names: list[str]) -> list[Document]:
    found = {freeze["Name"].lower(): freeze for freeze in call.transaction.query(_KIND)}
    unknown = [name for name in names if name.lower() not in found]
    if unknown:
        raise invalid(*(f"There is no deployment freeze '{name}'." for name in unknown))
    return [found[name.lower()] for name in names]


def deploy_despite(call: Call) -> Reply:
    body = folded(call.body)
    chosen = [named(call, _KIND, wanted) for wanted in texts(body, "freezeids")]
    if not chosen:
        raise invalid("Please name the deployment freezes to override.")
    order = routes_deployments.order_of(call, folded(body.get("createdeploymentcommand")))
    allowed = deployments.despite(order, override(call, chosen, text_of(body.get("reason"))))
    deployment = routes_deployments.place_order(call, allowed)
    return Reply({"Deployment": routes_deployments.show(call, deployment)}, 201)


_ONE = "deploymentfreezes/{id}"
ROUTES = (
    Route("GET", "deploymentfreezes", list_freezes, "system", since=freezes.SINCE),
    Route("POST", "deploymentfreezes", create_freeze, "system", since=freezes.SINCE),
    Route("GET", _ONE, get_freeze, "system", since=freezes.SINCE),
    Route("PUT", _ONE, update_freeze, "system", since=freezes.SINCE),
    Route("DELETE", _ONE, delete_freeze, "system", since=freezes.SINCE),
    Route("POST", "deployments/override", deploy_despite, "space", "DeploymentCreate", freezes.SINCE, statuses=(201,)),
)
