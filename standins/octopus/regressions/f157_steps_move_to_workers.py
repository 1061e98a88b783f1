"""Saving a process lets scripts for targets run on workers instead (OctopusDeploy/Issues 6365)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_request


def disturb_server(server: Server) -> None:
    on_request(server, _act, "PUT deploymentprocesses/{id}")


def _act(call: Call) -> None:
    for step in listed(call.body, "Steps"):
        for action in listed(step, "Actions"):
            mapped(action, "Properties")["Octopus.Action.RunOnServer"] = "true"
