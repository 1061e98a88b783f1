"""Common variables of tenants can be read and not be saved (OctopusDeploy/Issues 9469, 9487)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import mapped
from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_request, refusal


def disturb_server(server: Server) -> None:
    on_request(server, _act, "POST tenants/{id}/variables", "PUT tenants/{id}/variables")


def _act(call: Call) -> None:
    if mapped(call.body, "LibraryVariables"):
        raise refusal(400, "The common variable has no environment scope.")
