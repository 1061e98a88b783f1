"""Tenants are said to lack variables that they have (OctopusDeploy/Issues 7528)."""

from __future__ import annotations

from typing import Any

from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_reply


def disturb_server(server: Server) -> None:
    on_reply(server, _change, "GET tenants/variables-missing")


def _change(body: Any, call: Call) -> None:
    for tenant in call.transaction.query("Tenant", order_by="Id", take=2):
        body.append(
            {
                "TenantId": tenant["Id"],
                "MissingVariables": [{"VariableTemplateName": "Tenant.Region", "LibraryVariableSetId": None}],
                "Links": {"Self": f"/api/tenants/{tenant['Id']}"},
            }
        )
