"""The values of tenants in two lists, of library sets and of projects: how 2025 splits the one document.

Shapes: go-octopusdeploy ``pkg/variables`` and api-client.ts ``tenantVariable.ts``. The one document stays beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import cast

from standins.octopus.api.access import require_for
from standins.octopus.api.crud import find_item
from standins.octopus.api.errors import invalid
from standins.octopus.api.rendering import resource
from standins.octopus.api.resources.tenant_variables import Owners, Place, replace_values, stored_values, templates_of
from standins.octopus.api.shapes import shown_property
from standins.octopus.behaviour.documents import folded, listed, mapped, text_of, texts
from standins.octopus.contract import Call, Document, Reply, Route

#: Between Octopus.Client 14.3.1759 (2024-11) and 14.3.2134 (2025-06).
SINCE = "2025.1"

_OWNER = {"common": "LibraryVariableSet", "project": "Project"}


def _owners(call: Call, tenant: Document, sort: str) -> list[Document]:
    owners = Owners(call, tenant)
    return owners.libraries if sort == "common" else owners.projects


def _entry(sort: str, owner: Document, template: Document, environments: list[str], value: object) -> Document:
    name = _OWNER[sort]
    return {
        f"{name}Id": owner["Id"],
        f"{name}Name": owner["Name"],
        "TemplateId": template["Id"],
        "Template": template,
        "Value": value,
        "Scope": {"EnvironmentIds": environments},
    }


def read(sort: str, call: Call) -> Reply:
    tenant = find_item(call, "Tenant", call.path["id"])
    stored = stored_values(call, tenant)
    shown: list[Document] = []
    for owner in _owners(call, tenant, sort):
        templates = {template["Id"]: template for template in templates_of(call, owner)}
        for (owner_id, environment, template_id), entry in stored.items():
            if owner_id == owner["Id"] and template_id in templates:
                value = shown_property(entry.get("Value"), call.server.version)
                places = [environment] if environment else []
                row = _entry(sort, owner, templates[template_id], places, value)
                shown.append({"Id": entry["Id"], **row})
    body: Document = {"TenantId": tenant["Id"], "Variables": shown}
    if call.query.get("includemissingvariables", "").lower() == "true":
        body["MissingVariables"] = list(_missing(call, tenant, sort, stored))
    return Reply(body)


def _missing(call: Call, tenant: Document, sort: str, stored: Mapping[Place, Document]) -> Iterator[Document]:
    for owner in _owners(call, tenant, sort):
        environments = mapped(tenant, "ProjectEnvironments").get(owner["Id"], []) if sort == "project" else [None]
        for template in templates_of(call, owner):
            without = [place for place in environments if (owner["Id"], place, template["Id"]) not in stored]
            if without and template.get("DefaultValue") in (None, ""):
                yield _entry(sort, owner, template, [place for place in without if place], None)


def save(sort: str, call: Call) -> Reply:
    """Replaces the values of the sort; the body is the list, or an object with ``Variables``."""
    tenant = find_item(call, "Tenant", call.path["id"])
    require_for(call, resource(call, "Tenant"), "TenantEdit", tenant)
    owners = _owners(call, tenant, sort)
    by_template = {template["Id"]: owner["Id"] for owner in owners for template in listed(owner, "Templates")}
    given: object = call.body
    rows = cast("list[Document]", given) if isinstance(given, list) else listed(folded(given), "variables")
    wanted: dict[Place, object] = {}
    for row in map(folded, rows):
        template = text_of(row.get("templateid"))
        owner = text_of(row.get(f"{_OWNER[sort].lower()}id")) or by_template.get(template, "")
        if owner not in {entry["Id"] for entry in owners}:
            raise invalid(f"The variable template '{template}' was not found.")
        for environment in texts(folded(mapped(row, "scope")), "environmentids") or [None]:
            wanted[owner, environment, template] = row.get("value")
    mine = {entry["Id"] for entry in owners}
    stored = {place: entry for place, entry in stored_values(call, tenant).items() if place[0] in mine}
    replace_values(call, tenant, stored, wanted)
    return read(sort, call)


ROUTES = tuple(
    row
    for sort in ("common", "project")
    for row in (
        Route("GET", f"tenants/{{id}}/{sort}variables", partial(read, sort), "space", "TenantView", SINCE),
        Route("PUT", f"tenants/{{id}}/{sort}variables", partial(save, sort), "space", "TenantEdit", SINCE),
    )
)
