"""The root document, the root of a space, and what lies outside the API: the portal's page and its redirect."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from standins.octopus.api.calls import api_call
from standins.octopus.api.errors import not_found
from standins.octopus.api.versions import has_spaces, version_of
from standins.octopus.contract import Call, Document, Reply, Route, Version

#: Constant since 3.x; clients accept 3.0.0 to 3.0.99 (OctopusDeploy/Issues 3879, OctopusClients).
_API_VERSION = "3.0.0"


@lru_cache(maxsize=64)
def _templates(version: Version) -> tuple[tuple[str, str], ...]:
    table: dict[str, dict[str, str]] = tomllib.loads(
        (Path(__file__).parents[1] / "data" / "root_links.toml").read_text(encoding="utf-8")
    )
    found: list[tuple[str, str]] = []
    for name, variants in table.items():
        in_force = [template for since, template in variants.items() if not since or version >= version_of(since)]
        if in_force and in_force[-1]:
            found.append((name, in_force[-1].replace("<@version>", str(version))))
    return tuple(found)


def root_links(version: Version, default_space: str | None) -> dict[str, str]:
    """Space-scoped links lead to the default space; without one they are left out (OctopusCLI, feature detection)."""
    links: dict[str, str] = {}
    for name, template in _templates(version):
        if "/§" not in template:
            links[name] = template
        elif default_space is not None:
            links[name] = template.replace("§", default_space)
    return links


def space_links(version: Version, space: str) -> dict[str, str]:
    links = {name: template.replace("§", space) for name, template in _templates(version) if "/§" in template}
    return {"Self": f"/api/{space}", **links, "Web": f"/app#/{space}"}


def root_document(call: Call) -> Reply:
    server = call.server
    document: Document = {
        "Application": "Octopus Deploy",
        "Version": str(server.version),
        "ApiVersion": _API_VERSION,
        "InstallationId": server.installation_id,
    }
    # False is left out (recorded 2019.7.12); every release from 2020.1 on has long-term support.
    if server.at_least("2020.1"):
        document["HasLongTermSupport"] = True
    default = api_call(call).world.default_space if has_spaces(server.version) else None
    return Reply({**document, "Links": root_links(server.version, default)})


def space_root(call: Call) -> Reply:
    space = api_call(call).world.space(call.path["space"])
    if space is None:
        raise not_found(call.path["space"])
    return Reply({"Id": space["Id"], "Links": space_links(call.server.version, space["Id"])})


def portal(call: Call) -> Reply:
    page = (
        "<!DOCTYPE html><html><head><title>Octopus Deploy</title></head>"
        f"<body><h1>Octopus Deploy {call.server.version}</h1>"
        "<p>This server stands in for Octopus Server: it has an API and no portal.</p></body></html>"
    )
    return Reply(page.encode(), media_type="text/html; charset=utf-8")


def to_portal(_call: Call) -> Reply:
    return Reply(None, 302, headers={"Location": "/app"})


ROUTES = (
    Route("GET", "", root_document, "system", None, operation="getRoot"),
    Route("GET", "{space}", space_root, "system", None, "2019.1", operation="getSpaceRoot"),
    Route("GET", "//", to_portal, "system", None),
    Route("GET", "//app", portal, "system", None),
)
