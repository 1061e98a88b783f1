"""A queued system task never starts, and no scheduled trigger fires while it waits.

OctopusDeploy/Issues 8485, 8875.
"""

from __future__ import annotations

from standins.octopus.behaviour import tasks
from standins.octopus.contract import Document, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded

_NAME = "ProcessRecurringScheduledTasks"


def disturb_server(server: Server) -> None:
    if not upgraded(server):
        return
    with server.store.transaction() as transaction:
        if not transaction.count("ServerTask", where={"Name": _NAME, "State": "Queued"}):
            tasks.queue(
                server,
                transaction,
                _NAME,
                "Process recurring scheduled deployments",
                arguments={},
                subject=tasks.Subject(),
            )
    hooks.on("may start", _never)
    hooks.on("fires triggers", _stays_off)


def _never(allowed: bool, task: Document) -> bool:
    return allowed and task["Name"] != _NAME


def _stays_off(fires: bool) -> bool:
    del fires
    return False
