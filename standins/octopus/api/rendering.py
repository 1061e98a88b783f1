"""Items and collections as the API shows them.

Handlers of every module use these three: ``render`` for one item, ``page`` for a list in its envelope, ``answer`` for
either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from standins.octopus.api.catalogue import Resource, catalogue_for
from standins.octopus.contract import Call, Document, Reply

#: "Everything": the take of clients that want no paging, and the take of Page.All (api-client.ts, recorded pages).
ALL = 2147483647

#: What ItemsPerPage is when a request says nothing (recorded tasks page).
DEFAULT_TAKE = 30


def resource(call: Call, name: str) -> Resource:
    """A resource of the server's version, by its name in ``data/resources.toml``."""
    return catalogue_for(call.server.version)[name]


def render(call: Call, name: str, document: Mapping[str, Any]) -> Document:
    """One item: its properties in this version, and its links."""
    return catalogue_for(call.server.version)[name].render(document)


def render_all(call: Call, name: str, documents: Iterable[Mapping[str, Any]]) -> list[Document]:
    one = catalogue_for(call.server.version)[name].render
    return [one(document) for document in documents]


def skip_and_take(call: Call) -> tuple[int, int]:
    """The page asked for; nonsense is ignored as the server does for negative numbers (minimum 0 in its generated
    pages).
    """
    return _number(call.query.get("skip"), 0), _number(call.query.get("take"), DEFAULT_TAKE)


def _number(text: str | None, default: int) -> int:
    if text is None or not text.strip().lstrip("-").isdigit():
        return default
    return min(max(int(text), 0), ALL)


def page(
    call: Call,
    item_type: str,
    items: Sequence[Any],
    total: int,
    *,
    template: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Document:
    """The collection envelope around one page of items that are already rendered.

    Recorded in late 2018: both page counters and links Page.All, Page.Current, Page.Next, Page.Previous and
    Page.Last, which repeat the filters of the request.
    """
    skip, take = skip_and_take(call)
    per_page = max(take, 1)
    pages = max(1, -(-total // per_page))
    path, filters = _path_and_filters(call)
    links = {
        "Self": path + _query([("skip", skip), ("take", take)] if take != DEFAULT_TAKE or skip else [], filters),
        "Template": template or path + "{?skip,take,ids,partialName}",
        "Page.All": path + _query([("skip", 0), ("take", ALL)], filters),
        "Page.Current": path + _query([("skip", skip), ("take", take)], filters),
        "Page.Last": path + _query([("skip", (pages - 1) * per_page), ("take", take)], filters),
    }
    if skip + take < total:
        links["Page.Next"] = path + _query([("skip", skip + take), ("take", take)], filters)
    if skip > 0:
        links["Page.Previous"] = path + _query([("skip", max(0, skip - take)), ("take", take)], filters)
    return {
        "ItemType": item_type,
        "TotalResults": total,
        "ItemsPerPage": take,
        "NumberOfPages": pages,
        "LastPageNumber": pages - 1,
        "Items": list(items),
        **(extra or {}),
        "Links": links,
    }


def slice_page(call: Call, item_type: str, items: Sequence[Any], *, template: str = "") -> Document:
    """The envelope for a list that is in memory as a whole."""
    skip, take = skip_and_take(call)
    return page(call, item_type, items[skip : skip + take], len(items), template=template)


def created(body: Any) -> Reply:
    return Reply(body, 201)


def _path_and_filters(call: Call) -> tuple[str, list[tuple[str, str]]]:
    path, _, text = call.url.partition("?")
    filters: list[tuple[str, str]] = []
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if name and name.lower() not in ("skip", "take", "apikey"):
            filters.append((name, value))
    return path, filters


def _query(paging: Sequence[tuple[str, int]], filters: Sequence[tuple[str, str]]) -> str:
    parts = [f"{name}={value}" for name, value in paging] + [
        f"{name}={quote(value, safe='%,+-._~:/')}" for name, value in filters
    ]
    return "?" + "&".join(parts) if parts else ""
