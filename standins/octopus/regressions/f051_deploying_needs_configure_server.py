"""The page that creates deployments asks something only holders of ConfigureServer may ask (OctopusDeploy/Issues 8726).

Creating a deployment through the API goes on to work; the preview that the page needs does not.
"""

from __future__ import annotations

from standins.octopus.api.errors import forbidden
from standins.octopus.contract import Call, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("request", _refuse)


def _refuse(route: Route, call: Call) -> None:
    if "deployments/preview" in route.path and call.rights is not None and not call.rights.allows("ConfigureServer"):
        raise forbidden("ConfigureServer")
