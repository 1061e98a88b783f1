"""A role that is saved as it was read is refused for a permission nobody chose (OctopusDeploy/Issues 7075)."""

from __future__ import annotations

from standins.octopus.contract import ApiError, Call, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("request", _refuse)


def _refuse(route: Route, call: Call) -> None:
    del call
    if route.method == "PUT" and route.path == "userroles/{id}":
        raise ApiError(
            400, "There was a problem with your request.", ["The permission 'TagSetView' is not a valid permission."]
        )
