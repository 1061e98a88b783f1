"""The way from the root to the portal forgets the virtual directory (OctopusDeploy/Issues 7954)."""

from __future__ import annotations

from dataclasses import replace

from standins.octopus.contract import Call, Reply, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("reply", _elsewhere)


def _elsewhere(reply: Reply, route: Route, call: Call) -> Reply:
    del call
    if route.path != "//" or "Location" not in reply.headers:
        return reply
    return replace(reply, headers={**reply.headers, "Location": "/octopus/octopus/app"})
