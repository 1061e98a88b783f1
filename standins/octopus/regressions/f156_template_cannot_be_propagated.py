"""A step template that changed cannot be brought to the steps that use it (OctopusDeploy/Issues 8585)."""

from __future__ import annotations

from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_request, refusal


def disturb_server(server: Server) -> None:
    on_request(server, _refuse, "POST actiontemplates/{id}/actionsUpdate")


def _refuse(call: Call) -> None:
    del call
    raise refusal(400, "The steps of the deployment process cannot be updated: the source of the package changed.")
