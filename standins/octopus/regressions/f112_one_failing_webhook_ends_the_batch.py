"""A webhook that fails keeps the other notifications of its batch back (OctopusDeploy/Issues 7216)."""

from __future__ import annotations

from standins.octopus.contract import Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("goes on after a failed webhook", _never)


def _never(goes_on: bool) -> bool:
    del goes_on
    return False
