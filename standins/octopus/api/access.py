"""Which documents a caller may see or change."""

from __future__ import annotations

from collections.abc import Sequence

from standins.octopus.api.catalogue import Resource
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.permissions import permissions_for
from standins.octopus.api.rights import UserRights, of_document
from standins.octopus.api.versions import has_spaces
from standins.octopus.contract import Call, Document


def space_of(call: Call, resource: Resource, document: Document) -> str | None:
    """The space a permission is asked for in: the document's own."""
    if not has_spaces(call.server.version):
        return None
    return document.get("SpaceId") if resource.spaced else None


def may(call: Call, resource: Resource, permission: str, document: Document) -> bool:
    if not permission or call.rights is None:
        return True
    space = space_of(call, resource, document)
    if has_spaces(call.server.version) and resource.spaced and space is None:
        # A system team or role assignment takes the permission at system level.
        return call.rights.allows(permission)
    return call.rights.allows(permission, space=space, **of_document(resource.within, document))


def require_for(call: Call, resource: Resource, permission: str, document: Document) -> None:
    """403 unless the caller holds the permission for this very document."""
    if permission and call.rights is not None and not may(call, resource, permission, document):
        call.rights.require(
            permission, space=space_of(call, resource, document) or "", **of_document(resource.within, document)
        )


def sees_all(call: Call, resource: Resource, spaces: Sequence[str | None] | None = None) -> bool:
    """Whether no document of these spaces (of the request's, by default) can be hidden from the caller: then the
    database pages.

    None among the spaces stands for what belongs to no space.
    """
    rights = call.rights
    if not resource.view or rights is None:
        return True
    if not isinstance(rights, UserRights):
        return False
    rule = permissions_for(call.server.version).get(resource.view)
    if rule is not None and rule.level == "system":
        return True  # held, or the route would have refused
    if not has_spaces(call.server.version):
        return _unrestricted(rights, resource.view, None)
    return all(
        _unrestricted(rights, resource.view, space) if space is not None else resource.view in rights.system
        for space in (spaces or [call.space])
    )


def _unrestricted(rights: UserRights, permission: str, space: str | None) -> bool:
    return any(grant.unrestricted for grant in rights.in_space(permission, space))


def visible(call: Call, resource: Resource, documents: Sequence[Document]) -> list[Document]:
    return [document for document in documents if may(call, resource, resource.view, document)]


def in_reach(call: Call, resource: Resource, document: Document | None, id: str) -> Document:
    """The document, if it is in the space of the request and the caller may see it; else 404 or 403."""
    if document is None or (
        resource.scope == "space" and call.space is not None and document.get("SpaceId", call.space) != call.space
    ):
        raise not_found(id)
    if resource.scope == "mixed" and call.space is not None and document.get("SpaceId") not in (call.space, None):
        raise not_found(id)
    require_for(call, resource, resource.view, document)
    return document


def named(call: Call, kind: str, wanted: str) -> Document:
    """The document that the request's body names; 400 where there is none in the space of the request."""
    document = call.transaction.load(kind, wanted) if wanted else None
    if document is None or (call.space is not None and document.get("SpaceId", call.space) != call.space):
        raise invalid(f"{kind}: the resource '{wanted}' was not found.")
    return document


def mixed_scope(call: Call, permission: str) -> tuple[list[str], bool]:
    """The spaces a list over several spaces covers, and whether it includes what belongs to no space.

    ``spaces=Spaces-1,Spaces-2`` or ``spaces=all`` and ``includeSystem`` choose; an unscoped request without them
    spans the spaces the caller can see (API notes on mixed-scope lists).
    """
    rights = call.rights
    held = set(rights.spaces(permission)) if rights is not None else set[str]()
    asked = call.query.get("spaces", "")
    system = call.query.get("includesystem", "").lower()
    if call.space is not None:
        return [call.space], system == "true"
    at_system = rights is None or rights.allows(permission)
    if not asked:
        return sorted(held), at_system and system != "false"
    chosen = held if asked.lower() == "all" else held & {part.strip() for part in asked.split(",")}
    return sorted(chosen), at_system and system == "true"
