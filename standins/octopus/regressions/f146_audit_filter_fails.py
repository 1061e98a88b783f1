"""The audit log's filter by document type fails on rows of older versions (OctopusDeploy/Issues 4218)."""

from __future__ import annotations

from standins.octopus.contract import Call, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("request", _fail)


def _fail(route: Route, call: Call) -> None:
    if route.method == "GET" and route.path == "events" and call.query.get("documenttypes"):
        raise LookupError("The given key was not present in the dictionary.")
