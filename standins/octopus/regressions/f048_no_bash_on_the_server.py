"""Scripts in Bash can no longer be run on the server (OctopusDeploy/Issues 6228)."""

from __future__ import annotations

from standins.octopus.behaviour.actions import ActionFailed
from standins.octopus.contract import Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("server script", _refuse)


def _refuse(syntax: str) -> None:
    if syntax == "Bash":
        raise ActionFailed("Bash scripts cannot be run on the Octopus Server.")
