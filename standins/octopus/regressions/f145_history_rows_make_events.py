"""Rows of the deployment history leave audit events of their own (OctopusDeploy/Issues 8723)."""

from __future__ import annotations

from standins.octopus.contract import Document, Server, Transaction
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("event stored", _another)


def _another(server: Server, transaction: Transaction, event: Document) -> None:
    del server
    if event["Category"] in {"DeploymentSucceeded", "DeploymentFailed"}:
        more = {name: value for name, value in event.items() if name not in {"Id", "AutoId"}}
        more["Category"] = "Modified"
        more["Message"] = "Deployment history was changed"
        more["MessageHtml"] = more["Message"]
        more["MessageReferences"] = []
        transaction.insert("Event", more)
