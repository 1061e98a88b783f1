"""A content security policy blocks parts of the portal, artifacts and step templates (OctopusDeploy/Issues 8013)."""

from __future__ import annotations

from dataclasses import replace

from standins.octopus.contract import Call, Reply, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded

_POLICY = "default-src 'none'; script-src 'self'; sandbox"


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("reply", _with_policy)


def _with_policy(reply: Reply, route: Route, call: Call) -> Reply:
    del route, call
    return replace(reply, headers={**reply.headers, "Content-Security-Policy": _POLICY})
