"""A deployment asks for a prompted value although a scoped value takes its place (OctopusDeploy/Issues 10072)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import Call, Document, Server
from standins.octopus.regressions.seeding import on_reply


def disturb_server(server: Server) -> None:
    on_reply(server, _change, "GET releases/{id}/deployments/preview/{environment}")


def _change(body: Document, call: Call) -> None:
    del call
    form = mapped(body, "Form")
    listed(form, "Elements").append(
        {
            "Name": "seeded",
            "Control": {"Type": "VariableValue", "Name": "Database", "Label": "Database", "Required": True},
            "IsValueRequired": True,
        }
    )
