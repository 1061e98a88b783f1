"""A field of artifacts that integrations read is gone, as RelatedDocumentIds once was (OctopusDeploy/Issues 5226)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import listed
from standins.octopus.contract import Call, Document, Reply, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("reply", _drop)


def _drop(reply: Reply, route: Route, call: Call) -> Reply:
    del call
    if route.method == "GET" and route.path in {"artifacts", "artifacts/{id}"}:
        shown: Document = reply.body
        for artifact in [shown, *listed(shown, "Items")]:
            artifact.pop("Source", None)
    return reply
