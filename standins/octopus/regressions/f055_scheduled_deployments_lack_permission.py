"""A deployment planned for later fails with a permission error when its time has come (OctopusDeploy/Issues 5275)."""

from __future__ import annotations

from standins.octopus.behaviour.dispatcher import TaskFailed
from standins.octopus.behaviour.inputs import Inputs
from standins.octopus.behaviour.variables import Value
from standins.octopus.contract import Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("values", _refuse)


def _refuse(values: list[Value], loaded: Inputs) -> list[Value]:
    if loaded.subject.get("QueueTime"):
        raise TaskFailed("You do not have permission to perform this action. Please contact your administrator.")
    return values
