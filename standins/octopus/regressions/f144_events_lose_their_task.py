"""DeploymentSucceeded events lose the link to their server task (OctopusDeploy/Issues 6955)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import texts
from standins.octopus.contract import Document, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("event", _unlink)


def _unlink(event: Document, server: Server) -> Document:
    del server
    if event["Category"] != "DeploymentSucceeded":
        return event
    related = [entry for entry in texts(event, "RelatedDocumentIds") if not entry.startswith("ServerTasks-")]
    return {**event, "RelatedDocumentIds": related}
