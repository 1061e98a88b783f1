"""Tenants, tag sets and the values tenants give to variable templates."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from standins.octopus.api import hooks
from standins.octopus.api.crud import create_from, find_item
from standins.octopus.api.errors import invalid
from standins.octopus.api.queries import split_list
from standins.octopus.api.resources.environments import sort_documents
from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import Call, Document, Reply, Route


def _known_tags(call: Call) -> dict[str, str]:
    """Canonical name by its lower case."""
    return {
        tag["CanonicalTagName"].lower(): tag["CanonicalTagName"]
        for tagset in call.transaction.query("TagSet", space=call.space)
        for tag in listed(tagset, "Tags")
    }


def _prepare_tenant(call: Call, document: Document, existing: Document | None) -> None:
    environments: dict[str, list[str]] = mapped(document, "ProjectEnvironments")
    document["ProjectIds"] = list(environments)
    before = mapped((existing or {}), "ProjectEnvironments")
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


# -- tag sets --------------------------------------------------------------------------------------------------------


def _prepare_tagset(call: Call, document: Document, existing: Document | None) -> None:
    names: set[str] = set()
    for position, tag in enumerate(listed(document, "Tags")):
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
    _rename_tags(call, listed(existing, "Tags"), listed(document, "Tags"))


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
        tags = listed(tenant, "TenantTags")
        if not changed.keys() & set(tags):
            continue
        gone = [tag for tag in tags if tag in changed and changed[tag] is None]
        if gone:
            raise invalid(f"The tag '{gone[0]}' is used by tenant {tenant['Name']} and cannot be removed.")
        call.transaction.update("Tenant", {**tenant, "TenantTags": [changed.get(tag, tag) for tag in tags]})


def _before_delete_tagset(call: Call, tagset: Document) -> None:
    names = {tag["CanonicalTagName"] for tag in listed(tagset, "Tags")}
    for tenant in call.transaction.query("Tenant", space=call.space):
        if names & set(listed(tenant, "TenantTags")):
            raise invalid(f"This tag set is used by tenant {tenant['Name']} and cannot be deleted.")


hooks.register("TagSet", prepare=_prepare_tagset, before_delete=_before_delete_tagset)


def sort_tagsets(call: Call) -> Reply:
    return sort_documents(call, "TagSet")


def tag_test(call: Call) -> Reply:
    """Which tenants a set of tags picks: one tag of each set named."""
    tags = split_list(call.query.get("tags"))
    wanted: dict[str, set[str]] = {}
    for tag in tags:
        wanted.setdefault(tag.partition("/")[0].lower(), set()).add(tag.lower())
    result: Document = {}
    for tenant in call.transaction.load_many("Tenant", split_list(call.query.get("tenantids"))):
        own = {str(tag).lower() for tag in listed(tenant, "TenantTags")}
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
    Route(
        "PUT", "tagsets/sortorder", sort_tagsets, "space", "TagSetEdit", operation="sortTagSets", statuses=(200, 404)
    ),
    Route("GET", "tenants/status", status, "space", "", "2019.1", operation="getTenantsStatus"),
    Route("GET", "tenants/tag-test", tag_test, "space", "TenantView", operation="testTenantTags"),
)
