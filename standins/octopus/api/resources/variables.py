"""Variable sets: values, secrets, scope choices, optimistic concurrency; names and preview."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from standins.octopus.api import hooks
from standins.octopus.api.calls import api_call
from standins.octopus.api.crud import accept, body_of, find_item, present, present_one
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import select, selection_of
from standins.octopus.api.rendering import render, resource, slice_page
from standins.octopus.behaviour import events
from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.behaviour.variables import Scope, evaluate, values_of
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

# The 400s of the 2020.5 swagger.
_STALE = (
    "Changes to these variables could not be saved, because another user has made changes to the variables between "
    "when you started editing and when you saved your changes. Please reload or open a new tab to make your changes."
)
_FROZEN = (
    "You cannot modify this variable set because the set is frozen. You'll need to create a new variable set instead."
)


def _projects_of(variables: Document) -> list[str] | None:
    """The project a set belongs to; sets of library variable sets belong to none."""
    owner = str(variables.get("OwnerId") or "")
    return [owner] if owner.lower().startswith("projects-") else None


def _check(call: Call, permission: str, variables: Document) -> None:
    if call.rights is not None:
        call.rights.require(permission, space=variables.get("SpaceId"), projects=_projects_of(variables))


def load_set(call: Call, document_id: str) -> Document:
    variables = call.transaction.load("VariableSet", document_id)
    if variables is None or (call.space is not None and variables.get("SpaceId", call.space) != call.space):
        raise not_found(document_id)
    return variables


def get_set(call: Call) -> Reply:
    variables = load_set(call, call.path["id"])
    _check(call, "VariableView", variables)
    return Reply(show_set(call, variables))


def show_set(call: Call, variables: Document) -> Document:
    shown = present_one(call, "VariableSet", variables)
    shown["ScopeValues"] = scope_values(call, variables)
    return shown


def list_page(call: Call) -> Reply:
    """The root link's ``variables{?ids}``."""
    return Reply(slice_page(call, "VariableSet", _visible_sets(call)))


def list_all(call: Call) -> Reply:
    return Reply(_visible_sets(call))


def _visible_sets(call: Call) -> list[Document]:
    wanted = resource(call, "VariableSet")
    selection = selection_of(call, wanted)
    # Named ids may be snapshots; the plain list is of the living sets.
    if "Id" not in selection.where:
        selection.where["IsFrozen"] = False
    documents, _ = select(call, wanted, selection, paged=False)
    allowed = [
        document
        for document in documents
        if call.rights is None
        or call.rights.allows("VariableView", space=document.get("SpaceId"), projects=_projects_of(document))
    ]
    return present(call, "VariableSet", allowed)


def put_set(call: Call) -> Reply:
    return save_set(call, load_set(call, call.path["id"]))


def save_set(call: Call, existing: Document) -> Reply:
    """PUT of a set: the version sent must be the stored one, which then goes up by one."""
    _check(call, "VariableEdit", existing)
    body = body_of(call)
    if existing.get("IsFrozen"):
        raise ApiError(400, _FROZEN)
    sent_version = next((value for name, value in body.items() if name.lower() == "version"), None)
    if str(sent_version) != str(existing["Version"]):
        raise ApiError(400, _STALE)
    document = accept(call, resource(call, "VariableSet"), body, existing)
    document["Variables"] = _complete(call, listed(document, "Variables"), listed(existing, "Variables"))
    document["Version"] = int(existing["Version"]) + 1
    document["RelatedDocumentIds"] = sorted(
        {
            document_id
            for variable in document["Variables"]
            for dimension, ids in mapped(variable, "Scope").items()
            if dimension in ("Environment", "Machine", "Channel", "Tenant")
            for document_id in ids
        }
    )
    if not call.transaction.claim("VariableSet", existing["Id"], int(existing["Version"])):
        raise ApiError(400, _STALE)
    call.transaction.update("VariableSet", document)
    events.modified(call, "VariableSet", document, existing)
    return Reply(show_set(call, document))


def _complete(call: Call, sent: Iterable[Document], stored: Iterable[Document]) -> list[Document]:
    before = {variable["Id"]: variable for variable in stored if variable.get("Id")}
    seen: set[str] = set()
    complete: list[Document] = []
    for variable in sent:
        if not str(variable.get("Name") or "").strip():
            raise invalid("Please provide a name for each variable.")
        variable["Id"] = variable.get("Id") or str(uuid.uuid4())
        if variable["Id"] in seen:
            raise ApiError(400, "Variable ids must be unique.")
        seen.add(variable["Id"])
        scope = variable["Scope"] = {
            dimension: list(ids) for dimension, ids in mapped(variable, "Scope").items() if ids
        }
        if variable.get("Prompt") and set(scope) - {"Environment"}:
            raise ApiError(400, "Prompted variables cannot be scoped to anything except an environment.")
        _seal(call, variable, before.get(variable["Id"]))
        complete.append(variable)
    return complete


def _seal(call: Call, variable: Document, before: Document | None) -> None:
    """A secret that is sent as null keeps its stored value; a new one is encrypted with the master key."""
    secret = variable.get("Type") == "Sensitive" or variable.get("IsSensitive")
    was_secret = before is not None and before.get("Type") == "Sensitive"
    if not secret:
        if was_secret and variable.get("Value") is None:
            raise invalid(
                f"Please enter a value for {variable['Name']}: a sensitive value cannot be turned into plain text."
            )
        variable["IsSensitive"] = False
        return
    variable["Type"], variable["IsSensitive"] = "Sensitive", True
    value = variable.get("Value")
    if value is None:
        variable["Value"] = before.get("Value") if before is not None and was_secret else None
    else:
        variable["Value"] = call.server.master_key.encrypt(value)


def _hide_secrets(_call: Call, shown: list[Document], _stored: list[Document]) -> None:
    for variables in shown:
        for variable in listed(variables, "Variables"):
            if variable.get("Type") == "Sensitive" or variable.get("IsSensitive"):
                variable["Value"], variable["IsSensitive"] = None, True


hooks.register("VariableSet", show=_hide_secrets)


def _references(documents: Iterable[Document]) -> list[Document]:
    return [{"Id": document["Id"], "Name": document["Name"]} for document in documents]


def _values_of_space(call: Call, space: str | None) -> Document:
    """The choices that all sets of a space share."""
    transaction = call.transaction
    machines = transaction.query("Machine", space=space, order_by="Name")
    roles = sorted({role for machine in machines for role in listed(machine, "Roles")}, key=str.lower)
    tagsets = transaction.query("TagSet", space=space, order_by="SortOrder, Name")
    tags = [tag for tagset in tagsets for tag in listed(tagset, "Tags")]
    return {
        "Environments": _references(
            transaction.query("DeploymentEnvironment", space=space, order_by="SortOrder, Name")
        ),
        "Machines": _references(machines),
        "Actions": [],
        "Roles": [{"Id": role, "Name": role} for role in roles],
        "Channels": [],
        "TenantTags": [{"Id": tag["CanonicalTagName"], "Name": tag["CanonicalTagName"]} for tag in tags],
    }


def scope_values(call: Call, variables: Document) -> Document:
    """What a value of this set may be scoped to."""
    transaction, space = call.transaction, variables.get("SpaceId")
    shared = api_call(call).gate.remembered(f"scope values {space}", lambda: _values_of_space(call, space))
    values = dict(shared)
    owners: list[Document] = []
    for project_id in _projects_of(variables) or ():
        values["Channels"] = _references(transaction.query("Channel", where={"ProjectId": project_id}, order_by="Name"))
        process = transaction.load("DeploymentProcess", f"deploymentprocess-{project_id}")
        steps = listed((process or {}), "Steps")
        values["Actions"] = [
            {"Id": action["Id"], "Name": action["Name"]} for step in steps for action in listed(step, "Actions")
        ]
        project = transaction.load("Project", project_id)
        owners = [{"ProcessType": "Deployment", "Id": project_id, "Name": project["Name"]}] if project else []
        if call.server.at_least("2019.11"):
            for runbook in transaction.query("Runbook", where={"ProjectId": project_id}, order_by="Name"):
                owners.append({"ProcessType": "Runbook", "Id": runbook["Id"], "Name": runbook["Name"]})
    if call.server.at_least("2019.11"):
        values["Processes"] = owners
    return values


def scope_values_of_owner(call: Call) -> Reply:
    """A route of 2017 that later servers no longer list."""
    return Reply(scope_values(call, load_set(call, f"variableset-{call.path['ownerId']}")))


def _sets_of_project(call: Call, project: Document) -> list[tuple[Document, bool]]:
    libraries = call.transaction.load_many("LibraryVariableSet", listed(project, "IncludedLibraryVariableSetIds"))
    ids = [library["VariableSetId"] for library in libraries]
    sets = {found["Id"]: found for found in call.transaction.load_many("VariableSet", [project["VariableSetId"], *ids])}
    return [
        (sets[document_id], document_id != project["VariableSetId"])
        for document_id in (project["VariableSetId"], *ids)
        if document_id in sets
    ]


def names(call: Call) -> Reply:
    """The names a project's steps can use: of its own set, the included ones and the variable templates."""
    document_id = call.query.get("project")
    if not document_id:
        found = call.transaction.query("VariableSet", where={"IsFrozen": False}, space=call.space)
        return Reply(sorted({variable["Name"] for variables in found for variable in listed(variables, "Variables")}))
    project = find_item(call, "Project", document_id)
    named = {
        variable["Name"]
        for variables, _ in _sets_of_project(call, project)
        for variable in listed(variables, "Variables")
    }
    libraries = call.transaction.load_many("LibraryVariableSet", listed(project, "IncludedLibraryVariableSetIds"))
    named |= {template["Name"] for owner in (project, *libraries) for template in listed(owner, "Templates")}
    return Reply(sorted(named))


def preview(call: Call) -> Reply:
    """The values that apply in a scope, as a variable set of their own."""
    query = call.query
    if not query.get("project"):
        raise ApiError(400, "No project was provided.")
    project = find_item(call, "Project", query["project"])
    tenant = call.transaction.load("Tenant", query["tenant"]) if query.get("tenant") else None
    machine = call.transaction.load("Machine", query["machine"]) if query.get("machine") else None
    scope = Scope(
        environment=query.get("environment"),
        channel=query.get("channel"),
        tenant=query.get("tenant"),
        tenant_tags=frozenset(listed((tenant or {}), "TenantTags")),
        action=query.get("action"),
        machine=query.get("machine"),
        machine_roles=frozenset((machine or {}).get("Roles") or ([query["role"]] if query.get("role") else [])),
        step_roles=frozenset([query["role"]] if query.get("role") else []),
        process_owner=query.get("runbook") or project["Id"],
    )
    values = [
        value
        for variables, library in _sets_of_project(call, project)
        for value in values_of(variables, library=library)
    ]
    stored: Document = {
        "Id": project["VariableSetId"],
        "OwnerId": project["Id"],
        "SpaceId": project.get("SpaceId"),
        "Version": 0,
        "Variables": [
            {
                "Id": value.id,
                "Name": value.name,
                "Value": None if value.sensitive else value.value,
                "Type": value.type,
                "IsSensitive": value.sensitive,
                "Scope": dict(value.scope),
            }
            for value in sorted(evaluate(values, scope).values(), key=lambda value: value.name.lower())
        ],
    }
    return Reply(render(call, "VariableSet", stored))


def project_variables(call: Call) -> Reply:
    project = find_item(call, "Project", call.path["id"])
    return Reply(show_set(call, load_set(call, project["VariableSetId"])))


def put_project_variables(call: Call) -> Reply:
    project = find_item(call, "Project", call.path["id"])
    return save_set(call, load_set(call, project["VariableSetId"]))


def non_printable(call: Call) -> Reply:
    """Variables whose names or values hold characters that cannot be seen."""
    found = call.transaction.query("VariableSet", where={"IsFrozen": False}, space=call.space)
    return Reply(
        [
            {"VariableSetId": variables["Id"], "VariableName": variable["Name"]}
            for variables in found
            for variable in listed(variables, "Variables")
            if variable.get("Type") != "Sensitive"
            and not f"{variable['Name']}{variable.get('Value') or ''}".replace("\n", "").replace("\t", "").isprintable()
        ]
    )


ROUTES = (
    Route("GET", "variables", list_page, "space", "VariableView", operation="indexVariableSets"),
    Route("GET", "variables/all", list_all, "space", "VariableView", operation="listAllVariableSets"),
    Route("GET", "variables/names", names, "space", "VariableView", operation="listVariableNames"),
    Route("GET", "variables/preview", preview, "space", "VariableView", "2019.1", operation="previewVariables"),
    Route("GET", "variables/nonPrintableChars", non_printable, "space", "VariableView", "", "2020.1"),
    Route("GET", "variables/scope-values/{ownerId}", scope_values_of_owner, "space", "VariableView", "", "2019.1"),
    Route("GET", "variables/{id}", get_set, "space", "VariableView", operation="getVariableSetById"),
    Route("PUT", "variables/{id}", put_set, "space", "VariableEdit", operation="updateVariableSet"),
    Route("GET", "projects/{id}/variables", project_variables, "space", "VariableView", "2022.3"),
    Route("PUT", "projects/{id}/variables", put_project_variables, "space", "VariableEdit", "2022.3"),
)
