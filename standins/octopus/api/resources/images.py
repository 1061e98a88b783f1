"""Logos of projects, tenants, spaces and step templates.

An image uploaded by a user lies in the artifacts folder (octopus.com/docs on moving a server: without the copied
folders project and tenant images are missing); its document remembers the media type. Without one, the server shows
its own picture.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

from standins.octopus.api.access import require_for
from standins.octopus.api.crud import find_item
from standins.octopus.api.errors import not_found
from standins.octopus.api.rendering import resource
from standins.octopus.behaviour.documents import mapped
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"GIF87a", "image/gif", "gif"),
    (b"GIF89a", "image/gif", "gif"),
)
_EXTENSIONS = {media_type: extension for _, media_type, extension in _SIGNATURES} | {"image/svg+xml": "svg"}

#: The largest upload; the real limit is not published.
_LARGEST = 10 * 1024 * 1024

#: Colours of the pictures the server draws itself.
_COLOURS = {
    "Project": "#2F93E0",
    "Tenant": "#00AF74",
    "Space": "#0D80D8",
    "ActionTemplate": "#77787A",
    "CommunityActionTemplate": "#77787A",
}


def media_type_of(content: bytes) -> str | None:
    """What an image is, by its first bytes; SVG by its root element."""
    for signature, media_type, _ in _SIGNATURES:
        if content.startswith(signature):
            return media_type
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "image/svg+xml" if head.startswith((b"<svg", b"<?xml")) and b"<svg" in head else None


def _folder(call: Call, document: Document) -> Path:
    return call.server.folders.artifacts / "images" / str(document["Id"])


def _drawn(name: str, document: Document) -> bytes:
    """A square with the first letter of the name."""
    letter = str(document.get("Name") or "?")[:1].upper()
    safe = {"<": "&lt;", "&": "&amp;", ">": "&gt;"}.get(letter, letter)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100">'
        f'<rect width="100" height="100" rx="8" fill="{_COLOURS[name]}"/>'
        '<text x="50" y="66" font-family="sans-serif" font-size="48" text-anchor="middle" fill="#fff">'
        f"{safe}</text></svg>"
    ).encode()


def get_logo(name: str, call: Call) -> Reply:
    document = find_item(call, name, call.path.get("id") or call.path["typeOrId"])
    image = mapped(document, "Logo")
    media_type, content = "image/svg+xml", _drawn(name, document)
    if image.get("MimeType"):
        path = _folder(call, document) / f"logo.{_EXTENSIONS.get(image['MimeType'], 'bin')}"
        if not path.is_file():
            raise not_found()
        media_type, content = str(image["MimeType"]), path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=31536000"}
    if call.headers.get("if-none-match") == tag:
        return Reply(None, 304, headers=headers)
    return Reply(content, media_type=media_type, headers=headers)


def put_logo(name: str, call: Call) -> Reply:
    wanted = resource(call, name)
    document = find_item(call, name, call.path["id"])
    require_for(call, wanted, wanted.edit, document)
    content = call.files[0].content if call.files else call.raw_body
    media_type = media_type_of(content)
    if media_type is None or len(content) > _LARGEST:
        raise ApiError(400, "Invalid image provided.")
    folder = _folder(call, document)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("logo.*"):
        old.unlink()
    (folder / f"logo.{_EXTENSIONS[media_type]}").write_bytes(content)
    call.transaction.update(wanted.kind, {**document, "Logo": {"MimeType": media_type, "Length": len(content)}})
    return Reply({})


def _rows(name: str, path: str, scope: str, *, view: str, edit: str, since: str = "") -> tuple[Route, ...]:
    read, write = partial(get_logo, name), partial(put_logo, name)
    return (
        Route("GET", path, read, scope, view, since, operation=f"get{name}Logo"),
        Route("POST", path, write, scope, edit, since, operation=f"create{name}Logo"),
        Route("PUT", path, write, scope, edit, since, operation=f"update{name}Logo"),
    )


def icons(_call: Call) -> Reply:
    """The icons a project or tenant may choose from 2022.3 on; the full catalogue is the portal's."""
    return Reply([{"Id": name, "Name": name} for name in ("octopus-deploy", "cloud", "database", "globe", "server")])


def icon_categories(_call: Call) -> Reply:
    return Reply([{"Id": "all", "Name": "All", "IconIds": ["octopus-deploy", "cloud", "database", "globe", "server"]}])


ROUTES = (
    *_rows("Project", "projects/{id}/logo", "space", view="ProjectView", edit="ProjectEdit"),
    *_rows("Tenant", "tenants/{id}/logo", "space", view="TenantView", edit="TenantEdit"),
    *_rows("Space", "spaces/{id}/logo", "system", view="", edit="SpaceEdit", since="2019.1"),
    *_rows(
        "ActionTemplate", "actiontemplates/{id}/logo", "space", view="ActionTemplateView", edit="ActionTemplateEdit"
    ),
    Route(
        "GET",
        "actiontemplates/{typeOrId}/versions/{version}/logo",
        partial(get_logo, "ActionTemplate"),
        "space",
        "ActionTemplateView",
    ),
    Route("GET", "communityactiontemplates/{id}/logo", partial(get_logo, "CommunityActionTemplate"), "system", ""),
    Route("GET", "icons/all", icons, "system", "", "2022.3"),
    Route("GET", "icons/categories", icon_categories, "system", "", "2022.3"),
)
