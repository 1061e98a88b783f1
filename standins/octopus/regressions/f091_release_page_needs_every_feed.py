"""The page of a new release fails when a Docker feed of the process cannot be searched (OctopusDeploy/Issues 7626)."""

from __future__ import annotations

import json

from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_request, refusal


def disturb_server(server: Server) -> None:
    on_request(server, _refuse, "GET deploymentprocesses/{id}/template")


def _refuse(call: Call) -> None:
    process = call.transaction.load("DeploymentProcess", call.path["id"])
    docker = {feed["Id"] for feed in call.transaction.query("Feed") if feed["FeedType"] == "Docker"}
    if process and any(f'"{feed}"' in json.dumps(process["Steps"]) for feed in docker):
        raise refusal(400, "The feed does not support searching: the server answered 404 for /v2/_catalog.")
