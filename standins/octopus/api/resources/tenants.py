"""Tenants, tag sets and the values tenants give to variable templates."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from standins.octopus.api import hooks
from standins.octopus.api.access import require_for
from standins.octopus.api.crud import body_of, create_from, find_item
from standins.octopus.api.errors import invalid
from standins.octopus.api.queries import select, split_list
from standins.octopus.api.rendering import render, resource
from standins.octopus.api.resources.environments import sort_documents
from standins.octopus.api.shapes import accept_secret
from standins.octopus.contract import Call, Document, Reply, Route


def _known_tags(call: Call) -> dict[str, str]:
    """Canonical name by its lower case."""
    return {
        tag["CanonicalTagName"].lower(): tag["CanonicalTagName"]
        for tagset in call.transaction.query("TagSet", space=call.space)
        for tag in tagset.get("Tags") or ()
    }


def _prepare_tenant(call: Call, document: Document, existing: Document | None) -> None:
    environments: dict[str, list[str]] = document.get("ProjectEnvironments") or {}
    document["ProjectIds"] = list(environments)
    before = (existing or {}).get("ProjectEnvironments") or {}
    if environments != before:
        projects = {project["Id"] for project in call.transaction.load_many("Project", environments)}
        wanted = {document_id for ids in environments.values() for document_id in ids}
        known = (
            {found["Id"] for found in call.transaction.load_many("DeploymentEnvironment", wanted)}
            if wanted
            else set[str]()
        )
        missing = sorted((set(environments) - projects) | (wanted - known))
        if missing:
            raise invalid(*(f"The resource '{document_id}' was not found." for document_id in missing))
    if document.get("TenantTags"):
        tags = _known_tags(call)
        unknown = [tag for tag in document["TenantTags"] if str(tag).lower() not in tags]
        if unknown:
            raise invalid(*(f"The tag '{tag}' was not found." for tag in unknown))


def _before_delete_tenant(call: Call, tenant: Document) -> None:
    for value in call.transaction.query("TenantVariable", where={"TenantId": tenant["Id"]}):
        call.transaction.delete("TenantVariable", value["Id"])


def _create_tenant(call: Call, body: Document) -> Document:
    source_id = call.query.get("clone")
    if not source_id:
        return create_from(call, "Tenant", body)
    source = find_item(call, "Tenant", source_id)
    lowered = {name.lower(): value for name, value in body.items()}
    wanted = {name: source.get(name) for name in ("TenantTags", "ProjectEnvironments", "Description")}
    wanted.update(Name=lowered.get("name"), ClonedFromTenantId=source["Id"])
    if lowered.get("description") is not None:
        wanted["Description"] = lowered["description"]
    tenant = create_from(call, "Tenant", wanted)
    for value in call.transaction.query("TenantVariable", where={"TenantId": source["Id"]}):
        copied = {name: held for name, held in value.items() if name != "Id"}
        call.transaction.insert(
            "TenantVariable", {**copied, "TenantId": tenant["Id"], "RelatedDocumentId": tenant["Id"]}
        )
    return tenant


hooks.register("Tenant", prepare=_prepare_tenant, before_delete=_before_delete_tenant, create=_create_tenant)


# -- tag sets ------------------------------------------------------------------------------------------------------------------


def _prepare_tagset(call: Call, document: Document, existing: Document | None) -> None:
    names: set[str] = set()
    for position, tag in enumerate(document.get("Tags") or ()):
        name = str(tag.get("Name") or "").strip()
        if not name:
            raise invalid("Please provide a name for each tag.")
        if name.lower() in names:
            raise invalid(f"There is more than one tag called '{name}'.")
        names.add(name.lower())
        tag["Id"] = tag.get("Id") or str(uuid.uuid4())
        tag["CanonicalTagName"] = f"{document['Name']}/{name}"
        tag["SortOrder"] = position
    if existing is None:
        if not document.get("SortOrder"):
            others = call.transaction.query("TagSet", space=call.space)
            document["SortOrder"] = max((int(other["SortOrder"]) for other in others), default=-1) + 1
        return
    _rename_tags(call, existing.get("Tags") or (), document.get("Tags") or ())


def _rename_tags(call: Call, before: Iterable[Document], after: Iterable[Document]) -> None:
    """Tenants name tags in full: a renamed tag is renamed there, a removed one must not be in use."""
    new_names = {tag["Id"]: tag["CanonicalTagName"] for tag in after}
    changed = {
        tag["CanonicalTagName"]: new_names.get(tag["Id"])
        for tag in before
        if new_names.get(tag["Id"]) != tag["CanonicalTagName"]
    }
    if not changed:
        return
    for tenant in call.transaction.query("Tenant", space=call.space):
        tags = tenant.get("TenantTags") or []
        if not changed.keys() & set(tags):
            continue
        gone = [tag for tag in tags if tag in changed and changed[tag] is None]
        if gone:
            raise invalid(f"The tag '{gone[0]}' is used by tenant {tenant['Name']} and cannot be removed.")
        call.transaction.update("Tenant", {**tenant, "TenantTags": [changed.get(tag, tag) for tag in tags]})


def _before_delete_tagset(call: Call, tagset: Document) -> None:
    names = {tag["CanonicalTagName"] for tag in tagset.get("Tags") or ()}
    for tenant in call.transaction.query("Tenant", space=call.space):
        if names & set(tenant.get("TenantTags") or ()):
            raise invalid(f"This tag set is used by tenant {tenant['Name']} and cannot be deleted.")


hooks.register("TagSet", prepare=_prepare_tagset, before_delete=_before_delete_tagset)


def sort_tagsets(call: Call) -> Reply:
    return sort_documents(call, "TagSet")


# -- tenant variables ----------------------------------------------------------------------------------------------------------


def _is_secret(template: Document) -> bool:
    return (template.get("DisplaySettings") or {}).get("Octopus.ControlType") == "Sensitive"


def _shown_value(value: object) -> object:
    if isinstance(value, dict) and "SensitiveValue" in value:
        return {"HasValue": bool(value["SensitiveValue"]), "NewValue": None}  # pyright: ignore[reportUnknownArgumentType]
    return value


class _Owners:
    """The projects of a tenant and the library sets those include, with their templates."""

    def __init__(self, call: Call, tenant: Document) -> None:
        environments: dict[str, list[str]] = tenant.get("ProjectEnvironments") or {}
        self.environments = environments
        self.projects = call.transaction.load_many("Project", environments)
        included = {
            document_id: None
            for project in self.projects
            for document_id in project.get("IncludedLibraryVariableSetIds") or ()
        }
        self.libraries = [
            library
            for library in call.transaction.load_many("LibraryVariableSet", included)
            if library.get("Templates")
        ]

    def template(self, owner_id: str, template_id: str) -> Document | None:
        owners = (owner for owner in (*self.projects, *self.libraries) if owner["Id"] == owner_id)
        return next(
            (
                template
                for owner in owners
                for template in owner.get("Templates") or ()
                if template["Id"] == template_id
            ),
            None,
        )


def tenant_variables(call: Call, tenant: Document) -> Document:
    """The whole document: values by project and environment, and by library set."""
    owners = _Owners(call, tenant)
    values: dict[tuple[str, str | None, str], object] = {}
    for entry in call.transaction.query("TenantVariable", where={"TenantId": tenant["Id"]}):
        values[entry["OwnerId"], entry.get("EnvironmentId"), entry["VariableTemplateId"]] = _shown_value(
            entry.get("Value")
        )

    def held(owner: Document, environment: str | None) -> Document:
        found = (
            (template["Id"], values.get((owner["Id"], environment, template["Id"])))
            for template in owner.get("Templates") or ()
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
                "Templates": _templates(call, project),
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
                "Templates": _templates(call, library),
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


def _templates(call: Call, owner: Document) -> list[Document]:
    name = "Project" if owner["Id"].startswith("Projects-") else "LibraryVariableSet"
    return list(render(call, name, owner)["Templates"])


def get_variables(call: Call) -> Reply:
    return Reply(tenant_variables(call, find_item(call, "Tenant", call.path["id"])))


def put_variables(call: Call) -> Reply:
    """Replaces all values of the tenant; secrets that are not sent anew stay."""
    tenant = find_item(call, "Tenant", call.path["id"])
    require_for(call, resource(call, "Tenant"), "TenantEdit", tenant)
    owners = _Owners(call, tenant)
    stored = {
        (entry["OwnerId"], entry.get("EnvironmentId"), entry["VariableTemplateId"]): entry
        for entry in call.transaction.query("TenantVariable", where={"TenantId": tenant["Id"]})
    }
    body = {name.lower(): value for name, value in body_of(call).items()}
    wanted: dict[tuple[str, str | None, str], object] = {}
    for owner_id, entry in (body.get("projectvariables") or {}).items():
        for environment, values in _variables_of(entry).items():
            wanted.update({(owner_id, environment, template): value for template, value in (values or {}).items()})
    for owner_id, entry in (body.get("libraryvariables") or {}).items():
        wanted.update({(owner_id, None, template): value for template, value in _variables_of(entry).items()})
    for key, value in wanted.items():
        _store_value(call, tenant, owners, key, value, stored.get(key))
    for key, entry in stored.items():
        if wanted.get(key) is None:
            call.transaction.delete("TenantVariable", entry["Id"])
    return Reply(tenant_variables(call, tenant))


def _variables_of(entry: Document) -> Document:
    return next((value for name, value in entry.items() if name.lower() == "variables"), None) or {}


def _store_value(
    call: Call,
    tenant: Document,
    owners: _Owners,
    key: tuple[str, str | None, str],
    value: object,
    stored: Document | None,
) -> None:
    owner_id, environment, template_id = key
    template = owners.template(owner_id, template_id)
    if template is None:
        raise invalid(f"The variable template '{template_id}' was not found in {owner_id}.")
    if value is None:
        return
    kept = (stored or {}).get("Value")
    if _is_secret(template) or isinstance(value, dict):
        value = {"SensitiveValue": accept_secret(value, kept, call.server.master_key.encrypt)}
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
            if not project or project in (tenant.get("ProjectEnvironments") or {})
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
            project_id and project_id not in (tenant.get("ProjectEnvironments") or {})
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
    def is_open(value: object) -> bool:
        return not value.get("HasValue") if isinstance(value, dict) else value in (None, "")  # pyright: ignore[reportUnknownVariableType]

    return [template for template in templates if is_open(template.get("DefaultValue"))]


def tag_test(call: Call) -> Reply:
    """Which tenants a set of tags picks: one tag of each set named."""
    tags = split_list(call.query.get("tags"))
    wanted: dict[str, set[str]] = {}
    for tag in tags:
        wanted.setdefault(tag.partition("/")[0].lower(), set()).add(tag.lower())
    result: Document = {}
    for tenant in call.transaction.load_many("Tenant", split_list(call.query.get("tenantids"))):
        own = {str(tag).lower() for tag in tenant.get("TenantTags") or ()}
        missing = [name for name, choices in wanted.items() if not choices & own]
        result[tenant["Id"]] = {
            "IsMatched": not missing,
            "MissingTags": [tag for tag in tags if tag.partition("/")[0].lower() in missing],
        }
    return Reply(result)


def status(call: Call) -> Reply:
    """Tenants are always on since 2019.1; before, a feature flag said so."""
    return Reply({"Enabled": call.transaction.count("Tenant", space=call.space) > 0})


ROUTES = (
    Route("PUT", "tagsets/sortorder", sort_tagsets, "space", "TagSetEdit", operation="sortTagSets"),
    Route("GET", "tenants/status", status, "space", "", "2019.1", operation="getTenantsStatus"),
    Route("GET", "tenants/tag-test", tag_test, "space", "TenantView", operation="testTenantTags"),
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
