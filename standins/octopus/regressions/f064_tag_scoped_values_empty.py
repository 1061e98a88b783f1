"""A value scoped to a tenant tag is empty in scheduled deployments (OctopusDeploy/Issues 9054)."""

from __future__ import annotations

from dataclasses import replace

from standins.octopus.behaviour.inputs import Inputs
from standins.octopus.behaviour.variables import Value
from standins.octopus.contract import Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("values", _empty)


def _empty(values: list[Value], loaded: Inputs) -> list[Value]:
    scheduled = loaded.subject.get("QueueTime") or loaded.subject.get("DeployedBy") == "system"
    if not scheduled:
        return values
    return [replace(value, value="", type="String") if value.scope.get("TenantTag") else value for value in values]
