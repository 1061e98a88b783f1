"""A trigger that is enabled again fires at once (OctopusDeploy/Issues 9813).

The clone's triggers were disabled by SQL.
"""

from __future__ import annotations

from standins.octopus.contract import Document, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("fires when enabled", _always)


def _always(fires: bool, trigger: Document) -> bool:
    del fires, trigger
    return True
