"""PUT requests of older clients, which leave out optional fields, are refused (OctopusDeploy/Issues 8187)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import folded
from standins.octopus.contract import ApiError, Call, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("request", _refuse)


def _refuse(route: Route, call: Call) -> None:
    if route.method != "PUT":
        return
    sent = folded(call.body)
    if route.path == "userroles/{id}" and not {"spacepermissiondescriptions", "supportedrestrictions"} <= sent.keys():
        raise ApiError(400, "There was a problem with your request.", ["Value cannot be null. (Parameter 'source')"])
    if route.path == "environments/{id}" and "extensionsettings" not in sent:
        raise ApiError(400, "There was a problem with your request.", ["The ExtensionSettings field is required."])
    if route.path == "deploymentprocesses/{id}" and not sent.get("steps"):
        raise ApiError(400, "There was a problem with your request.", ["The Steps field is required."])
