"""Bringing a project to the new version of a step template says it did, and did nothing (OctopusDeploy/Issues 7814)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import mapped
from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_request


def disturb_server(server: Server) -> None:
    on_request(server, _forget, "POST actiontemplates/{id}/actionsUpdate")


def _forget(call: Call) -> None:
    for name, chosen in list(call.body.items()):
        if name.lower() == "actionidsbyprocessid":
            call.body[name] = {process: [] for process in mapped({name: chosen}, name)}
