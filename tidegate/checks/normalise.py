"""Bringing what two versions serve into one form, as far as it is only a question of how identity is written."""

from __future__ import annotations

import re
from typing import Any, Final, cast

from tidegate.json_text import parsed
from tidegate.observation.places import place_of

_QUERY: Final = re.compile(r"\{[^{}]*\}|\?.*$")


def unspaced(text: str, default_space: str) -> str:
    """JSON text with paths into the default space written as before 2019.1: `/api/Spaces-1/x` → `/api/x`."""
    return (
        text.replace(f"/api/{default_space}/", "/api/")
        .replace(f"#/{default_space}/", "#/")
        .replace(f"spaces/{default_space}/", "spaces/~/")
    )


def document(text: str | None, default_space: str) -> Any:
    """The document in a snapshot's body, with its links in comparable form."""
    body = _load(text, default_space)
    _links(body)
    return body


def documents(before: str | None, before_space: str, after: str | None, after_space: str) -> tuple[Any, Any]:
    """Two versions of a document, with their links in comparable form unless they are the same anyway."""
    old, new = _load(before, before_space), _load(after, after_space)
    if _nests_links(before, old) or _nests_links(after, new):
        _links(old)
        _links(new)
    elif old.get("Links") != new.get("Links"):
        _own_links(old)
        _own_links(new)
    return old, new


def _nests_links(text: str | None, body: Any) -> bool:
    """Whether links may be anywhere but in the resource itself: most have none, and need no walk through them."""
    if not isinstance(body, dict):
        return True
    return (text or "").count('"Links"') > ("Links" in cast("dict[str, Any]", body))


def _load(text: str | None, default_space: str) -> Any:
    return parsed(unspaced(text, default_space)) if text else None


def _own_links(resource: dict[str, Any]) -> None:
    links = resource.get("Links")
    if isinstance(links, dict):
        resource["Links"] = {name: link_target(value) for name, value in cast("dict[str, Any]", links).items()}


def _links(body: Any) -> None:
    if isinstance(body, dict):
        resource = cast("dict[str, Any]", body)
        _own_links(resource)
        for name, value in resource.items():
            if name != "Links" and isinstance(value, dict | list):
                _links(value)
    elif isinstance(body, list):
        for entry in cast("list[Any]", body):
            if isinstance(entry, dict | list):
                _links(entry)


def link_target(link: Any) -> Any:
    """Where a link leads, without the query it may take: new filters are no difference, a new target is.

    Pages of lists keep their query, except the numbers of the page.
    """
    if not isinstance(link, str):
        return link
    if not link.startswith("/api"):
        return link.partition("?")[0]
    bare = _QUERY.sub("", link)
    query = link.partition("?")[2] if "{" not in link else ""
    return place_of(f"{bare}?{query}" if query else bare, "")
