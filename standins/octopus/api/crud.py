"""Create, read, update and delete for every resource of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import cast

from standins.octopus.api.access import in_reach, require_for
from standins.octopus.api.catalogue import Resource, catalogue_for, every_table
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.hooks import hooks_of
from standins.octopus.api.queries import select
from standins.octopus.api.rendering import page
from standins.octopus.api.slugs import slugify
from standins.octopus.api.versions import has_spaces, version_of
from standins.octopus.behaviour import events
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

_CRUD = "list all get create update delete"


def crud_routes() -> Iterator[Route]:
    """The generic rows: which exist is the ``methods`` of a resource."""
    for name, table in every_table().items():
        path, scope = str(table["path"]), str(table.get("scope", "space"))
        view, since, until = str(table.get("view", "")), str(table.get("since", "")), str(table.get("until", ""))

        methods = str(table.get("methods", _CRUD)).split()
        rows: dict[str, tuple[str, str, Callable[[str, Call], Reply], str, str]] = {
            "list": ("GET", "", list_items, view, f"index{name}"),
            "all": ("GET", "/all", list_all, view, f"listAll{name}"),
            "get": ("GET", "/{id}", get_item, view, f"get{name}ById"),
            "create": ("POST", "", create_item, str(table.get("create", "")), f"create{name}"),
            "update": ("PUT", "/{id}", update_item, str(table.get("edit", "")), f"update{name}"),
            "delete": ("DELETE", "/{id}", delete_item, str(table.get("delete", "")), f"delete{name}"),
        }
        for method in methods:
            verb, suffix, handler, permission, operation = rows[method]
            yield Route(verb, path + suffix, partial(handler, name), scope, permission, since, until, operation)


#: Items of most kinds can be asked for by slug from this version on (OctopusClients 13).
_BY_SLUG = version_of("2022.3")


def _slug_of(document: Document) -> str:
    return str(document.get("Slug") or slugify(str(document.get("Name") or ""))).lower()


def _properties(resource: Resource) -> Collection[str]:
    return resource.shape.properties if resource.shape is not None else ()


def _resource(call: Call, name: str) -> Resource:
    return catalogue_for(call.server.version)[name]


def present(call: Call, name: str, documents: list[Document]) -> list[Document]:
    """Items rendered, with what the resource computes."""
    resource = _resource(call, name)
    shown = [resource.render(document) for document in documents]
    if shown and "Slug" in shown[0]:
        # Documents from before their kind had slugs (most kinds: 2022.3) show the one their name gives.
        for item in shown:
            item["Slug"] = item["Slug"] or slugify(str(item.get("Name") or ""))
    hooks_of(name).show(call, shown, documents)
    return shown


def present_one(call: Call, name: str, document: Document) -> Document:
    return present(call, name, [document])[0]


def list_items(name: str, call: Call) -> Reply:
    resource = _resource(call, name)
    documents, total = select(call, resource)
    return Reply(page(call, resource.item_type, present(call, name, documents), total))


def list_all(name: str, call: Call) -> Reply:
    documents, _ = select(call, _resource(call, name), paged=False)
    return Reply(present(call, name, documents))


def find_item(call: Call, name: str, document_id: str) -> Document:
    """The document a path names, by its id or by what the resource allows besides."""
    resource = _resource(call, name)
    document = call.transaction.load(resource.kind, document_id) or hooks_of(name).find(call, document_id)
    if document is None and call.server.version >= _BY_SLUG and "Slug" in _properties(resource):
        found = call.transaction.query(resource.kind, space=call.space)
        document = next((item for item in found if _slug_of(item) == document_id.lower()), None)
    return in_reach(call, resource, document, document_id)


def get_item(name: str, call: Call) -> Reply:
    return Reply(present_one(call, name, find_item(call, name, call.path["id"])))


def body_of(call: Call) -> Document:
    """The JSON object of the request."""
    body: object = call.body
    if body is None:
        raise ApiError(400, "No request body was supplied.")
    if not isinstance(body, dict):
        raise invalid("The request body must be a JSON object.")
    return cast("Document", body)


def create_item(name: str, call: Call) -> Reply:
    resource = _resource(call, name)
    create = hooks_of(name).create
    document = create(call, body_of(call)) if create is not None else create_from(call, name, body_of(call))
    return Reply(present_one(call, resource.name, document), 201)


def accept(call: Call, resource: Resource, body: Document, existing: Document | None) -> Document:
    """A request body in stored form; secrets are encrypted with the master key."""
    if resource.shape is None:
        raise not_found()
    document = resource.shape.accept(body, existing, call.server.master_key.encrypt)
    if existing is not None and "SpaceId" in existing:
        # A document never leaves its space, whatever a client sends or leaves out.
        document["SpaceId"] = existing["SpaceId"]
    return document


def create_from(call: Call, name: str, body: Document) -> Document:
    """Store a new document made from a request body."""
    resource = _resource(call, name)
    document = accept(call, resource, body, None)
    document.pop("Id", None)
    if resource.spaced:
        document["SpaceId"] = (
            document.get("SpaceId") if resource.scope == "mixed" and call.space is None else call.space
        )
    hooks = hooks_of(name)
    check_name(call, resource, document)
    hooks.prepare(call, document, None)
    if "Slug" in _properties(resource) and not document.get("Slug"):
        document["Slug"] = slugify(str(document.get("Name") or ""))
    require_for(call, resource, resource.create, document)
    check_references(call, resource, document, None)
    stored = call.transaction.insert(resource.kind, document)
    hooks.after_create(call, stored)
    events.created(call, resource.name, stored)
    return stored


def update_item(name: str, call: Call) -> Reply:
    document = update_from(call, name, find_item(call, name, call.path["id"]), body_of(call))
    return Reply(present_one(call, name, document))


def update_from(call: Call, name: str, existing: Document, body: Document) -> Document:
    resource = _resource(call, name)
    require_for(call, resource, resource.edit, existing)
    document = accept(call, resource, body, existing)
    if resource.spaced:
        document["SpaceId"] = existing.get("SpaceId")
    hooks = hooks_of(name)
    check_name(call, resource, document)
    hooks.prepare(call, document, existing)
    check_references(call, resource, document, existing)
    call.transaction.update(resource.kind, document)
    hooks.after_update(call, document, existing)
    events.modified(call, resource.name, document, existing)
    return document


def delete_item(name: str, call: Call) -> Reply:
    delete_document(call, name, find_item(call, name, call.path["id"]))
    return Reply({})


def delete_document(call: Call, name: str, document: Document) -> None:
    resource = _resource(call, name)
    require_for(call, resource, resource.delete, document)
    for use in resource.used_by:
        users = call.transaction.query(use.kind, where={use.column: document["Id"]}, order_by="Name", take=1)
        if users:
            raise invalid(use.message.format_map(users[0]))
    hooks_of(name).before_delete(call, document)
    call.transaction.delete(resource.kind, document["Id"])
    events.deleted(call, resource.name, document)


def check_name(call: Call, resource: Resource, document: Document) -> None:
    columns = call.server.store.kind(resource.kind).columns
    if "Name" not in columns or resource.shape is None or "Name" not in resource.shape.properties:
        return
    name = str(document.get("Name") or "").strip()
    if not name:
        raise invalid("Please provide a value for Name.")
    document["Name"] = name
    room = columns["Name"].partition("(")[2].partition(")")[0]
    if room.isdigit() and len(name) > int(room):
        raise invalid(f"The Name must be {room} characters or fewer.")


def check_references(call: Call, resource: Resource, document: Document, existing: Document | None) -> None:
    """Every id a document newly names must exist, in the same space. Ids it already had are not looked up again."""
    for name, kind in resource.references.items():
        value = document.get(name)
        before = (existing or {}).get(name)
        if not value or value == before:
            continue
        ids: list[str] = [value] if isinstance(value, str) else list(value)
        known = {found["Id"] for found in call.transaction.load_many(kind, ids) if _same_space(call, document, found)}
        missing = [document_id for document_id in ids if document_id not in known]
        if missing:
            raise invalid(*(f"{name}: the resource '{document_id}' was not found." for document_id in missing))


def _same_space(call: Call, document: Document, other: Document) -> bool:
    if not has_spaces(call.server.version) or "SpaceId" not in other or document.get("SpaceId") is None:
        return True
    return other["SpaceId"] in (document["SpaceId"], None)
