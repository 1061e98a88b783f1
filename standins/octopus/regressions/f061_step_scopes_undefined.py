"""Step-scoped variables show "undefined" as the name of their scope (OctopusDeploy/Issues 6861)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import Call, Document, Reply, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("reply", _undefine)


def _undefine(reply: Reply, route: Route, call: Call) -> Reply:
    del call
    if route.method == "GET" and route.path == "variables/{id}":
        shown: Document = reply.body
        for step in listed(mapped(shown, "ScopeValues"), "Actions"):
            step["Name"] = "undefined"
    return reply
