"""Manual interventions that waited before the upgrade cannot be completed after it (OctopusDeploy/Issues 2691)."""

from __future__ import annotations

from standins.octopus.behaviour.moments import moment
from standins.octopus.contract import ApiError, Call, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded, upgraded_at


def disturb_server(server: Server) -> None:
    if not upgraded(server):
        return
    boundary = upgraded_at(server)

    def refuse(route: Route, call: Call) -> None:
        if route.path != "interruptions/{id}/submit":
            return
        interruption = call.transaction.load("Interruption", call.path["id"])
        created = moment(interruption["Created"]) if interruption else None
        if created is not None and created < boundary:
            raise ApiError(400, "There was a problem with your request.", ["The interruption's task is not running."])

    hooks.on("request", refuse)
