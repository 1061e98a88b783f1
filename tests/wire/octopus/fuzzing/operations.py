"""For every writing operation of a server a request that it takes: what the mutants are made from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from tests.support.octopus_shop import open_shop
from tests.wire.octopus.api.client import WireClient
from tests.wire.octopus.fuzzing.actions import act
from tests.wire.octopus.fuzzing.recording import Operation, Recording

WRITING = ("post", "put", "delete")


def operations(client: Recording, document: Mapping[str, Any]) -> list[Operation]:
    """Every writing operation, in the document's order. What none of the requests below tried is asked with ``{}``."""
    shop = open_shop(client)
    act(client, shop)
    ids = {**_ids(client), **_ids_of(shop)}
    put_back(client, document, ids)
    below_projects(client, document, ids)
    found: list[Operation] = []
    for template, rows in document["paths"].items():
        for method in WRITING:
            if method not in rows or "{baseSpaceId}" in template or template in _KEPT.get(method, ()):
                continue
            statuses = frozenset(int(status) for status in rows[method]["responses"])
            known = client.taken.get((method.upper(), template))
            path, body = known or client.tried.get((method.upper(), template)) or (_filled(template, ids), {})
            found.append(Operation(method.upper(), template, path, body, statuses, known is not None))
    return found


#: Left alone: the caller would be shut out, or everything would be gone.
_KEPT: Mapping[str, tuple[str, ...]] = {
    "delete": ("/api/spaces/{id}", "/api/users/{id}", "/api/users/{userId}/apikeys/{id}"),
    "post": ("/api/users/{id}/revoke-sessions",),
}


def _ids(client: WireClient) -> dict[str, str]:
    """A thing of every collection by its name in lower case."""
    found: dict[str, str] = {}
    links = client.get("/api")["Links"]
    if "SpaceHome" in links:
        links = {**client.get("/api/Spaces-1")["Links"], **links}
    for link in links.values():
        path = cast("str", link).partition("{")[0]
        answer = client.http.get(path) if path.startswith("/api/") and path.count("/") <= 3 else None
        if answer is not None and answer.status_code == 200 and "json" in answer.headers["content-type"]:
            body: Any = answer.json()
            items: Any = cast("dict[str, Any]", body).get("Items") if isinstance(body, dict) else None
            if items and isinstance(items[-1], dict) and "Id" in items[-1]:
                found[path.rstrip("/").rsplit("/", 1)[-1].lower()] = items[-1]["Id"]
    return found


def _filled(template: str, ids: Mapping[str, str]) -> str:
    parts = template.split("/")
    for index, part in enumerate(parts):
        if part.startswith("{"):
            owner = {"{projectId}": "projects", "{userId}": "users"}.get(part, parts[index - 1].lower())
            parts[index] = ids.get(owner, "nothing")
    return "/".join(parts)


def _ids_of(shop: Mapping[str, Any]) -> dict[str, str]:
    """The shop's own things: those of the server's that may not be changed stay out of it."""
    found: dict[str, str] = {}
    for thing in shop.values():
        parts = re.sub(r"^/api/(Spaces-\d+/)?", "", str(thing.get("Links", {}).get("Self", ""))).split("/")
        if len(parts) == 2:
            found[parts[0].lower()] = parts[1]
    return found


def put_back(client: Recording, document: Mapping[str, Any], ids: Mapping[str, str]) -> None:
    """What can be changed is read and sent back as it is."""
    for template, rows in document["paths"].items():
        if "put" in rows and "get" in rows and "{baseSpaceId}" not in template:
            path = _filled(template, ids)
            shown = client.http.get(path)
            if shown.status_code == 200 and "json" in shown.headers["content-type"]:
                client.send("PUT", path, shown.json())


def below_projects(client: Recording, document: Mapping[str, Any], ids: Mapping[str, str]) -> None:
    """Routes below a project take what those of the collection itself took."""
    for method, template in list(client.taken):
        below = template.replace("/api/", "/api/projects/{projectId}/")
        for name in (below, below.replace("projecttriggers", "triggers")):
            if method.lower() in document["paths"].get(name, {}):
                path, body = client.taken[method, template]
                own = path.replace("/api/", f"/api/projects/{ids['projects']}/").replace("projecttriggers", "triggers")
                client.send(method, own, {**body, "Name": f"{body['Name']} below"} if method == "POST" else body)
