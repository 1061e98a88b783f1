"""The values tenants give to the variable templates of projects and library sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from standins.octopus.api.access import require_for
from standins.octopus.api.crud import body_of, find_item
from standins.octopus.api.errors import invalid
from standins.octopus.api.queries import select
from standins.octopus.api.rendering import render, resource
from standins.octopus.api.shapes import accept_secret, shown_property
from standins.octopus.behaviour.documents import folded, listed, mapped
from standins.octopus.contract import Call, Document, Reply, Route

#: Owner (project or library set), environment (none for library sets), template.
Place = tuple[str, str | None, str]


def _is_secret(template: Document) -> bool:
    return mapped(template, "DisplaySettings").get("Octopus.ControlType") == "Sensitive"


class Owners:
    """The projects of a tenant and the library sets those include, with their templates."""

    def __init__(self, call: Call, tenant: Document) -> None:
        environments: dict[str, list[str]] = mapped(tenant, "ProjectEnvironments")
        self.environments = environments
        self.projects = call.transaction.load_many("Project", environments)
        included = {
            document_id: None
            for project in self.projects
            for document_id in listed(project, "IncludedLibraryVariableSetIds")
        }
        self.libraries = [
            library
            for library in call.transaction.load_many("LibraryVariableSet", included)
            if library.get("Templates")
        ]

    def template(self, owner_id: str, template_id: str) -> Document | None:
        owners = (owner for owner in (*self.projects, *self.libraries) if owner["Id"] == owner_id)
        return next(
            (template for owner in owners for template in listed(owner, "Templates") if template["Id"] == template_id),
            None,
        )


def tenant_variables(call: Call, tenant: Document) -> Document:
    """The whole document: values by project and environment, and by library set."""
    owners = Owners(call, tenant)
    values: dict[Place, object] = {}
    for entry in call.transaction.query("TenantVariable", where={"TenantId": tenant["Id"]}):
        values[entry["OwnerId"], entry.get("EnvironmentId"), entry["VariableTemplateId"]] = shown_property(
            entry.get("Value"), call.server.version
        )

    def held(owner: Document, environment: str | None) -> Document:
        found = (
            (template["Id"], values.get((owner["Id"], environment, template["Id"])))
            for template in listed(owner, "Templates")
        )
        return {template: value for template, value in found if value is not None}

    prefix = f"/api/{tenant['SpaceId']}" if "SpaceId" in tenant else "/api"
    document: Document = {
        "TenantId": tenant["Id"],
        "TenantName": tenant["Name"],
        "ProjectVariables": {
            project["Id"]: {
                "ProjectId": project["Id"],
                "ProjectName": project["Name"],
                "Templates": templates_of(call, project),
                "Variables": {
                    environment: held(project, environment)
                    for environment in owners.environments.get(project["Id"], ())
                },
                "Links": {"Project": f"{prefix}/projects/{project['Id']}"},
            }
            for project in owners.projects
        },
        "LibraryVariables": {
            library["Id"]: {
                "LibraryVariableSetId": library["Id"],
                "LibraryVariableSetName": library["Name"],
                "Templates": templates_of(call, library),
                "Variables": held(library, None),
                "Links": {"LibraryVariableSet": f"{prefix}/libraryvariablesets/{library['Id']}"},
            }
            for library in owners.libraries
        },
        "Links": {"Self": f"{prefix}/tenants/{tenant['Id']}/variables"},
    }
    if "SpaceId" in tenant:
        document["SpaceId"] = tenant["SpaceId"]
    if call.server.at_least("2022.1"):
        document["ConcurrencyToken"] = None
    return document


def templates_of(call: Call, owner: Document) -> list[Document]:
    name = "Project" if owner["Id"].startswith("Projects-") else "LibraryVariableSet"
    return list(render(call, name, owner)["Templates"])


def get_variables(call: Call) -> Reply:
    return Reply(tenant_variables(call, find_item(call, "Tenant", call.path["id"])))


def put_variables(call: Call) -> Reply:
    """Replaces all values of the tenant; secrets that are not sent anew stay."""
    tenant = find_item(call, "Tenant", call.path["id"])
    require_for(call, resource(call, "Tenant"), "TenantEdit", tenant)
    body = {name.lower(): value for name, value in body_of(call).items()}
    wanted: dict[Place, object] = {}
    for owner_id, entry in mapped(body, "projectvariables").items():
        by_environment = _variables_of(owner_id, entry)
        for environment in by_environment:
            wanted.update(
                {
                    (owner_id, environment, template): value
                    for template, value in mapped(by_environment, environment).items()
                }
            )
    for owner_id, entry in mapped(body, "libraryvariables").items():
        wanted.update({(owner_id, None, template): value for template, value in _variables_of(owner_id, entry).items()})
    replace_values(call, tenant, stored_values(call, tenant), wanted)
    return Reply(tenant_variables(call, tenant))


def stored_values(call: Call, tenant: Document) -> dict[Place, Document]:
    return {
        (entry["OwnerId"], entry.get("EnvironmentId"), entry["VariableTemplateId"]): entry
        for entry in call.transaction.query("TenantVariable", where={"TenantId": tenant["Id"]})
    }


def replace_values(
    call: Call, tenant: Document, stored: Mapping[Place, Document], wanted: Mapping[Place, object]
) -> None:
    """Of what is ``stored``, only what is ``wanted`` stays."""
    owners = Owners(call, tenant)
    for key, value in wanted.items():
        template = owners.template(key[0], key[2])
        if template is None:
            raise invalid(f"The variable template '{key[2]}' was not found in {key[0]}.")
        if value is None:
            continue
        if _is_secret(template) or isinstance(value, dict):
            kept = stored.get(key, {}).get("Value")
            value = {"SensitiveValue": accept_secret(value, kept, call.server.master_key.encrypt)}  # noqa: PLW2901
        _store_value(call, tenant, key, value, stored.get(key))
    for key, entry in stored.items():
        if wanted.get(key) is None:
            call.transaction.delete("TenantVariable", entry["Id"])


def _variables_of(owner_id: str, entry: object) -> Document:
    found: object = folded(entry).get("variables") or {}
    if not isinstance(entry, dict) or not isinstance(found, dict):
        raise invalid(f"The variables of {owner_id} must be an object.")
    return cast("Document", found)


def _store_value(call: Call, tenant: Document, key: Place, value: object, stored: Document | None) -> None:
    owner_id, environment, template_id = key
    document: Document = {
        **(stored or {}),
        "TenantId": tenant["Id"],
        "OwnerId": owner_id,
        "EnvironmentId": environment,
        "VariableTemplateId": template_id,
        "RelatedDocumentId": tenant["Id"],
        "Value": value,
    }
    if "SpaceId" in tenant:
        document["SpaceId"] = tenant["SpaceId"]
    if stored is None:
        call.transaction.insert("TenantVariable", document)
    else:
        call.transaction.update("TenantVariable", document)


def all_variables(call: Call) -> Reply:
    tenants, _ = select(call, resource(call, "Tenant"), paged=False)
    project = call.query.get("projectid")
    return Reply(
        [
            tenant_variables(call, tenant)
            for tenant in tenants
            if not project or project in mapped(tenant, "ProjectEnvironments")
        ]
    )


def missing_variables(call: Call) -> Reply:
    """Templates without a value and without a default, tenant by tenant."""
    tenants, _ = select(call, resource(call, "Tenant"), paged=False)
    tenant_id, project_id, environment_id = (
        call.query.get(name) for name in ("tenantid", "projectid", "environmentid")
    )
    detailed = call.query.get("includedetails", "").lower() == "true"
    entries: list[Document] = []
    for tenant in tenants:
        if (tenant_id and tenant["Id"] != tenant_id) or (
            project_id and project_id not in mapped(tenant, "ProjectEnvironments")
        ):
            continue
        missing = [
            gap
            for gap in _gaps(tenant_variables(call, tenant))
            if (not project_id or gap.get("ProjectId") in (project_id, None))
            and (not environment_id or gap.get("EnvironmentId") in (environment_id, None))
        ]
        if missing:
            entries.append({"TenantId": tenant["Id"], "MissingVariables": missing if detailed else []})
    return Reply(entries)


def _gaps(document: Document) -> Iterable[Document]:
    for project_id, entry in document["ProjectVariables"].items():
        for environment, values in entry["Variables"].items():
            for template in _without_default(entry["Templates"]):
                if template["Id"] not in values:
                    yield _gap(template, ProjectId=project_id, EnvironmentId=environment)
    for library_id, entry in document["LibraryVariables"].items():
        for template in _without_default(entry["Templates"]):
            if template["Id"] not in entry["Variables"]:
                yield _gap(template, LibraryVariableSetId=library_id)


def _gap(template: Document, **where: str) -> Document:
    return {**where, "VariableTemplateId": template["Id"], "VariableTemplateName": template["Name"]}


def _without_default(templates: Sequence[Document]) -> list[Document]:
    def is_open(template: Document) -> bool:
        value = template.get("DefaultValue")
        return not mapped(template, "DefaultValue").get("HasValue") if isinstance(value, dict) else value in (None, "")

    return [template for template in templates if is_open(template)]


ROUTES = (
    Route(
        "GET",
        "tenants/variables-missing",
        missing_variables,
        "space",
        "TenantView",
        operation="listMissingTenantVariables",
    ),
    Route("GET", "tenants/{id}/variables", get_variables, "space", "TenantView", operation="getTenantVariables"),
    Route("POST", "tenants/{id}/variables", put_variables, "space", "TenantEdit", operation="createTenantVariables"),
    Route("PUT", "tenants/{id}/variables", put_variables, "space", "TenantEdit", operation="updateTenantVariables"),
    Route("GET", "tenantvariables/all", all_variables, "space", "TenantView", operation="listAllTenantVariables"),
)
