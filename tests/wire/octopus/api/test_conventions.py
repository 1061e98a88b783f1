"""What holds for every answer: dates, paging, error bodies, links to oneself; over every GET of the own document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import httpx

from tests.wire.octopus.api.client import WireClient

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_RECORDED_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")
_COUNTERS = ("ItemType", "TotalResults", "ItemsPerPage", "NumberOfPages", "LastPageNumber")
_PAGES = ("Self", "Template", "Page.All", "Page.Current", "Page.Last")


def test_every_answer_keeps_the_conventions(octopus: WireClient, shop: dict[str, Any]) -> None:
    found: list[str] = []
    answered = 0
    for path in _paths(octopus, shop):
        answer = octopus.send("GET", path)
        if "application/json" not in answer.headers.get("content-type", "") or "swagger" in path:
            continue
        answered += answer.status_code == 200
        found += [f"{path}: {problem}" for problem in _problems(octopus, answer)]

    assert found == []
    assert answered > 100


def _paths(octopus: WireClient, shop: dict[str, Any]) -> Iterator[str]:
    ids = {"users": "Users-1", "spaces": "Spaces-1", "progression": shop["project"]["Id"]}
    for item in shop.values():
        own = re.fullmatch(r"/api/(?:Spaces-\d+/)?(\w+)/([^/]+)", str(item.get("Links", {}).get("Self", "")))
        if own:
            ids[own[1].lower()] = own[2]
    for path, operations in octopus.get("/api/swagger.json")["paths"].items():
        if "get" in operations and "baseSpaceId" not in path and "/scheduler/" not in path:
            collection = path.split("/")[2].lower() if path.count("/") > 1 else ""
            yield re.sub(r"\{[^}]+\}", ids.get(collection, "none"), path)


def _problems(octopus: WireClient, answer: httpx.Response) -> Iterator[str]:
    body: Any = answer.json()
    if answer.status_code >= 400:
        if not body.get("ErrorMessage"):
            yield f"{answer.status_code} without a message"
        return
    yield from (f"a date like {text}" for text in _texts(body) if _DATE.match(text) and not _RECORDED_DATE.match(text))
    if octopus.version < (2019, 1, 0) and "SpaceId" in answer.text:
        yield "a space before there were any"
    if not isinstance(body, dict):
        return
    page = cast("dict[str, Any]", body)
    links: dict[str, str] = page.get("Links") or {}
    if "Items" in page and "ItemType" in page:
        yield from (f"no {name}" for name in _COUNTERS if name not in page)
        yield from (f"no link {name}" for name in _PAGES if name not in links)
        if page["ItemsPerPage"] != 30:
            yield f"{page['ItemsPerPage']} a page"
    own = links.get("Self", "{")
    if "{" not in own and octopus.send("GET", own).status_code != 200:
        yield f"{own} leads nowhere"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in cast("dict[str, Any]", value).values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value)[:5]:
            yield from _texts(inner)
