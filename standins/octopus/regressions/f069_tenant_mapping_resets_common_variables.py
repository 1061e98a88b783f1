"""Common variables of a tenant are reset when its environments are changed (OctopusDeploy/Issues 7861)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import mapped
from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_request


def disturb_server(server: Server) -> None:
    on_request(server, _reset, "PUT tenants/{id}")


def _reset(call: Call) -> None:
    held = call.transaction.load("Tenant", call.path["id"])
    if held is None or mapped(held, "ProjectEnvironments") == mapped(call.body, "ProjectEnvironments"):
        return
    for variable in call.transaction.query("TenantVariable", where={"TenantId": held["Id"]}):
        if str(variable["OwnerId"]).startswith("LibraryVariableSets-"):
            call.transaction.delete("TenantVariable", variable["Id"])
