"""Searching for packages has become case-sensitive (OctopusDeploy/Issues 2656)."""

from __future__ import annotations

from typing import Any, cast

from standins.octopus.behaviour.documents import listed
from standins.octopus.contract import Call, Document, Server
from standins.octopus.regressions.seeding import on_reply


def disturb_server(server: Server) -> None:
    on_reply(server, _change, "GET feeds/{id}/packages/search", "GET feeds/{id}/packages")


def _change(body: Any, call: Call) -> None:
    if isinstance(body, list):
        wanted = call.query.get("packageid", "")
        body[:] = [package for package in cast("list[Document]", body) if wanted in package["PackageId"]]
    else:
        found = [package for package in listed(body, "Items") if call.query.get("term", "") in package["Id"]]
        body.update(Items=found, TotalResults=len(found))
